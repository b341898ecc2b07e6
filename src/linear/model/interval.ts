import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { ended } from "../../stats/pauses.js";
import type { MeatFactor } from "../covariance/meat-factor.js";
import { WhitenedBlock, type Whitening } from "../covariance/whitening.js";
import type { WithinPlan } from "./effect-tables.js";

/** For the mean of y at x, or for a new y there. */
export type IntervalKind = "confidence" | "prediction";

/** Options of `model.predictInterval`; all may be left out. */
export interface IntervalOptions {
  /** Default: `prediction`. */
  interval?: IntervalKind | undefined;
  /** The level, between 0 and 1. Default: 0.95. */
  level?: number | undefined;
}

/** Predictions with their intervals, n values each. */
export interface PredictedInterval {
  prediction: Float64Array;
  /** The standard error of the fitted value, √(xᵀ Cov(θ̂) x), whichever the interval. */
  stdError: Float64Array;
  lower: Float64Array;
  upper: Float64Array;
}

/** What intervals depend on, apart from the rows; plain data, so that it can go to a worker. */
export interface IntervalPlan {
  whitening: Whitening;
  /** Where effects were absorbed: what makes columns about them. */
  within?: WithinPlan | undefined;
  /** The factor of the covariance in whitened coordinates, where that is not σ²I. */
  meat: MeatFactor | undefined;
  rss: number;
  sigma2: number;
  /** The variance of a new y, where weights count as scaled to a mean of 1; else `sigma2`. */
  ownVariance?: number | undefined;
  kind: IntervalKind;
  /** The degrees of freedom of Student's t, and its quantile. */
  df: number;
  critical: number;
}

/**
 * Standard errors and intervals of the predictions of up to 128 rows: ŷ ∓ t_{n − rank} √v, v = Var(xᵀθ̂) for the
 * mean, + σ² for a new y of weight 1, as R's `predict.lm` has them. Each row is computed alone.
 */
export class IntervalBlock {
  readonly stdError = new Float64Array(BLOCK_ROWS);
  readonly lower = new Float64Array(BLOCK_ROWS);
  readonly upper = new Float64Array(BLOCK_ROWS);
  #plan: IntervalPlan;
  readonly #whitened: WhitenedBlock;

  /** What makes columns about absorbed effects, where there are any. */
  get within(): WithinPlan | undefined {
    return this.#plan.within;
  }

  constructor(plan: IntervalPlan) {
    this.#plan = plan;
    this.#whitened = new WhitenedBlock(plan.whitening);
  }

  /** Takes another plan from now on, in the same buffers. */
  use(plan: IntervalPlan): void {
    this.#plan = plan;
    this.#whitened.use(plan.whitening);
  }

  /**
   * Fills `stdError`, `lower` and `upper`; `column(j)` gives column j of X for the rows, about absorbed effects where
   * there are any: then `leverage` is their part of each row's.
   */
  fill(
    predictions: Float64Array,
    column: (j: number) => Float64Array,
    rows: number,
    leverage?: Float64Array,
  ): void {
    ended(this.fillSteps(predictions, column, rows, leverage));
  }

  /** `fill` with pauses: of a thousand coefficients it takes 200 ms. */
  *fillSteps(
    predictions: Float64Array,
    column: (j: number) => Float64Array,
    rows: number,
    leverage?: Float64Array,
  ): Generator<undefined, void, void> {
    const { meat, sigma2, ownVariance = sigma2, kind, critical } = this.#plan;
    const { stdError, lower, upper } = this;
    yield* this.#whitened.fillSteps(column, rows);
    if (meat !== undefined) yield* this.#whitened.formSteps(meat, stdError, rows);
    else
      for (let r = 0; r < rows; r++)
        stdError[r] = sigma2 * (this.#whitened.squares[r]! + (leverage?.[r] ?? 0));
    const own = kind === "prediction" ? ownVariance : 0;
    for (let r = 0; r < rows; r++) {
      // A row without a prediction has no error of one either.
      const variance = Number.isNaN(predictions[r]!) ? Number.NaN : Math.max(0, stdError[r]!);
      const width = critical * Math.sqrt(variance + own);
      stdError[r] = Math.sqrt(variance);
      lower[r] = predictions[r]! - width;
      upper[r] = predictions[r]! + width;
    }
  }
}

/** Intervals of the predictions of rows in memory, X n × k row-major. */
export function intervalsOf(
  X: Float64Array,
  k: number,
  prediction: Float64Array,
  plan: IntervalPlan,
): PredictedInterval {
  const n = prediction.length;
  const block = new IntervalBlock(plan);
  const columns = new Float64Array(k * BLOCK_ROWS);
  const [stdError, lower, upper] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  for (let from = 0; from < n; from += BLOCK_ROWS) {
    const rows = Math.min(BLOCK_ROWS, n - from);
    for (let r = 0; r < rows; r++)
      for (let j = 0; j < k; j++) columns[j * BLOCK_ROWS + r] = X[(from + r) * k + j]!;
    block.fill(prediction.subarray(from), (j) => columns.subarray(j * BLOCK_ROWS), rows);
    stdError.set(block.stdError.subarray(0, rows), from);
    lower.set(block.lower.subarray(0, rows), from);
    upper.set(block.upper.subarray(0, rows), from);
  }
  return { prediction, stdError, lower, upper };
}
