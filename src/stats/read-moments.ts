import type { CrossProducts, CrossProductsJson } from "./cross-products.js";
import { ExtendedMoments } from "./extended-moments.js";
import { Moments } from "./moments.js";
import { ended } from "./pauses.js";
import { sparseSteps } from "./read-sparse.js";

/** Reads what `toJSON` wrote; throws UsageError where the parts do not fit or a number is not finite. */
export function readMoments(json: CrossProductsJson): CrossProducts {
  return ended(momentsSteps(json));
}

/** The same with pauses: it yields where others may run. */
export function* momentsSteps(json: CrossProductsJson): Generator<undefined, CrossProducts, void> {
  if ("tables" in json) return yield* sparseSteps(json);
  return yield* "cLow" in json ? ExtendedMoments.fromJsonSteps(json) : Moments.fromJsonSteps(json);
}
