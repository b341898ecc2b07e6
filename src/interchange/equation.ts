import { levelsOf, rawLevelsOf } from "../dataset/formula/coding.js";
import { indicatorColumns } from "../dataset/formula/indicator-columns.js";
import {
  completeSpec,
  type DateFactor,
  type Expression,
  type ModelSpec,
  predictedTarget,
  strictColumns,
  type Variable,
} from "../dataset/formula/spec.js";
import { ModelError } from "../errors.js";
import { withEffects } from "../linear/model/absorbed-effects.js";
import type { LinearModel } from "../linear/model/model.js";
import { type RowSpacePlan, TOLERANCE } from "../linear/model/row-space.js";

/** A factor with the levels that training met; a level's place in the list is its code. */
export interface Factor {
  /** The raw column. */
  column: string;
  of: "text" | "numbers";
  /** What of the column's dates the levels are the names of. */
  by?: DateFactor | undefined;
  levels: readonly string[];
}

/** A number that multiplies: an expression over raw columns, raised to a power. */
export interface Power {
  expression: Expression;
  /** A whole number of 1 or more. */
  exponent: number;
}

/** One column of the design: the levels that it stands for, and its coefficient. */
export interface Entry {
  /** As R prints it. */
  name: string;
  /** One code for each factor of the block. */
  codes: readonly number[];
  /** 0 for an aliased column. */
  coefficient: number;
  aliased: boolean;
}

/** Columns of the design that have their number in common and differ only in the levels of the same factors. */
export interface Block {
  /** The label of the term that it belongs to. */
  term: string;
  /** The numbers whose product it is; none for factors alone. */
  powers: readonly Power[];
  /** Indices into the equation's factors. */
  factors: readonly number[];
  /** One entry without codes where there is no factor; with factors, combinations that are left out count 0. */
  entries: readonly Entry[];
}

/**
 * What has to hold of a row for it to have a prediction, where columns are aliased: |constant + Σ over blocks of
 * (Π powers) · β[levels]| ≤ limit, the blocks having coefficients of the condition's own.
 */
export interface Condition {
  constant: number;
  blocks: readonly Block[];
  limit: number;
}

/**
 * A fitted model spelled out over raw columns: ŷ = β₀ + Σ over blocks of (Π powers) · β[levels].
 *
 * A row in which a number is missing or not finite, a level was not in the training data, or a condition does not hold, has no prediction.
 */
export interface Equation {
  /** What is predicted: a column, or an expression of one such as `log(medv)`. */
  target: string;
  formula: string;
  intercept: number;
  /** The raw columns that are read as numbers, and those read as text. */
  numeric: readonly string[];
  text: readonly string[];
  factors: readonly Factor[];
  blocks: readonly Block[];
  /** None where no column is aliased. */
  conditions: readonly Condition[];
}

/** The equation of a model, all that predicting needs, for writers of other formats. */
export function equationOf(model: LinearModel): Equation {
  const whole = withEffects(model);
  const { levels, terms, weights } = whole;
  const { rowSpace } = model;
  const spec = completeSpec({ ...whole.spec, target: predictedTarget(whole.spec.target) });
  const factors: Factor[] = [];
  const codesOf: Map<string, number>[] = [];
  const factorNumbers = spec.variables.map((variable) => {
    if (variable.kind !== "factor") return -1;
    const { column, of, by } = variable;
    codesOf.push(new Map(levelsOf(variable, levels).map((level, code) => [level, code])));
    return factors.push({ column, of, by, levels: rawLevelsOf(variable, levels) }) - 1;
  });
  // By place: two columns may have one name.
  const first = model.intercept ? 1 : 0;
  const blocks: Block[] = [];
  /** Where each column is: its block, and its entry there. */
  const places: Places = [];
  let column = 0;
  for (const term of terms) {
    const own = new Map<string, Block & { entries: Entry[] }>();
    const { columns, shares, combine } = indicatorColumns(term);
    const coefficients = combine?.(weights.subarray(column + 1, column + 1 + term.columns.length));
    const of: Places = term.columns.map(() => []);
    for (const [i, { parts }] of columns.entries()) {
      const powers: Power[] = [];
      const within: number[] = [];
      const codes: number[] = [];
      term.variables.forEach((v, i) => {
        const variable = spec.variables[v]!;
        if (variable.kind === "factor") {
          within.push(factorNumbers[v]!);
          codes.push(codesOf[factorNumbers[v]!]!.get(parts[i] as string) ?? -1);
        } else powers.push(powerOf(variable, parts[i]));
      });
      // Of each choice of powers, or of a basis's columns, one block.
      const key = parts.filter((_, i) => spec.variables[term.variables[i]!]!.kind !== "factor").join();
      const block = own.get(key) ?? { term: term.label, powers, factors: within, entries: [] };
      own.set(key, block);
      const named = term.columns[shares[i]![0]!.column]!;
      const name = combine === undefined ? named.name : namedLevels(spec, term.variables, parts);
      const aliased = shares[i]!.every((share) =>
        Number.isNaN(model.coefficients[first + column + share.column]!),
      );
      for (const share of shares[i]!)
        of[share.column]!.push({ block, entry: block.entries.length, weight: share.weight });
      const coefficient = coefficients?.[i] ?? weights[column + 1 + i]!;
      block.entries.push({ name, codes, coefficient, aliased });
    }
    places.push(...of);
    column += term.columns.length;
    for (const block of own.values()) blocks.push(block);
  }
  const { offset } = spec.target;
  if (offset !== undefined)
    blocks.push({
      term: offset.label,
      powers: [{ expression: offset.expression, exponent: 1 }],
      factors: [],
      entries: [{ name: offset.label, codes: [], coefficient: 1, aliased: false }],
    });
  return {
    target: model.target,
    formula: spec.formula,
    intercept: weights[0]!,
    numeric: spec.numeric,
    text: spec.text,
    factors,
    blocks,
    conditions: rowSpace === undefined ? [] : conditionsOf(rowSpace, places),
  };
}

/** For each column of the design the entries that it is made of, and its numbers there. */
type Places = { block: Block; entry: number; weight: number }[][];

/** A combination of levels as R would call its indicator. */
function namedLevels(
  { variables }: ModelSpec,
  term: readonly number[],
  parts: readonly (string | number | undefined)[],
): string {
  return term.map((v, i) => `${variables[v]!.label}${parts[i] ?? ""}`).join(":");
}

function conditionsOf({ zero, relations }: RowSpacePlan, places: Readonly<Places>): Condition[] {
  const isPlain = ({ at }: { at: number }) => places[at - 1]!.every(({ weight }) => weight === 1);
  const zeros = ownBlocks(
    zero.filter(isPlain).map(({ at }) => ({ at, value: 1 })),
    places,
  );
  const contrasts = zero.filter((one) => !isPlain(one));
  return [
    // Columns that training never saw other than 0 have to be 0, each block's by itself, for they must not cancel.
    ...zeros.map((block) => ({ constant: 0, blocks: [block], limit: 0 })),
    ...contrasts.map(({ at }) => ({ constant: 0, blocks: ownBlocks([{ at, value: 1 }], places), limit: 0 })),
    ...relations.map(({ at, values, spread }) => {
      const pairs = at.map((place, i) => ({ at: place, value: values[i]! }));
      const constant = pairs.filter((one) => one.at === 0).reduce((sum, { value }) => sum + value, 0);
      const slopes = pairs.filter((one) => one.at > 0);
      return { constant, blocks: ownBlocks(slopes, places), limit: TOLERANCE * spread };
    }),
  ];
}

/** The blocks that some columns are in, with these coefficients and no others. */
function ownBlocks(columns: readonly { at: number; value: number }[], places: Readonly<Places>): Block[] {
  const own = new Map<Block, Map<number, Entry>>();
  for (const { at, value } of columns)
    for (const { block, entry, weight } of places[at - 1]!) {
      const entries = own.get(block) ?? new Map<number, Entry>();
      own.set(block, entries);
      const before = entries.get(entry)?.coefficient ?? 0;
      entries.set(entry, { ...block.entries[entry]!, coefficient: before + weight * value });
    }
  return [...own].map(([block, entries]) => ({ ...block, entries: [...entries.values()] }));
}

/** Whether an equation is no more than β₀ + Σ β x over raw columns as they stand. */
export function isPlain(equation: Equation): boolean {
  if (equation.factors.length > 0) return false;
  return equation.blocks.every(
    ({ powers }) => powers.length === 1 && powers[0]!.exponent === 1 && "column" in powers[0]!.expression,
  );
}

function powerOf(variable: Exclude<Variable, { kind: "factor" }>, part: string | number | undefined): Power {
  if (variable.kind === "basis")
    return { expression: variable.columns[(part as number) - 1]!.expression, exponent: 1 };
  return { expression: variable.expression, exponent: typeof part === "number" ? part : 1 };
}

/** The raw columns without which a row has no prediction: all, but for what conditions and choices alone read. */
export function requiredColumns({ blocks, factors }: Equation): ReadonlySet<string> {
  return new Set([
    ...factors.map(({ column }) => column),
    ...blocks.flatMap(({ powers }) => powers.flatMap(({ expression }) => strictColumns(expression))),
  ]);
}

/** The error of a format that has no functions of dates. */
export function ofDatesError(label: string, format: string): ModelError {
  return new ModelError(`${label} is made of dates, which ${format} cannot compute`, {
    hint: "make the column beforehand and train on that, or export to sql, ts or json",
  });
}
