import type { CrossProducts } from "./cross-products.js";
import { ExtendedMoments } from "./extended-moments.js";
import { Moments } from "./moments.js";
import { SparseMoments } from "./sparse-moments.js";

/**
 * The moments as if each row were there as many times as its weight says: n = Σ w, and no weights in the likelihood. Means and
 * cross-products are those already. The moments themselves are changed.
 */
export function countedByWeights(moments: CrossProducts): CrossProducts {
  const numbers = moments instanceof SparseMoments ? moments.base : moments;
  if (numbers instanceof Moments || numbers instanceof ExtendedMoments) {
    numbers.n = numbers.sumW;
    numbers.sumLogW = 0;
  }
  return moments;
}
