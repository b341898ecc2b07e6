import type { AskableModel } from "./askable.js";
import type { Batch } from "./batch.js";
import type { Predicted } from "./predicted.js";
import type { IntervalWish, Question } from "./question.js";

/** Called between pieces of work; throws once nobody waits for the answer any more. */
export type Checkpoint = () => void;

/** Numbers between checkpoints: about a millisecond of work, and of memory for what is read where it lies. */
const STRIDE_NUMBERS = 1 << 20;
const MOST_ROWS = 1 << 16;
const BLOCK_ROWS = 128;

/** Predicts a batch into `out`, looking up now and then. @throws RequestError (400) for a level unseen */
export function predictInto(
  model: AskableModel,
  batch: Batch,
  out: Predicted,
  { unseen }: Pick<Question, "unseen">,
  checkpoint: Checkpoint,
  interval?: IntervalWish,
): void {
  const predict = model.predictor(batch, unseen, interval);
  const fitting = Math.floor(STRIDE_NUMBERS / Math.max(1, model.inputs.length) / BLOCK_ROWS) * BLOCK_ROWS;
  const stride = Math.min(MOST_ROWS, Math.max(BLOCK_ROWS, fitting));
  for (let from = 0; from < batch.rows; from += stride) {
    checkpoint();
    predict(out, from, Math.min(batch.rows, from + stride));
  }
}
