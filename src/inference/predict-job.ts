import { quoteField } from "../csv/write.js";
import { BLOCK_ROWS, type Kernels } from "../kernels/kernels.js";
import { PredictionErrors } from "../stats/metrics.js";
import type { BlockSource, ChunkJob } from "../training/chunk-job.js";
import { predictBlock } from "../training/score-job.js";

/** What the predictions of a chunk depend on, apart from its rows; plain data, so that it can go to a worker. */
export interface PredictPlan {
  /** β₀ and one coefficient per term; blocks carry the terms in order. */
  weights: Float64Array;
  /** Whether the target follows the terms in the blocks. */
  target: boolean;
  /** Whether the rows' own bytes come before the prediction, and the delimiter between them. */
  append: boolean;
  delimiter: string;
}

/** The predictions of a chunk as CSV, and their errors where the target is known. */
export interface PredictResult {
  rows: number;
  /** Rows whose prediction is NA because a cell is missing. */
  missing: number;
  /** UTF-8 text, one line per row. */
  text: Uint8Array;
  /** The sums of the errors, see `PredictionErrors.of`. */
  errors: readonly number[];
}

/** The longest shortest decimal of a double, and a line end: -1.2345678901234567e-300. */
const LONGEST = 26;

/**
 * Writes ŷ of every row as CSV, in order. A row with a missing cell among the terms gets NA. Numbers are the
 * shortest decimals that read back to the same doubles.
 */
export class PredictJob implements ChunkJob<PredictResult> {
  readonly #kernels: Kernels;
  readonly #source: BlockSource;
  readonly #plan: PredictPlan;
  readonly #predictions = new Float64Array(BLOCK_ROWS);
  #errors = new PredictionErrors();
  #text = Buffer.allocUnsafeSlow(1 << 16);
  #length = 0;
  #rows = 0;
  #missing = 0;

  constructor(kernels: Kernels, source: BlockSource, plan: PredictPlan) {
    this.#kernels = kernels;
    this.#source = source;
    this.#plan = plan;
  }

  add(rows: number): void {
    const { weights, target, append, delimiter } = this.#plan;
    const { block } = this.#source;
    const predictions = this.#predictions;
    predictBlock(this.#kernels, block, rows, weights, predictions);
    const y = target
      ? this.#kernels.doublesAt(block + 8 * BLOCK_ROWS * (weights.length - 1), rows)
      : undefined;
    for (let r = 0; r < rows; r++) {
      const prediction = predictions[r]!;
      const known = !Number.isNaN(prediction);
      if (!known) this.#missing++;
      else if (y !== undefined && !Number.isNaN(y[r]!)) this.#errors.add(y[r]!, prediction);
      if (append) {
        const bytes = this.#source.rowBytes(r);
        this.#reserve(bytes.length + LONGEST + 4);
        this.#text.set(bytes, this.#length);
        this.#length += bytes.length;
        this.#length += this.#text.write(delimiter, this.#length, "latin1");
      } else this.#reserve(LONGEST);
      this.#length += this.#text.write(known ? `${prediction}\n` : "NA\n", this.#length, "latin1");
    }
    this.#rows += rows;
  }

  finish(): PredictResult {
    const result = {
      rows: this.#rows,
      missing: this.#missing,
      text: new Uint8Array(this.#text.subarray(0, this.#length)),
      errors: this.#errors.sums,
    };
    this.#errors = new PredictionErrors();
    this.#length = 0;
    this.#rows = 0;
    this.#missing = 0;
    return result;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#text.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#text.length, this.#length + more));
    larger.set(this.#text.subarray(0, this.#length));
    this.#text = larger;
  }
}

/** The header line of the predictions; `inputHeader` is that of the input's own columns. */
export function predictionHeader(plan: PredictPlan, inputHeader: string): string {
  const own = quoteField("prediction", plan.delimiter);
  return plan.append ? `${inputHeader}${plan.delimiter}${own}\n` : `${own}\n`;
}
