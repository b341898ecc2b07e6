import type { UnseenPolicy } from "../linear/model/unseen.js";
import type { AskableModel } from "./askable.js";
import type { Batch } from "./batch.js";

/** Called between pieces of work; throws once nobody waits for the answer any more. */
export type Checkpoint = () => void;

/** Rows between checkpoints: about a millisecond of work. A multiple of the blocks of formulas. */
const STRIDE = 1 << 16;

/** Predicts a batch into `out`, looking up now and then. @throws RequestError (400) for a level unseen */
export function predictInto(
  model: AskableModel,
  batch: Batch,
  out: Float64Array,
  unseen: UnseenPolicy,
  checkpoint: Checkpoint,
): void {
  const predict = model.predictor(batch, unseen);
  for (let from = 0; from < batch.rows; from += STRIDE) {
    checkpoint();
    predict(out, from, Math.min(batch.rows, from + STRIDE));
  }
}
