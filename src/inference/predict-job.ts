import { quoteField } from "../csv/write.js";
import { BLOCK_ROWS, type Kernels } from "../kernels/kernels.js";
import { NumberWriter } from "../kernels/number-writer.js";
import { BlockPredictor, type PredictorPlan } from "../linear/block-predictor.js";
import { PredictionErrors } from "../stats/metrics.js";
import type { BlockSource, ChunkJob } from "../training/chunk-job.js";
import { rawBlock } from "../training/raw-block.js";
import { checkUnseen, type UnseenPolicy } from "../training/unseen.js";

/** What the predictions of a chunk depend on, apart from its rows; plain data, so that it can go to a worker. */
export interface PredictPlan {
  /** Blocks carry the raw columns of its spec. */
  predictor: PredictorPlan;
  unseen: UnseenPolicy;
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

/**
 * Writes ŷ of every row as CSV, in order. A row with a missing cell among the terms gets NA. Numbers are the
 * shortest decimals that read back to the same doubles.
 */
export class PredictJob implements ChunkJob<PredictResult> {
  readonly #kernels: Kernels;
  readonly #source: BlockSource;
  readonly #plan: PredictPlan;
  readonly #predictor: BlockPredictor;
  readonly #writer: NumberWriter;
  /** Where the predictions lie for the writer. */
  readonly #column: number;
  #errors = new PredictionErrors();
  #text = Buffer.allocUnsafeSlow(1 << 18);
  #length = 0;
  #rows = 0;
  #missing = 0;

  constructor(kernels: Kernels, source: BlockSource, plan: PredictPlan) {
    this.#kernels = kernels;
    this.#source = source;
    this.#plan = plan;
    this.#predictor = new BlockPredictor(plan.predictor);
    this.#writer = new NumberWriter(kernels, plan.delimiter.charCodeAt(0));
    this.#column = kernels.alloc(8 * BLOCK_ROWS);
  }

  add(rows: number): void {
    const { predictor, unseen, append } = this.#plan;
    const { firstRow, spans } = this.#source;
    this.#predictor.predict(
      rawBlock(this.#kernels, this.#source, predictor.spec.numeric.length, false, rows),
      0,
      rows,
    );
    checkUnseen(this.#predictor, firstRow, unseen);
    const { predictions, target } = this.#predictor;
    let missing = 0;
    for (let r = 0; r < rows; r++) {
      const prediction = predictions[r]!;
      if (Number.isNaN(prediction)) missing++;
      else if (target !== undefined && !Number.isNaN(target[r]!)) this.#errors.add(target[r]!, prediction);
    }
    this.#rows += rows;
    this.#missing += missing;
    if (missing === 0 && (!append || spans !== 0)) {
      this.#kernels.doublesAt(this.#column, rows).set(predictions.subarray(0, rows));
      this.#push(this.#writer.rows(this.#column, rows, 1, { spans: append ? spans : 0 }));
    } else this.#writeRows(predictions, rows);
  }

  /** Row by row, for blocks with missing predictions and for the csv-parse lane. */
  #writeRows(predictions: Float64Array, rows: number): void {
    const { append, delimiter } = this.#plan;
    for (let r = 0; r < rows; r++) {
      if (append) {
        this.#push(this.#source.rowBytes(r));
        this.#push(Buffer.from(delimiter));
      }
      const prediction = predictions[r]!;
      this.#push(Buffer.from(Number.isNaN(prediction) ? "NA\n" : `${prediction}\n`));
    }
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

  #push(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#text.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#text.length, length));
      larger.set(this.#text.subarray(0, this.#length));
      this.#text = larger;
    }
    this.#text.set(bytes, this.#length);
    this.#length = length;
  }
}

/** The header line of the predictions; `inputHeader` is that of the input's own columns. */
export function predictionHeader(plan: PredictPlan, inputHeader: string): string {
  const own = quoteField("prediction", plan.delimiter);
  return plan.append ? `${inputHeader}${plan.delimiter}${own}\n` : `${own}\n`;
}
