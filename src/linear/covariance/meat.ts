import { ModelError } from "../../errors.js";
import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { packedLength } from "../../stats/packed.js";
import { addGram } from "./clustered.js";
import { discountPower, type FitSize } from "./leverage-discount.js";
import { type SampleSize, type Ssc, smallSampleFactor } from "./small-sample.js";
import type { ClusterType, RobustVcov, VcovType } from "./vcov.js";
import { WhitenedBlock, type Whitening } from "./whitening.js";

/** 1 − h below this is rounding: the fit goes through the point whatever y is there. */
export const FULL_LEVERAGE = 1e-12;

/** The covariances that allow for errors of different variances. */
export type HeteroType = Exclude<VcovType, "iid" | "hac" | "dk" | "bootstrap" | ClusterType>;

/** What is summed: squares of rows, or by group their scores, or these and G. */
export type SummedRows = "rows" | "scores" | "grams";

/** Rows whose scores are summed, up to 128 of them. */
export interface ScoredRows {
  rows: number;
  /** Column j of X. */
  column: (j: number) => Float64Array;
  /** y; NaN for a row that is not of the fit. */
  target: ArrayLike<number>;
  /** ŷ, where columns are taken about absorbed effects, so that it does not follow from them. */
  fitted?: Float64Array | undefined;
  weights: Float64Array | undefined;
  /** What leverages have beside that of the columns, for a row of weight 1: that of absorbed effects. */
  leverage?: Float64Array | undefined;
  /** Which group each row belongs to, NaN or below 0 where that is missing; for a clustered covariance. */
  groups: ArrayLike<number> | undefined;
  /** The number of the first row, for messages. */
  rowOf: (r: number) => number;
}

/**
 * The meat of a sandwich covariance in whitened coordinates: Σ (we)² uuᵀ, each square divided by the power of 1 − h that
 * its type says; or, by group, the sums Σ we u whose products make the meat of a clustered covariance.
 */
export class Meat {
  /** Packed lower triangle; empty where rows are summed by group. */
  readonly meat: Float64Array;
  /** By group, s, and behind it G where that is asked for. */
  readonly groups = new Map<number, Float64Array>();
  /** The first row of the fit without a group, −1 where there is none. */
  ungrouped = -1;
  /** The largest leverage of the rows. */
  largest = 0;
  /** How many rows of the fit there were. */
  n = 0;
  /** The sum of their scores, where they are not summed by group: of all rows it is 0. */
  readonly total: Float64Array;
  readonly #whitening: Whitening;
  readonly #type: Exclude<VcovType, "iid">;
  readonly #sums: SummedRows;
  readonly #frequencies: boolean;
  readonly #power: (leverage: number) => number;
  readonly #whitened: WhitenedBlock;
  /** The numbers of a group. */
  readonly #record: number;
  readonly #squares = new Float64Array(BLOCK_ROWS);
  readonly #deviations = new Float64Array(BLOCK_ROWS);
  /** w (y − ŷ) of the rows; NaN for one that is not of the fit. */
  readonly #scores = new Float64Array(BLOCK_ROWS);

  /**
   * @param size what powers depend on; for hc5 the largest leverage is found first, by rows that have no meat
   * @param sums whether rows are summed by group, and these have Σ w uuᵀ too
   * @param frequencies whether weights say how many rows each stands for
   */
  constructor(
    whitening: Whitening,
    type: Exclude<VcovType, "iid">,
    size: FitSize,
    sums: SummedRows,
    frequencies = false,
  ) {
    this.#frequencies = frequencies;
    this.#whitening = whitening;
    this.#type = type;
    this.#sums = sums;
    this.#power = discountPower(type, size);
    this.#whitened = new WhitenedBlock(whitening);
    this.meat = new Float64Array(sums !== "rows" ? 0 : packedLength(whitening.rank));
    this.total = new Float64Array(sums === "rows" ? whitening.rank : 0);
    this.#record = whitening.rank + (sums === "grams" ? packedLength(whitening.rank) : 0);
  }

  /** Adds rows. Throws ModelError for hc2 and above where a row has leverage 1. */
  add(block: ScoredRows): void {
    const { rows, target, fitted, weights } = block;
    this.#whitened.fill(block.column, rows);
    this.#whitened.deviations(this.#deviations, rows);
    for (let r = 0; r < rows; r++) {
      const residual =
        fitted === undefined
          ? this.#whitened.residual(target[r]!, this.#deviations[r]!)
          : target[r]! - fitted[r]!;
      this.#scores[r] = (weights?.[r] ?? 1) * residual;
      if (!Number.isNaN(residual)) this.n += this.#frequencies ? (weights?.[r] ?? 1) : 1;
    }
    if (this.#sums !== "rows") this.#addGroups(block);
    else {
      this.#addTotal(rows);
      this.#addMeat(block);
    }
  }

  #addTotal(rows: number): void {
    const { values } = this.#whitened;
    for (let i = 0; i < this.total.length; i++) {
      let sum = 0;
      for (let r = 0; r < rows; r++)
        if (!Number.isNaN(this.#scores[r]!)) sum += this.#scores[r]! * values[i * BLOCK_ROWS + r]!;
      this.total[i]! += sum;
    }
  }

  #addMeat({ rows, weights, leverage, rowOf }: ScoredRows): void {
    const scores = this.#scores;
    const { values, squares } = this.#whitened;
    const { rank } = this.#whitening;
    for (let r = 0; r < rows; r++) {
      const score = scores[r]!;
      this.#squares[r] = 0;
      if (Number.isNaN(score)) {
        // Its coordinates may be NaN, which 0 times would not take out.
        for (let i = 0; i < rank; i++) values[i * BLOCK_ROWS + r] = 0;
        continue;
      }
      const weight = weights?.[r] ?? 1;
      const own = (this.#frequencies ? 1 : weight) * (squares[r]! + (leverage?.[r] ?? 0));
      this.largest = Math.max(this.largest, own);
      const rest = 1 - own;
      const power = this.#power(own);
      if (power > 0 && rest < FULL_LEVERAGE)
        throw new ModelError(`row ${rowOf(r) + 1} has leverage 1, for which ${this.#type} is not defined`, {
          hint: "use hc1, or leave the row or its level out",
        });
      // Of a row that stands for w, w squares.
      const square = this.#frequencies ? (score * score) / weight : score * score;
      this.#squares[r] = square / rest ** power;
    }
    for (let i = 0, at = 0; i < rank; i++)
      for (let j = 0; j <= i; j++, at++) {
        const [a, b] = [i * BLOCK_ROWS, j * BLOCK_ROWS];
        let sum = 0;
        for (let r = 0; r < rows; r++) sum += this.#squares[r]! * values[a + r]! * values[b + r]!;
        this.meat[at]! += sum;
      }
  }

  #addGroups({ rows, groups, weights, rowOf }: ScoredRows): void {
    const scores = this.#scores;
    const { rank } = this.#whitening;
    const { values } = this.#whitened;
    for (let r = 0; r < rows; r++) {
      if (Number.isNaN(scores[r]!)) continue;
      const group = groups![r]!;
      if (Number.isNaN(group)) {
        if (this.ungrouped < 0) this.ungrouped = rowOf(r);
        continue;
      }
      let sums = this.groups.get(group);
      if (sums === undefined) {
        sums = new Float64Array(this.#record);
        this.groups.set(group, sums);
      }
      for (let i = 0; i < rank; i++) sums[i]! += scores[r]! * values[i * BLOCK_ROWS + r]!;
      if (this.#record > rank)
        addGram(sums.subarray(rank), weights?.[r] ?? 1, (i) => values[i * BLOCK_ROWS + r]!, rank);
    }
  }

  /** Forgets all rows. */
  reset(): void {
    this.meat.fill(0);
    this.groups.clear();
    this.ungrouped = -1;
    this.largest = 0;
    this.n = 0;
    this.total.fill(0);
  }
}

/** The covariance of a meat, the factor of hc1 included: n/(n − K) but for `ssc`. */
export function robustVcov(
  type: HeteroType,
  meat: Float64Array,
  fit: Omit<SampleSize, "clusters">,
  ssc: Ssc | undefined,
): RobustVcov {
  if (type === "jackknife") return { type, meat: Array.from(meat, (v) => (v * (fit.n - 1)) / fit.n) };
  const factor = type === "hc1" ? smallSampleFactor(ssc, { ...fit, clusters: fit.n }) : 1;
  return { type, ...(ssc === undefined ? {} : { ssc }), meat: Array.from(meat, (v) => v * factor) };
}
