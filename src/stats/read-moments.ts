import type { CrossProducts, CrossProductsJson } from "./cross-products.js";
import { ExtendedMoments } from "./extended-moments.js";
import { Moments } from "./moments.js";
import { readSparse } from "./read-sparse.js";

/** Reads what `toJSON` wrote; throws UsageError where the parts do not fit or a number is not finite. */
export function readMoments(json: CrossProductsJson): CrossProducts {
  if ("tables" in json) return readSparse(json);
  return "cLow" in json ? ExtendedMoments.fromJSON(json) : Moments.fromJSON(json);
}
