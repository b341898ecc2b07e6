import { UsageError } from "../../errors.js";
import { codePointOrder } from "../../stats/code-points.js";
import { option, wording } from "../../wording.js";
import { nearestName } from "../nearest.js";
import { columnKey, levelKey, variableKey } from "./column-key.js";
import type { ModelSpec, Variable } from "./spec.js";
import type { FactorLevels } from "./spec-schema.js";
import { deparseNumber } from "./syntax.js";

export type { FactorLevels };

/** A column of the model's design: R's name for it, and the column of the scan that it is. */
interface CodedColumn {
  /** As R prints it: `stateCA`, `factor(cyl)6`, `poly(dis, 3, raw = TRUE)2`, `a:b`. */
  name: string;
  /** The scan's key; a column that the scan never met is zero in every row. */
  key: string;
  /** For each variable of the term: the level of a factor, the power of a polynomial, undefined for a number. */
  parts: (string | number | undefined)[];
}

/** A term of the model with its columns. */
export interface CodedTerm {
  label: string;
  /** Indices into the spec's variables. */
  variables: number[];
  columns: CodedColumn[];
}

/**
 * The columns that R's `model.matrix` gives a model, the intercept left out: factors are coded by treatment
 * contrasts, which leave out the reference level, or by an indicator for every level where no earlier term covers
 * it (Chambers & Hastie 1992, page 38). Either way each is a column of the scan, so that the coding, the reference
 * and the terms can be chosen when the data have gone by.
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
    return { label, variables, columns };
  });
}

/** How many columns {@link codedTerms} makes. */
export function codedCount(spec: ModelSpec, levels: FactorLevels): number {
  let count = 0;
  fullCodes(spec).forEach((full, t) => {
    const choices = spec.terms[t]!.variables.map((v, i) => {
      const variable = spec.variables[v]!;
      if (variable.kind !== "factor") return variable.kind === "polynomial" ? variable.degree : 1;
      const all = Object.hasOwn(levels, variable.label) ? levels[variable.label]!.length : 0;
      return full[i] ? all : Math.max(0, all - 1);
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
  const isFactor = (v: number) => spec.variables[v]!.kind === "factor";
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

function choicesOf(
  variable: Variable,
  levels: readonly string[] | undefined,
  full: boolean,
): (string | number | undefined)[] {
  switch (variable.kind) {
    case "numeric":
      return [undefined];
    case "polynomial":
      return Array.from({ length: variable.degree }, (_, k) => k + 1);
    case "factor":
      return full ? [...levels!] : levels!.slice(1);
  }
}

function extended(
  column: CodedColumn,
  variable: Variable,
  choice: string | number | undefined,
  position: number,
): CodedColumn {
  const key = choice === undefined ? variableKey(variable) : levelKey(variable, choice);
  const name = variable.label + nameOf(variable, choice);
  return {
    name: position === 0 ? name : `${column.name}:${name}`,
    key: position === 0 ? key : columnKey([column.key, key]),
    parts: [...column.parts, choice],
  };
}

/** A level or a power as R writes it behind the variable's label: 1e+05, unless its 15 digits would be another number. */
function nameOf(variable: Variable, choice: string | number | undefined): string {
  if (choice === undefined) return "";
  if (variable.kind !== "factor" || variable.of !== "numbers") return String(choice);
  const written = deparseNumber(Number(choice));
  return Number(written) === Number(choice) ? written : String(choice);
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
      const { label, column, of } = factor;
      const given = levels[label] ?? [];
      const sorted = used.has(factor) ? sortLevels(given, of) : [...given];
      // A column may be called "constructor", which every object has.
      const asked = [label, column].find((name) => Object.hasOwn(references, name));
      const reference = asked === undefined ? undefined : references[asked];
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
