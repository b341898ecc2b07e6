import type { ColumnBlock } from "../csv/columns.js";
import { quoteField } from "../csv/write.js";
import { PredictionErrors } from "../stats/metrics.js";

/** What the predictions of a chunk depend on, apart from its rows; plain data, so that it can go to a worker. */
export interface PredictPlan {
  /** β₀ and one coefficient per term; the blocks' numeric columns are the terms, in order. */
  weights: Float64Array;
  /** Whether the target follows the terms among the blocks' columns. */
  target: boolean;
  /** Whether the rows' own text comes before the prediction, and the delimiter between them. */
  append: boolean;
  delimiter: string;
}

/** How a chunk's predictions compare with its targets. */
export interface ChunkScore {
  rows: number;
  /** Rows without a prediction because a cell is missing. */
  missing: number;
  /** The sums of the errors, see `PredictionErrors.of`. */
  errors: readonly number[];
}

/** The predictions of a chunk as CSV text, and their errors where the target is known. */
export interface ChunkPredictions extends ChunkScore {
  text: string;
}

/** ŷ of every row of a chunk, NaN where a cell of a term is missing. */
function predictBlock(weights: Float64Array, block: ColumnBlock): Float64Array {
  const predictions = new Float64Array(block.rows).fill(weights[0]!);
  // Column by column: each row still adds its terms in order, so the bits are those of `predictRows`.
  for (let j = 0; j + 1 < weights.length; j++) {
    const w = weights[j + 1]!;
    const column = block.numeric[j]!;
    for (let r = 0; r < block.rows; r++) predictions[r]! += column[r]! * w;
  }
  return predictions;
}

/** Compares predictions with the target, the last column of the block; rows without a target do not count. */
function score(plan: PredictPlan, block: ColumnBlock, predictions: Float64Array): ChunkScore {
  const errors = new PredictionErrors();
  const y = plan.target ? block.numeric[plan.weights.length - 1]! : undefined;
  let missing = 0;
  for (let r = 0; r < block.rows; r++) {
    const prediction = predictions[r]!;
    if (Number.isNaN(prediction)) missing++;
    else if (y !== undefined && !Number.isNaN(y[r])) errors.add(y[r]!, prediction);
  }
  return { rows: block.rows, missing, errors: errors.sums };
}

/** The errors of a chunk's predictions. */
export function scoreChunk(plan: PredictPlan, block: ColumnBlock): ChunkScore {
  return score(plan, block, predictBlock(plan.weights, block));
}

/**
 * ŷ of every row of a chunk, written as CSV, one line per row in order. A row with a missing cell among the terms
 * gets NA. Numbers are the shortest decimals that read back to the same doubles.
 */
export function predictChunk(plan: PredictPlan, block: ColumnBlock): ChunkPredictions {
  const predictions = predictBlock(plan.weights, block);
  const decoder = plan.append ? new TextDecoder() : undefined;
  let text = "";
  for (let r = 0; r < block.rows; r++) {
    if (decoder !== undefined) {
      const { bytes, ends } = block.text!;
      text += decoder.decode(bytes.subarray(r === 0 ? 0 : ends[r - 1]!, ends[r])) + plan.delimiter;
    }
    text += Number.isNaN(predictions[r]) ? "NA\n" : `${predictions[r]}\n`;
  }
  return { ...score(plan, block, predictions), text };
}

/** The header line of the predictions; `inputHeader` is that of the input's own columns. */
export function predictionHeader(plan: PredictPlan, inputHeader: string): string {
  const own = quoteField("prediction", plan.delimiter);
  return plan.append ? `${inputHeader}${plan.delimiter}${own}\n` : `${own}\n`;
}
