import { quoteName } from "../../dataset/formula/syntax.js";
import { ModelError, UsageError } from "../../errors.js";
import { tCritical } from "../../stats/distributions.js";
import { studentizedRangeQuantile, studentizedRangeSurvival } from "../../stats/studentized-range.js";
import type { LinearModel } from "../model/model.js";
import { type Adjustment, adjustP } from "./adjust.js";
import { Contrasts } from "./contrast.js";
import { type EstimateRow, testedRow } from "./estimable.js";
import { type DesignRow, type GridValues, gridColumns, gridRows } from "./reference-grid.js";

/** What is asked of marginal means. */
export interface MeansOptions {
  /** The factors, or columns of numbers given by `at`, of whose values there is a mean each. */
  of: readonly string[];
  /** Among these, those whose values are not compared with each other. */
  by?: readonly string[];
  /** Values of columns: of numbers in the place of their means, of factors in the place of all levels. */
  at?: GridValues;
  /** Slopes on this column of numbers in the place of means. */
  trend?: string;
  /** How the p and intervals of pairs are adjusted for their number. Default: tukey. */
  adjust?: Adjustment | "tukey";
  level?: number;
}

/** The mean, or slope, at values of the columns that were asked for. */
export type MarginalMean = EstimateRow & { values: (number | string)[] };

/** The difference of two means with the same values of `by`. */
export type PairRow = EstimateRow & { first: (number | string)[]; second: (number | string)[] };

/** Marginal means and their differences. */
export interface MarginalMeans {
  /** The columns of which `values` are. */
  columns: string[];
  /** The columns of numbers that are held at one value, and this. */
  held: Record<string, number>;
  means: MarginalMean[];
  pairs: PairRow[];
}

/** Pairs that are compared: of 200 means there are 19,900. */
const MOST_PAIRS = 20_000;

/**
 * Estimated marginal means of a model over its reference grid, as R's emmeans has them (Searle, Speed & Milliken 1980): the
 * mean of the predictions at every combination of the other factors' levels, each counting alike, and of numbers at their
 * means; with `trend` that of the slope on a column. Pairs of them are compared under Tukey's studentized range, or
 * adjusted otherwise; intervals of pairs are Tukey's, and Bonferroni's for all other adjustments but none. From the model
 * file alone. Unlike emmeans' default, numbers of two values are held at their mean, too, and
 * the means of a weighted fit are weighted.
 *
 * @throws UsageError for what the model has not; ModelError for penalised fits, and for means of absorbed effects, which
 * have no level: differences and slopes do
 *
 * @example
 * ```js
 * import { fitCsv, marginalMeans } from "goml";
 *
 * const { model } = await fitCsv("data/cps-wages.csv", { formula: "wage ~ education + gender" });
 * for (const { values, estimate } of marginalMeans(model, { of: ["gender"] }).means) console.log(values, estimate.toFixed(4));
 * // [ 'female' ] 7.8745
 * // [ 'male' ] 9.9986
 * ```
 */
export function marginalMeans(model: LinearModel, options: MeansOptions): MarginalMeans {
  const { of, by = [], at = {}, trend, adjust = "tukey", level = 0.95 } = options;
  const columns = gridColumns(model, at);
  const focal = [...of, ...by];
  for (const name of focal)
    if (!columns.some((column) => column.name === name && (column.factor || Object.hasOwn(at, name))))
      throw new UsageError(
        columns.some((column) => column.name === name)
          ? `${name} is a number: say at which values of it by at, or ask for the trend on it`
          : `the model has no factor ${name} among its terms`,
        {
          hint: `Factors: ${
            columns
              .filter(({ factor }) => factor)
              .map(({ name: factor }) => factor)
              .join(", ") || "none"
          }.`,
        },
      );
  if (new Set(focal).size < focal.length) throw new UsageError("a column is asked for twice");
  const contrasts = new Contrasts(model);
  const cells =
    trend === undefined ? gridRows(model, columns, focal) : trendRows(model, columns, focal, trend);
  const row = (weights: DesignRow, criticalOf: (df: number) => number) =>
    testedRow(model, contrasts, weights, criticalOf);
  const plain = (df: number) => tCritical(level, df);
  const unknown = model.absorbed !== undefined && trend === undefined;
  const means = cells.map(({ values, row: weights }): MarginalMean => {
    const own = row(weights, plain);
    const none = unknown
      ? Object.fromEntries(
          ["estimate", "stdError", "t", "p", "lower", "upper"].map((name) => [name, Number.NaN]),
        )
      : {};
    return { values, ...own, ...none };
  });
  const held = Object.fromEntries(
    columns
      .filter(
        ({ name, factor, values }) =>
          !factor && values.length === 1 && !focal.includes(name) && name !== trend,
      )
      .map(({ name, values }) => [name, values[0] as number]),
  );
  return { columns: focal, held, means, pairs: comparePairs(cells, of.length, { adjust, level, row }) };
}

/** The pairs of cells that agree in all values from the `own`th on, family by family. */
function comparePairs(
  cells: readonly { values: (number | string)[]; row: DesignRow }[],
  own: number,
  how: {
    adjust: Adjustment | "tukey";
    level: number;
    row: (weights: DesignRow, criticalOf: (df: number) => number) => EstimateRow;
  },
): PairRow[] {
  const { adjust, level, row } = how;
  const families = new Map<string, (typeof cells)[number][]>();
  for (const cell of cells) {
    const family = JSON.stringify(cell.values.slice(own));
    families.set(family, [...(families.get(family) ?? []), cell]);
  }
  return [...families.values()].flatMap((family) => {
    const k = family.length;
    const count = (k * (k - 1)) / 2;
    if (count > MOST_PAIRS)
      throw new UsageError(`${k} means have ${count} pairs, at most ${MOST_PAIRS} are compared`);
    if (count === 0) return [];
    const criticalOf = (df: number) =>
      adjust === "tukey"
        ? studentizedRangeQuantile(level, k, df) / Math.SQRT2
        : tCritical(adjust === "none" ? level : 1 - (1 - level) / count, df);
    const pairs = family.flatMap((first, i) =>
      family.slice(i + 1).map((second): PairRow => {
        const difference = first.row.map((value, j) => value - second.row[j]!);
        return { first: first.values, second: second.values, ...row(difference, criticalOf) };
      }),
    );
    const adjusted =
      adjust === "tukey"
        ? pairs.map(({ t, df }) => studentizedRangeSurvival(Math.abs(t) * Math.SQRT2, k, df))
        : adjustP(
            pairs.map(({ p }) => p),
            adjust,
          );
    return pairs.map((pair, i) => ({ ...pair, p: adjusted[i]! }));
  });
}

/** Steps of the difference quotient, as a share of the column's size. */
const STEP = 1e-3;

/**
 * The slopes of the design's rows on a column at its value, by a central difference of five points, exact for polynomials
 * of degree 4: (8 (f(x + h) − f(x − h)) − (f(x + 2h) − f(x − 2h)))/(12 h).
 */
function trendRows(
  model: LinearModel,
  columns: ReturnType<typeof gridColumns>,
  focal: readonly string[],
  trend: string,
): { values: (number | string)[]; row: DesignRow }[] {
  const column = columns.find(({ name }) => name === trend);
  if (column === undefined || column.factor)
    throw new UsageError(
      `the model has no column of numbers ${trend} among its terms, on which slopes could be`,
    );
  if (focal.includes(trend)) throw new UsageError(`${trend} is asked for as a trend, and as values of means`);
  const x = column.values as readonly number[];
  const { moments } = model;
  const own = moments.index(quoteName(trend));
  const spread = own < 0 ? 0 : Math.sqrt(Math.max(0, moments.product(own, own) / moments.sumW));
  // The mean of a centred column is a rounding error, of which a step would be lost in what the terms add.
  const h = STEP * (Math.max(Math.abs(x[0]!), STEP * spread) || 1);
  const shifted = (by: number) =>
    gridRows(
      model,
      columns.map((one) => (one === column ? { ...one, values: x.map((value) => value + by * h) } : one)),
      focal,
    );
  const [a, b, c, d] = [shifted(-2), shifted(-1), shifted(1), shifted(2)] as const;
  return b.map(({ values, row }, i) => {
    const slope = row.map((_, j) => {
      const near = c[i]!.row[j]! - b[i]!.row[j]!;
      const far = d[i]!.row[j]! - a[i]!.row[j]!;
      return (8 * near - far) / (12 * h);
    });
    if (slope.some((value) => !Number.isFinite(value)))
      throw new ModelError(`a term has no value near ${trend} = ${x[0]!}`);
    return { values, row: slope };
  });
}
