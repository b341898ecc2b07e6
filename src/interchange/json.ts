import type { Arithmetic, DateFactor } from "../dataset/formula/spec.js";
import type { LinearModel } from "../linear/model/model.js";
import type { ModelGroup } from "../linear/model/model-group.js";
import { version } from "../version.js";
import { type Block, requiredColumns } from "./equation.js";
import { anyEquation } from "./group-equation.js";
import { levelNumber } from "./quote.js";

/** A number that multiplies in a term: an expression over columns, to a power (1 where there is none) … */
export type TermFactor =
  | { expression: Arithmetic; power?: number }
  /**
   * … or an indicator: 1 where the column has the level, else 0; with `by`, where the name of the day (`weekdays`) or month
   * (`months`) of the column's date is the level.
   */
  | { column: string; by?: DateFactor; level: string | number };

/** The JSON of `toTerms`: ŷ = intercept + Σ coefficient · Π product. */
export interface TermsDocument {
  format: "goml-terms";
  schema: 1;
  /** The version of goml that wrote it. */
  goml: string;
  /** What is predicted: a column, or an expression of one. */
  target: string;
  formula: string;
  /** β₀, 0 for a model without. */
  intercept: number;
  /**
   * The raw columns; `levels` where a column is a factor: with any other value there is no prediction, nor where it is missing,
   * unless it is `optional`: then its expressions say what they are without it.
   */
  columns: { name: string; kind: "numeric" | "text"; levels?: (string | number)[]; optional?: true }[];
  /** Names that the dates of columns have: with any other there is no prediction. */
  dates?: { column: string; by: DateFactor; levels: string[] }[];
  /** `aliased` marks a coefficient that could not be estimated and counts as 0. */
  terms: { name: string; coefficient: number; aliased?: true; product: TermFactor[] }[];
  /**
   * Where terms are aliased: a row has a prediction only where |constant + Σ coefficient · Π product| ≤ limit for each of
   * these, that is, where they depend on other terms as they did in the training data.
   */
  conditions?: { constant: number; terms: { coefficient: number; product: TermFactor[] }[]; limit: number }[];
}

/**
 * A model as a plain list of terms and coefficients; the rules are those of `TermsDocument`.
 *
 * @example
 * ```js
 * import { fit, toTerms } from "goml";
 *
 * const model = fit([[1], [2], [3]], [3, 5, 7], { terms: ["rooms"] });
 * console.log(toTerms(model).terms.length); // 1
 * ```
 */
export function toTerms(model: LinearModel | ModelGroup): TermsDocument {
  const equation = anyEquation(model);
  const { target, formula, intercept, numeric, text, factors, blocks, conditions } = equation;
  const required = requiredColumns(equation);
  const levelOf = (factor: number, code: number): string | number => {
    const { of, levels } = factors[factor]!;
    return of === "text" ? levels[code]! : levelNumber(levels[code]!);
  };
  const product = (block: Block, codes: readonly number[]): TermFactor[] => [
    ...codes.map((code, i) => {
      const factor = block.factors[i]!;
      const { column, by } = factors[factor]!;
      return { column, ...(by === undefined ? {} : { by }), level: levelOf(factor, code) };
    }),
    ...block.powers.map(({ expression, exponent }) =>
      exponent === 1 ? { expression } : { expression, power: exponent },
    ),
  ];
  const column = (name: string, kind: "numeric" | "text") => {
    const f = factors.findIndex((factor) => factor.column === name && factor.by === undefined);
    return f < 0
      ? { name, kind, ...(required.has(name) ? {} : { optional: true as const }) }
      : { name, kind, levels: factors[f]!.levels.map((_, code) => levelOf(f, code)) };
  };
  const dates = factors.flatMap(({ column: of, by, levels }) =>
    by === undefined ? [] : [{ column: of, by, levels: [...levels] }],
  );
  return {
    format: "goml-terms",
    schema: 1,
    goml: version,
    target,
    formula,
    intercept,
    columns: [...numeric.map((name) => column(name, "numeric")), ...text.map((name) => column(name, "text"))],
    ...(dates.length === 0 ? {} : { dates }),
    terms: blocks.flatMap((block) =>
      block.entries.map(({ name, codes, coefficient, aliased }) => ({
        name,
        coefficient,
        ...(aliased ? { aliased } : {}),
        product: product(block, codes),
      })),
    ),
    ...(conditions.length === 0
      ? {}
      : {
          conditions: conditions.map(({ constant, blocks: own, limit }) => ({
            constant,
            terms: own.flatMap((block) =>
              block.entries.map(({ codes, coefficient }) => ({
                coefficient,
                product: product(block, codes),
              })),
            ),
            limit,
          })),
        }),
  };
}
