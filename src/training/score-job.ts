import type { Kernels } from "../kernels/kernels.js";
import { BLOCK_ROWS } from "../kernels/kernels.js";
import { PredictionErrors } from "../stats/metrics.js";
import { isHeldOut } from "./assignment.js";
import type { BlockSource, ChunkJob } from "./chunk-job.js";

/** What the score of a chunk depends on, apart from its rows; plain data, so that it can go to a worker. */
export interface ScorePlan {
  /** β₀ and one coefficient per term; blocks carry the terms in order, then the target. */
  weights: Float64Array;
  /** Only rows held out in a split by this share and seed; all rows where the share is 0. */
  testSize: number;
  seed: number;
}

/** How a chunk's predictions compare with its targets. */
export interface ScoreResult {
  rows: number;
  /** The sums of the errors, see `PredictionErrors.of`. */
  errors: readonly number[];
}

/** Compares the predictions of a model with the targets of the rows that are complete. */
export class ScoreJob implements ChunkJob<ScoreResult> {
  readonly #kernels: Kernels;
  readonly #source: BlockSource;
  readonly #plan: ScorePlan;
  readonly #predictions = new Float64Array(BLOCK_ROWS);
  #errors = new PredictionErrors();
  #rows = 0;

  constructor(kernels: Kernels, source: BlockSource, plan: ScorePlan) {
    this.#kernels = kernels;
    this.#source = source;
    this.#plan = plan;
  }

  add(rows: number): void {
    const { block, firstRow } = this.#source;
    const { weights, testSize, seed } = this.#plan;
    predictBlock(this.#kernels, block, rows, weights, this.#predictions);
    const y = this.#kernels.doublesAt(block + 8 * BLOCK_ROWS * (weights.length - 1), rows);
    for (let r = 0; r < rows; r++) {
      if (testSize > 0 && !isHeldOut(firstRow + r, seed, testSize)) continue;
      const prediction = this.#predictions[r]!;
      if (!Number.isNaN(prediction) && !Number.isNaN(y[r]!)) this.#errors.add(y[r]!, prediction);
    }
    this.#rows += rows;
  }

  finish(): ScoreResult {
    const result = { rows: this.#rows, errors: this.#errors.sums };
    this.#errors = new PredictionErrors();
    this.#rows = 0;
    return result;
  }
}

/**
 * ŷ of the rows of a block, NaN where a term is missing: column by column, so that each row adds its terms in order,
 * which gives the bits of `predictRows`.
 */
export function predictBlock(
  kernels: Kernels,
  block: number,
  rows: number,
  weights: Float64Array,
  out: Float64Array,
): void {
  const { doubles } = kernels;
  out.fill(weights[0]!, 0, rows);
  for (let j = 0; j + 1 < weights.length; j++) {
    const w = weights[j + 1]!;
    const at = block / 8 + BLOCK_ROWS * j;
    for (let r = 0; r < rows; r++) out[r]! += doubles[at + r]! * w;
  }
}
