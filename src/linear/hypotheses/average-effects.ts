import { columnKey, levelKey, variableKey } from "../../dataset/formula/column-key.js";
import { indicatorColumns } from "../../dataset/formula/indicator-columns.js";
import { columnsOf, expressionsOf, hasDates, type Variable } from "../../dataset/formula/spec.js";
import { nearestName } from "../../dataset/nearest.js";
import { ModelError, UsageError } from "../../errors.js";
import { tCritical } from "../../stats/distributions.js";
import { option, verb, wording } from "../../wording.js";
import type { LinearModel } from "../model/model.js";
import { Contrasts } from "./contrast.js";
import { type EstimateRow, testedRow } from "./estimable.js";
import { derivativeInBasis, polynomialIn } from "./polynomial.js";
import type { DesignRow } from "./reference-grid.js";

/** The average effect of a column: of a number its mean slope, of a factor's level the mean step from the reference. */
export interface AverageEffect extends EstimateRow {
  column: string;
  /** Of a factor: the level, and the one that it is compared with. */
  level?: string;
  reference?: string;
}

/** The term whose mean change the moments do not hold. */
interface UnknownMean {
  unknownIn: string;
}

/** What a part of a term's column is: a power of a column of numbers, a factor's level, or an expression as it stands. */
type Part = { power: number; of: string } | { variable: Variable; choice: string | number | undefined };

/**
 * Average marginal effects: for a column of numbers the mean over the rows of the fit of ∂ŷ/∂x, for a factor the mean of
 * ŷ(level) − ŷ(reference), every other column as it is. Both are ḡᵀθ̂ with ḡ the mean of the design's derivative, which
 * holds means of terms and of products of two of them, and these are in the model's moments: from the model file alone.
 * Standard errors are those of the delta method, √(ḡᵀ Cov(θ̂) ḡ), the rows taken as given, as Stata's `margins, dydx` and
 * R's margins have them. Of a weighted fit the means are weighted. Of a wild bootstrap p and intervals are those of the draws,
 * as far as the model keeps what these are made of.
 *
 * @param columns which columns; by default all that terms are made of, with NaN for an effect whose mean the moments do not
 * hold, as that of log(x)
 * @throws UsageError for a column that is in no term; ModelError for penalised fits, and for a column that was asked for whose
 * mean effect the moments do not hold
 *
 * @example
 * ```js
 * import { averageEffects, fitCsv } from "goml";
 *
 * const { model } = await fitCsv("data/cps-wages.csv", { formula: "wage ~ education + I(education^2) + gender" });
 * for (const { column, estimate } of averageEffects(model)) console.log(column, estimate.toFixed(4));
 * // education 0.7757
 * // gender 2.0433
 * ```
 */
export function averageEffects(
  model: LinearModel,
  { columns, level = 0.95 }: { columns?: readonly string[] | undefined; level?: number } = {},
): AverageEffect[] {
  const { spec } = model;
  if (hasDates({ ...spec, target: { label: "", expression: { number: 0 } } }))
    throw new ModelError("effects of models of dates cannot be had: a date is no number to take a step on");
  const contrasts = new Contrasts(model);
  const critical = (df: number) => tCritical(level, df);
  const used = [...new Set(spec.terms.flatMap(({ variables }) => variables))].map((v) => spec.variables[v]!);
  const all = [...new Set(used.flatMap((variable) => columnsIn(variable)))];
  for (const name of columns ?? [])
    if (!all.includes(name)) {
      const nearest = nearestName(name, all);
      throw new UsageError(`the model's terms have no column ${name}`, {
        hint: nearest ? `Did you mean ${nearest}?` : `Columns: ${all.join(", ")}.`,
      });
    }
  const { offset } = spec.target;
  const within = offset && (columns ?? all).find((name) => columnsOf(offset.expression).includes(name));
  if (within !== undefined)
    throw new ModelError(`${within} stands in ${offset!.label} too, whose slope is not estimated`);
  const means = new ProductMeans(model);
  const tested = (column: string, row: DesignRow | UnknownMean): EstimateRow => {
    if (!("unknownIn" in row)) return testedRow(model, contrasts, row, critical, level);
    if (columns !== undefined) throw unknownMean(column, row.unknownIn);
    const [none, df] = [Number.NaN, model.dfInference];
    return { estimate: none, stdError: none, df, t: none, p: none, lower: none, upper: none };
  };
  return (columns ?? all).flatMap((column): AverageEffect[] => {
    const factors = used.filter((variable) => variable.kind === "factor" && variable.column === column);
    const numbers = used.some(
      (variable) => variable.kind !== "factor" && columnsIn(variable).includes(column),
    );
    if (factors.length > 1 || (factors.length === 1 && numbers))
      throw new ModelError(`${column} is in the terms in several ways, and a step on it changes them all`);
    if (numbers) return [{ column, ...tested(column, slopeRow(model, means, column)) }];
    const [factor] = factors as [Extract<Variable, { kind: "factor" }>];
    const [reference, ...levels] = levelsOf(model, factor);
    return levels.map((one) => ({
      column,
      level: one,
      reference: reference!,
      ...tested(column, stepRow(model, means, factor, [reference!, one])),
    }));
  });
}

function columnsIn(variable: Variable): string[] {
  return variable.kind === "factor"
    ? [variable.column]
    : [...new Set(expressionsOf(variable).flatMap(columnsOf))];
}

/** A factor's levels, the reference first. */
function levelsOf(
  { levels, references }: LinearModel,
  factor: Extract<Variable, { kind: "factor" }>,
): string[] {
  const all = levels[factor.label]!;
  const asked = [factor.label, factor.column].find((name) => Object.hasOwn(references, name));
  const reference = asked === undefined ? (factor.first ?? all[0]!) : references[asked]!;
  return [reference, ...all.filter((one) => one !== reference)];
}

/** The parts of a term's column. */
function partsOf(
  { spec }: LinearModel,
  variables: readonly number[],
  parts: readonly (string | number | undefined)[],
) {
  return variables.map((v, i): Part => ({ variable: spec.variables[v]!, choice: parts[i] }));
}

/** The mean of the design's derivative on a column of numbers. */
function slopeRow(model: LinearModel, means: ProductMeans, column: string): DesignRow | UnknownMean {
  const row = new Float64Array(model.terms.length + 1);
  let at = 1;
  for (const term of model.codedTerms) {
    const { label, variables } = term;
    const { columns, shares } = indicatorColumns(term);
    for (const [c, { parts }] of columns.entries()) {
      const all = partsOf(model, variables, parts);
      // By the product's rule.
      for (const [i, part] of all.entries()) {
        if (!("variable" in part) || part.variable.kind === "factor") continue;
        if (!columnsIn(part.variable).includes(column)) continue;
        const rest = all.filter((_, other) => other !== i);
        const summands = derivative(part, column);
        if (summands === undefined) return { unknownIn: label };
        for (const { value, by } of summands) {
          if (value === 0) continue;
          const mean = means.of([...by, ...rest]);
          if (mean === undefined) return { unknownIn: label };
          for (const share of shares[c]!) row[at + share.column]! += share.weight * value * mean;
        }
      }
    }
    at += term.columns.length;
  }
  return row;
}

/**
 * The derivative of a part on a column as a sum of numbers times parts: of powers of the column, or of what poly(x, k) has
 * before it. Undefined where it is none.
 */
function derivative(
  { variable, choice }: Extract<Part, { variable: Variable }>,
  column: string,
): { value: number; by: Part[] }[] | undefined {
  if (variable.kind === "factor") return undefined;
  if (variable.kind === "basis") {
    const before = variable.columns.slice(0, choice as number).map(({ expression }) => expression);
    const found = derivativeInBasis(before, column);
    if (found !== undefined)
      return found.map((value, j) => ({ value, by: j === 0 ? [] : [{ variable, choice: j }] }));
  }
  const inner = polynomialIn(
    variable.kind === "basis" ? variable.columns[(choice as number) - 1]!.expression : variable.expression,
    column,
  );
  if (inner === undefined) return undefined;
  let all = inner;
  if (variable.kind === "polynomial") {
    // Powers of the column itself only: of an expression they are not asked for often.
    if (inner.length !== 2 || inner[0] !== 0) return undefined;
    const power = choice as number;
    all = Array.from({ length: power + 1 }, (_, k) => (k === power ? inner[1]! ** power : 0));
  }
  return all.slice(1).map((value, k) => ({
    value: value * (k + 1),
    by: k === 0 ? [] : [{ power: k, of: column }],
  }));
}

/** The mean of the design's change from one level of a factor to another. */
function stepRow(
  model: LinearModel,
  means: ProductMeans,
  factor: Extract<Variable, { kind: "factor" }>,
  [from, to]: readonly [string, string],
): DesignRow | UnknownMean {
  const row = new Float64Array(model.terms.length + 1);
  let at = 1;
  for (const term of model.codedTerms) {
    const { label, variables } = term;
    const { columns, shares } = indicatorColumns(term);
    for (const [c, { parts }] of columns.entries()) {
      const all = partsOf(model, variables, parts);
      const i = all.findIndex((part) => "variable" in part && part.variable === factor);
      const sign = i < 0 ? 0 : parts[i] === to ? 1 : parts[i] === from ? -1 : 0;
      if (sign !== 0) {
        const mean = means.of(all.filter((_, other) => other !== i));
        if (mean === undefined) return { unknownIn: label };
        for (const share of shares[c]!) row[at + share.column]! += share.weight * sign * mean;
      }
    }
    at += term.columns.length;
  }
  return row;
}

function unknownMean(column: string, term: string): ModelError {
  return new ModelError(`the model file does not keep what the mean effect of ${column} in ${term} needs`, {
    hint: wording`${verb("means", option("trend", column))} has its slope at a value, by ${option("at")}`,
  });
}

/** A variable of the model, and the choice of its column. */
interface Place {
  at: number;
  choice: string | number | undefined;
}

/** Means of products of terms' parts, as far as the moments hold them. */
class ProductMeans {
  readonly #model: LinearModel;

  constructor(model: LinearModel) {
    this.#model = model;
  }

  /** The mean of the product of these over the rows; undefined where it is not known. */
  of(parts: readonly Part[]): number | undefined {
    const { moments } = this.#model;
    if (parts.length === 0) return 1;
    const own = this.#column(parts);
    if (own !== undefined) return own < 0 ? 0 : moments.mean[own]!;
    // Of two columns that are there, the cross-product is.
    for (let mask = 1; mask < 1 << (parts.length - 1); mask++) {
      const a = this.#column(parts.filter((_, i) => (mask >> i) & 1));
      const b = this.#column(parts.filter((_, i) => !((mask >> i) & 1)));
      if (a === undefined || b === undefined) continue;
      return a < 0 || b < 0 ? 0 : moments.product(a, b, false) / moments.sumW;
    }
    // x² is x by x, of which there is one column.
    return this.#square(parts);
  }

  #square(parts: readonly Part[]): number | undefined {
    const [first, ...rest] = parts;
    if (first === undefined || !("power" in first) || first.power < 2) return undefined;
    const { moments } = this.#model;
    for (let low = 1; low <= first.power / 2; low++) {
      const a = this.#column([{ power: low, of: first.of }]);
      const b = this.#column([{ power: first.power - low, of: first.of }, ...rest]);
      if (a !== undefined && a >= 0 && b !== undefined && b >= 0)
        return moments.product(a, b, false) / moments.sumW;
    }
    return undefined;
  }

  /** Where the column that is the product of these lies: −1 of one that is zero in every row, undefined of none. */
  #column(parts: readonly Part[]): number | undefined {
    const { moments, spec, codedTerms } = this.#model;
    const places = parts.map((part) => this.#variables(part));
    // A term's variables stand in its own order.
    for (const { variables } of codedTerms) {
      if (variables.length !== parts.length) continue;
      const chosen = variables.map((v) =>
        places.flatMap((all) => all.filter(({ at }) => at === v)).map(({ choice }) => choice),
      );
      if (chosen.some((choices) => choices.length !== 1)) continue;
      const key = columnKey(
        variables.map((v, i) => {
          const [choice] = chosen[i] as [string | number | undefined];
          const variable = spec.variables[v]!;
          return choice === undefined ? variableKey(variable) : levelKey(variable, choice);
        }),
      );
      return moments.index(key);
    }
    return undefined;
  }

  /** The variables of the model that are a part, and the choice of each. */
  #variables(part: Part): Place[] {
    const { spec } = this.#model;
    if ("variable" in part) return [{ at: spec.variables.indexOf(part.variable), choice: part.choice }];
    return spec.variables.flatMap((variable, at): Place[] => {
      if (variable.kind === "factor" || variable.kind === "basis") return [];
      const inner = polynomialIn(variable.expression, part.of);
      if (inner === undefined) return [];
      const monomial = (power: number) =>
        inner.length === power + 1 && inner.every((value, k) => value === (k === power ? 1 : 0));
      if (variable.kind === "polynomial")
        return monomial(1) && part.power <= variable.degree ? [{ at, choice: part.power }] : [];
      return monomial(part.power) ? [{ at, choice: undefined }] : [];
    });
  }
}
