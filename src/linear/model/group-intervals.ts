import { UsageError } from "../../errors.js";
import type { MomentsTable } from "../../stats/moments-table.js";
import { packedLength } from "../../stats/packed.js";
import { type Whitening, whiteningOf } from "../covariance/whitening.js";
import type { Regression } from "../solve/regression.js";
import type { IntervalKind, IntervalOptions, IntervalPlan } from "./interval.js";
import { intervalPlan, type ModelOfIntervals } from "./interval-plan.js";

/** Student's quantile, see `intervalPlan`. */
type Critical = (level: number, df: number) => number;

/** What the intervals of models by group depend on, apart from the rows; plain data, so that it can go to a worker. */
export interface GroupIntervals {
  kind: IntervalKind;
  /** Those of groups side by side, by number. */
  fits: FitsIntervals | undefined;
  /** Those of the other groups, by name. */
  others: ReadonlyMap<string, IntervalPlan>;
}

/** Whitenings of many groups' fits, and what else their intervals are made of: group after group in lists. */
interface FitsIntervals {
  /** k, the columns of X, of which none is aliased. */
  columns: number;
  /** One a group. */
  constant: Float64Array;
  rss: Float64Array;
  sigma2: Float64Array;
  df: Float64Array;
  critical: Float64Array;
  /** Two a group. */
  target: Float64Array;
  /** k a group. */
  mean: Float64Array;
  meanLow: Float64Array;
  slopes: Float64Array;
  /** k(k + 1)/2 a group. */
  lower: Float64Array;
}

/** Groups side by side, as far as their intervals need them. */
export interface FitsOfIntervals {
  regression: Regression;
  /** θ, group after group. */
  coefficients: Float64Array;
  rss: Float64Array;
  moments: MomentsTable;
}

/**
 * The intervals of models by group.
 *
 * @throws as `intervalPlan`
 */
export function groupIntervals(
  fits: FitsOfIntervals | undefined,
  others: Iterable<readonly [string, ModelOfIntervals]>,
  tCritical: Critical,
  options: IntervalOptions = {},
): GroupIntervals {
  const { interval: kind = "prediction", level = 0.95 } = options;
  if (!(level > 0 && level < 1)) throw new UsageError(`level should be between 0 and 1, got ${level}`);
  const critical = eachOnce(tCritical);
  return {
    kind,
    fits: fits && fitsIntervals(fits, (df) => critical(level, df)),
    others: new Map(Array.from(others, ([name, model]) => [name, intervalPlan(model, critical, options)])),
  };
}

/** The intervals of another kind and level. */
export function intervalsAt(
  { fits, others }: GroupIntervals,
  kind: IntervalKind,
  level: number,
  tCritical: Critical,
): GroupIntervals {
  const quantile = eachOnce(tCritical);
  const critical = (df: number) => (df > 0 ? quantile(level, df) : Number.NaN);
  return {
    kind,
    fits: fits && { ...fits, critical: fits.df.map(critical) },
    others: new Map(
      Array.from(others, ([name, plan]) => [name, { ...plan, kind, critical: critical(plan.df) }]),
    ),
  };
}

/** Groups have few different degrees of freedom, and a quantile takes longer than all else of a group. */
function eachOnce(tCritical: Critical): Critical {
  const quantiles = new Map<number, number>();
  return (level, df) => {
    let quantile = quantiles.get(df);
    if (quantile === undefined) {
      quantile = tCritical(level, df);
      quantiles.set(df, quantile);
    }
    return quantile;
  };
}

function fitsIntervals(
  { regression, coefficients, rss, moments }: FitsOfIntervals,
  critical: (df: number) => number,
): FitsIntervals {
  const columns = regression.terms.length;
  const rank = columns + (regression.intercept ? 1 : 0);
  const groups = moments.length;
  const lists = {
    columns,
    constant: new Float64Array(groups),
    rss,
    sigma2: new Float64Array(groups),
    df: new Float64Array(groups),
    critical: new Float64Array(groups),
    target: new Float64Array(2 * groups),
    mean: new Float64Array(columns * groups),
    meanLow: new Float64Array(columns * groups),
    slopes: new Float64Array(columns * groups),
    lower: new Float64Array(packedLength(columns) * groups),
  };
  for (let g = 0; g < groups; g++) {
    const theta = coefficients.subarray(g * rank, (g + 1) * rank);
    const whitening = whiteningOf(moments.at(g), regression, theta);
    const df = moments.n[g]! - rank;
    lists.constant[g] = whitening.constant;
    lists.sigma2[g] = df > 0 ? rss[g]! / df : Number.NaN;
    lists.df[g] = df;
    lists.critical[g] = df > 0 ? critical(df) : Number.NaN;
    lists.target.set(whitening.target, 2 * g);
    for (const part of ["mean", "meanLow", "slopes"] as const) lists[part].set(whitening[part], columns * g);
    lists.lower.set(whitening.lower, packedLength(columns) * g);
  }
  return lists;
}

/** The plan of the intervals of group g side by side: views of the lists. */
export function listedIntervalPlan({ kind, fits }: GroupIntervals, g: number): IntervalPlan {
  const { columns, constant, sigma2, df, critical, target } = fits!;
  const own = (list: Float64Array, width: number) => list.subarray(g * width, (g + 1) * width);
  const whitening: Whitening = {
    rank: columns + (constant[g] === 0 ? 0 : 1),
    constant: constant[g]!,
    kept: Array.from({ length: columns }, (_, j) => j),
    mean: own(fits!.mean, columns),
    meanLow: own(fits!.meanLow, columns),
    target: [target[2 * g]!, target[2 * g + 1]!],
    slopes: own(fits!.slopes, columns),
    lower: own(fits!.lower, packedLength(columns)),
  };
  return {
    whitening,
    meat: undefined,
    rss: fits!.rss[g]!,
    sigma2: sigma2[g]!,
    kind,
    df: df[g]!,
    critical: critical[g]!,
  };
}

/** Where the standard errors and bounds of a block's rows go. */
export interface RowBounds {
  readonly stdError: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** Standard errors and bounds of single rows of groups side by side, with the bits of `IntervalBlock`. */
export class ListedBounds {
  readonly #fits: FitsIntervals;
  readonly #prediction: boolean;
  readonly #out: RowBounds;
  readonly #centred: Float64Array;

  constructor({ fits, kind }: GroupIntervals, out: RowBounds) {
    this.#fits = fits!;
    this.#prediction = kind === "prediction";
    this.#out = out;
    this.#centred = new Float64Array(fits!.columns);
  }

  /** Fills in row r, which is of group g; `columns` are those of X. */
  fill(r: number, g: number, prediction: number, columns: readonly Float64Array[]): void {
    const { columns: k, constant, mean, meanLow, lower, sigma2, critical } = this.#fits;
    const centred = this.#centred;
    for (let j = 0; j < k; j++) centred[j] = columns[j]![r]! - mean[g * k + j]! - meanLow[g * k + j]!;
    let square = constant[g]! * constant[g]!;
    for (let i = 0, at = g * packedLength(k); i < k; i++) {
      let u = 0;
      for (let j = 0; j <= i; j++, at++) u += lower[at]! * centred[j]!;
      square += u * u;
    }
    // A row without a prediction has no error of one either.
    const variance = Number.isNaN(prediction) ? Number.NaN : Math.max(0, sigma2[g]! * square);
    const width = critical[g]! * Math.sqrt(variance + (this.#prediction ? sigma2[g]! : 0));
    this.#out.stdError[r] = Math.sqrt(variance);
    this.#out.lower[r] = prediction - width;
    this.#out.upper[r] = prediction + width;
  }
}
