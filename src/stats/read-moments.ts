import type { CrossProducts, CrossProductsJson } from "./cross-products.js";
import { ExtendedMoments } from "./extended-moments.js";
import { Moments } from "./moments.js";

/** Reads what `toJSON` wrote; throws UsageError where the lengths do not fit or a number is not finite. */
export function readMoments(json: CrossProductsJson): CrossProducts {
  return "cLow" in json ? ExtendedMoments.fromJSON(json) : Moments.fromJSON(json);
}
