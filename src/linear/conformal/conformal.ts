import { UsageError } from "../../errors.js";
import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import type { Conformal } from "../model/document-schema.js";
import { type ScoreList, shiftedOrderStatistic, thinned } from "./scores.js";

export type { Conformal };

/** How conformal intervals are calibrated. */
export type ConformalMethod = Conformal["method"];

/** Numbers that a model keeps at most of the fits without a row, or a fold: some 10 MB of its file. */
export const MOST_FIT_NUMBERS = 500_000;

/** Lists of scores, one for each fit and group, and scores that a model keeps: some 4 MB of its file. */
const MOST_LISTS = 1000;
const MOST_SCORES = 200_000;

/** Of one list, unless there are too many lists. */
const MOST_IN_LIST = 10_000;

/** Each calibration row: its score, the fit that did not see it (0 where that is the model's own), and its group. */
export interface CalibrationRows {
  scores: Float64Array;
  fits: ArrayLike<number>;
  /** The names of the groups, undefined where there are none, and each row's, by place. */
  names: readonly string[] | undefined;
  groups: ArrayLike<number>;
}

/**
 * What a model keeps of its calibration. Scores that are infinite count, and are not kept.
 *
 * @param fits θ of each fit that predicts calibration rows; empty where that is the model's own
 * @throws UsageError for too many groups
 */
export function calibrated(
  { scores, fits, names, groups }: CalibrationRows,
  own: Pick<Conformal, "method" | "by" | "of" | "share">,
  coefficients: readonly Float64Array[],
): Conformal {
  const lists = Math.max(1, coefficients.length);
  const grouped = Math.max(1, names?.length ?? 1);
  // Of fits without a single row each list has one score.
  const most = Math.max(1, Math.floor(MOST_LISTS / (own.method === "jackknife+" ? 1 : lists)));
  if (grouped > most)
    throw new UsageError(
      `${own.by} has ${grouped} groups, and intervals are calibrated for at most ${most} each by its own rows`,
      { hint: "group by a column of fewer values" },
    );
  const room = Math.min(MOST_IN_LIST * lists, Math.floor(MOST_SCORES / grouped));
  const all: number[][][] = Array.from({ length: grouped }, () => Array.from({ length: lists }, () => []));
  const counts = new Array<number>(grouped).fill(0);
  for (let i = 0; i < scores.length; i++) {
    const g = names === undefined ? 0 : groups[i]!;
    counts[g]!++;
    if (scores[i]! < Infinity) all[g]![fits[i]!]!.push(scores[i]!);
  }
  return {
    ...own,
    n: scores.length,
    fits: coefficients.map((theta) => Array.from(theta, (value) => (Number.isNaN(value) ? 0 : value))),
    groups: all.map((of, g) => {
      const run = Math.max(1, Math.ceil(counts[g]! / room));
      return {
        name: names?.[g] ?? null,
        n: counts[g]!,
        run,
        rows: of.map(({ length }) => length),
        scores: of.map((list) => Array.from(thinned(Float64Array.from(list).sort(), run).values)),
      };
    }),
  };
}

/** What the intervals of rows depend on, apart from the rows; plain data. */
export interface ConformalPlan {
  /** β₀ and slopes of each fit; empty where the model's own predicts. */
  fits: readonly Float64Array[];
  groups: readonly {
    name: string | null;
    /** Which of the scores, in order of size, bounds them: ⌈level (n + 1)⌉. */
    rank: number;
    lists: readonly ScoreList[];
  }[];
}

/** @throws UsageError for a level that is not between 0 and 1 */
export function conformalPlan(conformal: Conformal, intercept: boolean, level: number): ConformalPlan {
  if (!(level > 0 && level < 1)) throw new UsageError(`level should be between 0 and 1, got ${level}`);
  return {
    fits: conformal.fits.map((theta) => Float64Array.from(intercept ? theta : [0, ...theta])),
    groups: conformal.groups.map(({ name, n, run, rows, scores }) => ({
      name,
      rank: conformalRank(level, n),
      lists: scores.map((values, f) => ({ values: Float64Array.from(values), count: rows[f]!, run })),
    })),
  };
}

/** ⌈level (n + 1)⌉; what rounding alone puts above a whole number is that number. */
function conformalRank(level: number, n: number): number {
  const exact = level * (n + 1);
  return Math.ceil(exact - 1e-9 * Math.max(1, exact));
}

/**
 * Conformal intervals of up to 128 rows. With q⁺ the ⌈level (n + 1)⌉-th smallest of n values and q⁻ its mirror:
 *
 *     [q⁻{ŷ₍ᵢ₎(x) − Rᵢ}, q⁺{ŷ₍ᵢ₎(x) + Rᵢ}],   Rᵢ = |yᵢ − ŷ₍ᵢ₎(xᵢ)|,
 *
 * ŷ₍ᵢ₎ the fit that did not see row i: the model itself for rows set aside (split), that without the row's fold (CV+) or
 * without the row (jackknife+). Barber, Candès, Ramdas & Tibshirani 2021. By groups, i runs over the row's own group alone
 * (Mondrian); of a group without calibration rows, or with fewer than the level needs, they are unbounded.
 */
export class ConformalBlock {
  readonly lower = new Float64Array(BLOCK_ROWS);
  readonly upper = new Float64Array(BLOCK_ROWS);
  readonly #plan: ConformalPlan;
  readonly #groups: ReadonlyMap<string, number>;
  readonly #fitted: readonly Float64Array[];
  readonly #shifts: Float64Array;
  readonly #mirrored: Float64Array;
  /** Where the model itself predicts, each group's half width. */
  readonly #widths: readonly number[] | undefined;

  constructor(plan: ConformalPlan) {
    this.#plan = plan;
    this.#groups = new Map(plan.groups.map(({ name }, g) => [name ?? "", g]));
    this.#fitted = plan.fits.map(() => new Float64Array(BLOCK_ROWS));
    this.#shifts = new Float64Array(Math.max(1, plan.fits.length));
    this.#mirrored = new Float64Array(this.#shifts.length);
    if (plan.fits.length === 0)
      this.#widths = plan.groups.map(({ lists, rank }) => shiftedOrderStatistic(lists, [0], rank));
  }

  /**
   * Fills `lower` and `upper`.
   *
   * @param predictBy writes what other coefficients predict for the rows
   * @param group the name of each row's group; undefined where there are none
   */
  fill(
    predictions: Float64Array,
    rows: number,
    predictBy: (weights: Float64Array, out: Float64Array) => void,
    group: ((r: number) => string | undefined) | undefined,
  ): void {
    const { fits, groups } = this.#plan;
    fits.forEach((weights, f) => {
      predictBy(weights, this.#fitted[f]!);
    });
    for (let r = 0; r < rows; r++) {
      const g = group === undefined ? 0 : (this.#groups.get(group(r) ?? "") ?? -1);
      const fitted = predictions[r]!;
      if (Number.isNaN(fitted) || g < 0) {
        this.lower[r] = Number.isNaN(fitted) ? Number.NaN : -Infinity;
        this.upper[r] = Number.isNaN(fitted) ? Number.NaN : Infinity;
        continue;
      }
      const { lists, rank } = groups[g]!;
      if (this.#widths !== undefined) {
        this.lower[r] = fitted - this.#widths[g]!;
        this.upper[r] = fitted + this.#widths[g]!;
        continue;
      }
      for (let f = 0; f < fits.length; f++) {
        this.#shifts[f] = this.#fitted[f]![r]!;
        this.#mirrored[f] = -this.#fitted[f]![r]!;
      }
      this.upper[r] = shiftedOrderStatistic(lists, this.#shifts, rank);
      this.lower[r] = -shiftedOrderStatistic(lists, this.#mirrored, rank);
    }
  }
}

/** Half the width of a model's intervals where all have the same; undefined where they depend on the row. */
export function conformalWidth({ method, groups }: Conformal, level: number): number | undefined {
  const [group, another] = groups;
  if (method !== "split" || group === undefined || another !== undefined) return undefined;
  const { run, rows, scores } = group;
  const lists = scores.map((values, f) => ({ values: Float64Array.from(values), count: rows[f]!, run }));
  return shiftedOrderStatistic(lists, [0], conformalRank(level, group.n));
}

/**
 * The share of exchangeable rows that intervals of a level cover at least, in the mean over data: 1 − α of split, 1 − 2α of
 * jackknife+, and of CV+ with K equal folds of n rows 1 − 2α − min{2(1 − 1/K)/(n/K + 1), (1 − K/n)/(K + 1)} (Barber, Candès,
 * Ramdas & Tibshirani 2021, theorems 1 and 4; by groups with the smallest group's n).
 *
 * @example
 * ```js
 * import { fitCsv, guaranteedCoverage } from "goml";
 *
 * const { model, coverage } = await fitCsv("data/boston.csv", { conformal: "jackknife+", testSize: 0.3, level: 0.9 });
 * console.log(guaranteedCoverage(model.conformal, 0.9).toFixed(2), coverage.covered, coverage.n); // 0.80 152 164
 * ```
 */
export function guaranteedCoverage({ method, fits, groups }: Conformal, level: number): number {
  if (method === "split") return level;
  const twice = 2 * level - 1;
  if (method === "jackknife+") return twice;
  const n = Math.min(...groups.map((group) => group.n));
  const K = fits.length;
  const less = Math.min((2 * (1 - 1 / K)) / (n / K + 1), (1 - K / n) / (K + 1));
  return Math.max(0, twice - Math.max(0, less));
}

/** What is to be said of intervals of a level that were just calibrated. */
export function calibrationNotes({ groups, n }: Conformal, level: number, heldOut: number): string[] {
  const notes: string[] = [];
  const short = groups.filter((group) => conformalRank(level, group.n) > group.n);
  if (short.length > 0) {
    const least = Math.ceil(1 / (1 - level) - 1 - 1e-9);
    notes.push(
      groups.length === 1
        ? `intervals of level ${level} need ${least} calibration rows, and there are ${n}: they are unbounded`
        : `intervals of level ${level} need ${least} calibration rows: those of ${short.length} of ${groups.length} groups are unbounded`,
    );
  }
  if (heldOut === 0) notes.push("no rows were held out to tell how often the conformal intervals cover");
  return notes;
}

/** What is wrong with a document's intervals; undefined where nothing is. */
export function conformalFault(conformal: Conformal | undefined, coefficients: number): string | undefined {
  if (conformal === undefined) return undefined;
  const { method, fits, groups, n, by, of } = conformal;
  if ((method === "split") !== (fits.length === 0))
    return '"conformal.fits" should be empty of split, and only there';
  const wrong = fits.findIndex((theta) => theta.length !== coefficients);
  if (wrong >= 0)
    return `"conformal.fits[${wrong}]" should be ${coefficients} numbers, found ${fits[wrong]!.length}`;
  const lists = Math.max(1, fits.length);
  if ((by === undefined) !== (of === undefined))
    return '"conformal.of" should be there with "by", and only there';
  for (const [g, { name, run, rows, scores, n: own }] of groups.entries()) {
    const at = `"conformal.groups[${g}]"`;
    if ((by === undefined) !== (name === null))
      return `${at} should have a name where there is "by", and only there`;
    if (run < 1) return `${at} should have a run of 1 or more`;
    if (rows.length !== lists || scores.length !== lists) return `${at} should have ${lists} lists of scores`;
    if (rows.reduce((sum, count) => sum + count, 0) > own) return `${at} should have at most ${own} rows`;
    if (scores.some((list, f) => list.length !== Math.ceil(rows[f]! / run)))
      return `${at} should have one score for each ${run} rows`;
    if (scores.some((list) => list.some((score, i) => !(score >= (list[i - 1] ?? 0)))))
      return `${at} should have scores of 0 or more in order of size`;
  }
  if (by === undefined && groups.length !== 1) return '"conformal.groups" should be one without "by"';
  const rows = groups.reduce((sum, group) => sum + group.n, 0);
  return rows === n ? undefined : `"conformal.n" should be ${rows}, found ${n}`;
}
