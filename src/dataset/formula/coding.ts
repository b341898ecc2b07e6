import { UsageError } from "../../errors.js";
import { codePointOrder } from "../../stats/code-points.js";
import { combinedKey } from "../../stats/combined-columns.js";
import { option, wording } from "../../wording.js";
import { nearestName } from "../nearest.js";
import { columnKey, levelKey, variableKey } from "./column-key.js";
import { contrastColumns, contrastCount } from "./contrasts.js";
import { type ModelSpec, numbersOf, type Variable } from "./spec.js";
import type { FactorLevels } from "./spec-schema.js";
import { deparseNumber } from "./syntax.js";

export type { FactorLevels };

/** A column of the model's design: R's name for it, and the column of the scan that it is. */
interface CodedColumn {
  /** As R prints it: `stateCA`, `factor(cyl)6`, `poly(dis, 3, raw = TRUE)2`, `a:b`. */
  name: string;
  /** The scan's key; a column that the scan never met is zero in every row. */
  key: string;
  /**
   * For each variable of the term: the level of a factor, or the number of its contrast's column, the power of a
   * polynomial, undefined for a number.
   */
  parts: (string | number | undefined)[];
  /** For each variable that is coded by a contrast here its levels and their numbers; undefined, or null as JSON has it, where none is. */
  contrasts?: (LevelNumbers | undefined | null)[];
}

/** A term of the model with its columns. */
export interface CodedTerm {
  label: string;
  /** Indices into the spec's variables. */
  variables: number[];
  /** For each of these whether it is a factor that has an indicator for every level here. */
  full: boolean[];
  columns: CodedColumn[];
}

/** Levels of a factor, each with its number in a column of a contrast: plain data. */
type LevelNumbers = readonly (readonly [level: string, value: number])[];

/** What a variable of a term multiplies: a level, a column of a contrast, a power, or a number as it is. */
interface Choice {
  part: string | number | undefined;
  /** What R writes behind the variable's label. */
  name: string;
  contrast?: LevelNumbers;
}

/**
 * The columns that R's `model.matrix` gives a model, the intercept left out: factors are coded by contrasts, of which
 * those of treatment leave out the reference level, or by an indicator for every level where no earlier term covers
 * it (Chambers & Hastie 1992, page 38). Either way each is a column of the scan or a combination of such, so that the
 * coding, the reference and the terms can be chosen when the data have gone by.
 *
 * @param levels every factor's levels, sorted by {@link sortLevels}
 * @param references reference levels, by column name or factor label; the first level by default
 * @throws UsageError where a reference is not one of the levels
 */
export function codedTerms(
  spec: ModelSpec,
  levels: FactorLevels,
  references: Readonly<Record<string, string>> = {},
): CodedTerm[] {
  const ordered = referenceFirst(spec, levels, references);
  return fullCodes(spec).map((full, t) => {
    const { label, variables } = spec.terms[t]!;
    let columns: CodedColumn[] = [{ name: "", key: "", parts: [] }];
    variables.forEach((v, i) => {
      const variable = spec.variables[v]!;
      const choices = choicesOf(variable, ordered.get(variable.label), full[i]!);
      // R varies the first variable fastest.
      columns = choices.flatMap((choice) => columns.map((column) => extended(column, variable, choice, i)));
    });
    for (const column of columns)
      if (column.contrasts !== undefined) column.key = keyOf(spec, variables, column);
    return { label, variables, full, columns };
  });
}

/** How many columns {@link codedTerms} makes. */
export function codedCount(spec: ModelSpec, levels: FactorLevels): number {
  let count = 0;
  fullCodes(spec).forEach((full, t) => {
    const choices = spec.terms[t]!.variables.map((v, i) => {
      const variable = spec.variables[v]!;
      if (variable.kind !== "factor")
        return numbersOf(variable) - (isCategorical(variable) && !full[i] ? 1 : 0);
      const all = levelsOf(variable, levels).length;
      if (full[i]) return all;
      return variable.contrast === undefined ? Math.max(0, all - 1) : contrastCount(variable.contrast, all);
    });
    count += choices.reduce((product, one) => product * one, 1);
  });
  return count;
}

/** A factor's levels in the order that decides the reference: numbers by size, texts by code points (R's C locale). */
export function sortLevels(levels: Iterable<string>, of: "text" | "numbers"): string[] {
  const names = [...levels];
  return Array.from(levelOrder(names, of), (at) => names[at]!);
}

/** Where the names of `sortLevels` stand among `names`, in its order. */
export function levelOrder(
  names: readonly string[],
  of: "text" | "numbers",
): ArrayLike<number> & Iterable<number> {
  if (of === "text") return codePointOrder(names);
  const values = Float64Array.from(names, Number);
  return names.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
}

/** For each term and each of its variables: whether a factor has an indicator for every level there. */
function fullCodes(spec: ModelSpec): boolean[][] {
  const isFactor = (v: number) => isCategorical(spec.variables[v]!);
  const full = spec.terms.map(({ variables }, t) =>
    variables.map((v) => {
      if (!isFactor(v) || variables.length === 1) return false;
      // A term before this one that has all the others already spans what the reference level would add.
      const rest = variables.filter((other) => other !== v);
      return !spec.terms.slice(0, t).some((term) => rest.every((other) => term.variables.includes(other)));
    }),
  );
  // Without an intercept, the first factor of all takes its place, as R has it; absorbed effects span it.
  if (!spec.intercept && spec.absorbed === undefined) {
    for (let t = 0; t < spec.terms.length; t++) {
      const i = spec.terms[t]!.variables.findIndex(isFactor);
      if (i < 0) continue;
      full[t]![i] = true;
      break;
    }
  }
  return full;
}

/** Whether a variable's columns are coded by contrasts: a factor's levels, and indicators that expressions make. */
function isCategorical(variable: Variable): boolean {
  return variable.kind === "factor" || (variable.kind === "basis" && variable.indicators === true);
}

function choicesOf(variable: Variable, levels: readonly string[] | undefined, full: boolean): Choice[] {
  switch (variable.kind) {
    case "numeric":
      return [{ part: undefined, name: "" }];
    case "polynomial":
      return Array.from({ length: variable.degree }, (_, k) => ({
        part: k + 1,
        // Of a matrix of one column R names none.
        name: variable.degree === 1 ? "" : String(k + 1),
      }));
    case "basis": {
      const all = variable.columns.map(({ name }, k): Choice => ({ part: k + 1, name }));
      return isCategorical(variable) && !full ? all.slice(1) : all;
    }
    case "factor": {
      const { contrast, label } = variable;
      const plain = (level: string): Choice => ({ part: level, name: levelName(variable, level) });
      if (full) return levels!.map(plain);
      if (contrast === undefined) return levels!.slice(1).map(plain);
      return contrastColumns(contrast, levels!, label).map(({ name, values }, j) => {
        const [level, ...others] = levels!.filter((_, l) => values[l] !== 0);
        // A column that is one level's indicator is that.
        if (level !== undefined && others.length === 0 && values[levels!.indexOf(level)] === 1)
          return { part: level, name: name === level ? levelName(variable, level) : name };
        return { part: j + 1, name, contrast: levels!.map((own, l) => [own, values[l]!] as const) };
      });
    }
  }
}

function extended(column: CodedColumn, variable: Variable, choice: Choice, position: number): CodedColumn {
  const { part, contrast } = choice;
  const key = part === undefined ? variableKey(variable) : levelKey(variable, part);
  const name = variable.label + choice.name;
  return {
    name: position === 0 ? name : `${column.name}:${name}`,
    key: position === 0 ? key : columnKey([column.key, key]),
    parts: [...column.parts, part],
    ...(contrast === undefined && column.contrasts === undefined
      ? {}
      : { contrasts: [...(column.contrasts ?? column.parts.map(() => undefined)), contrast] }),
  };
}

/** The key of a column with contrasts in it: what combination of the scan's columns it is. */
function keyOf(spec: ModelSpec, variables: readonly number[], column: CodedColumn): string {
  return combinedKey(
    indicatorsOf(column).map(({ parts, weight }) => [
      columnKey(
        variables.map((v, i) => {
          const variable = spec.variables[v]!;
          return parts[i] === undefined ? variableKey(variable) : levelKey(variable, parts[i]);
        }),
      ),
      weight,
    ]),
  );
}

/** The combinations of levels that a column is not zero in, and its numbers there, which its numeric parts multiply. */
export function indicatorsOf({ parts, contrasts }: CodedColumn): {
  parts: (string | number | undefined)[];
  weight: number;
}[] {
  return parts.reduce<{ parts: (string | number | undefined)[]; weight: number }[]>(
    (all, part, i) => {
      const contrast = contrasts?.[i] ?? undefined;
      if (contrast === undefined) return all.map((own) => ({ ...own, parts: [...own.parts, part] }));
      return contrast
        .filter(([, weight]) => weight !== 0)
        .flatMap(([level, weight]) =>
          all.map((own) => ({ parts: [...own.parts, level], weight: own.weight * weight })),
        );
    },
    [{ parts: [], weight: 1 }],
  );
}

/** A level as R writes it behind the factor's label: 1e+05, unless its 15 digits would be another number. */
function levelName(variable: Variable & { kind: "factor" }, level: string): string {
  if (variable.of !== "numbers" || variable.labels !== undefined) return level;
  const written = deparseNumber(Number(level));
  return Number(written) === Number(level) ? written : level;
}

/** A factor's levels: those that its formula gives it, else those that the data have. */
export function levelsOf(
  { label, levels, labels }: Variable & { kind: "factor" },
  known: FactorLevels,
): readonly string[] {
  return labels ?? levels ?? (Object.hasOwn(known, label) ? known[label]! : []);
}

/** What a column of the data has where a factor has its levels, in their order: they may be called otherwise. */
export function rawLevelsOf(factor: Variable & { kind: "factor" }, known: FactorLevels): readonly string[] {
  return factor.levels ?? levelsOf(factor, known);
}

/** The levels of all factors, also of those that no row has. */
export function allLevels(spec: ModelSpec, known: FactorLevels): FactorLevels {
  const given = spec.variables.filter(
    (variable) => variable.kind === "factor" && variable.levels !== undefined,
  );
  if (given.length === 0) return known;
  const own = given.map((variable) => [
    variable.label,
    [...levelsOf(variable as Variable & { kind: "factor" }, known)],
  ]);
  return { ...known, ...Object.fromEntries(own) };
}

function referenceFirst(
  spec: ModelSpec,
  levels: FactorLevels,
  references: Readonly<Record<string, string>>,
): Map<string, string[]> {
  const factors = spec.variables.filter((variable) => variable.kind === "factor");
  for (const name of Object.keys(references))
    if (!factors.some(({ label, column }) => label === name || column === name))
      throw new UsageError(wording`${option("references")} names ${name}: the model has no such factor`, {
        hint: `Factors: ${factors.map(({ label }) => label).join(", ") || "none"}.`,
      });
  // Absorbed factors are no terms, and may have very many levels.
  const used = new Set(spec.terms.flatMap(({ variables }) => variables.map((v) => spec.variables[v]!)));
  return new Map(
    factors.map((factor) => {
      const { label, column, of, first } = factor;
      const given = levelsOf(factor, levels);
      const sorted = used.has(factor) && factor.levels === undefined ? sortLevels(given, of) : [...given];
      // A column may be called "constructor", which every object has.
      const asked = [label, column].find((name) => Object.hasOwn(references, name));
      const reference = asked === undefined ? first : references[asked];
      if (reference === undefined) return [label, sorted];
      if (!sorted.includes(reference)) {
        const nearest = nearestName(reference, sorted);
        throw new UsageError(`${column} has no level ${reference}, which is to be its reference`, {
          hint: nearest ? `Did you mean ${nearest}?` : `Levels: ${sorted.slice(0, 20).join(", ")}.`,
        });
      }
      return [label, [reference, ...sorted.filter((level) => level !== reference)]];
    }),
  );
}
