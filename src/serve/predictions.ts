import type { Batch } from "./batch.js";
import { predictBatch, type ServedModel } from "./served-model.js";

/** Called between pieces of work; throws once nobody waits for the answer any more. */
export type Checkpoint = () => void;

/** Rows between checkpoints: about a millisecond of work. */
const STRIDE = 1 << 16;

/** Predicts a batch into `out`, looking up now and then. */
export function predictInto(
  model: ServedModel,
  batch: Batch,
  out: Float64Array,
  checkpoint: Checkpoint,
): void {
  for (let from = 0; from < batch.rows; from += STRIDE) {
    checkpoint();
    predictBatch(model, batch, out, from, Math.min(batch.rows, from + STRIDE));
  }
}
