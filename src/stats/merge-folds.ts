import type { CrossProducts } from "./cross-products.js";
import { ExtendedMoments } from "./extended-moments.js";
import type { Moments } from "./moments.js";
import { SparseMoments } from "./sparse-moments.js";
import { sameShape } from "./sparse-shape.js";

/** The moments of all folds together, merged in order; in double-double where some of them are. */
export function mergeFolds(folds: readonly CrossProducts[]): CrossProducts {
  const same = alike(folds);
  if (same.length === 1) return same[0]!;
  const total = same[0]!.clone();
  for (const fold of same.slice(1)) total.absorb(fold);
  return total;
}

/**
 * The same moments in one arithmetic and one form: in double-double where some are, and with indicators as columns like
 * any other where some are so held, or are laid out for other terms.
 */
export function alike<M extends CrossProducts>(all: readonly M[]): readonly CrossProducts[] {
  const exact = all.some((moments) => moments.extended) ? all.map(asExtended) : all;
  const [first] = exact;
  const sparse =
    first instanceof SparseMoments &&
    exact.every((moments) => moments instanceof SparseMoments && sameShape(moments.shape, first.shape));
  const dense = exact.every((moments) => !(moments instanceof SparseMoments));
  return sparse || dense ? exact : exact.map((moments) => moments.over(moments.columns));
}

/** Moments in double-double: themselves where they are, else the same numbers, the low parts zero. */
export function asExtended(moments: CrossProducts): CrossProducts {
  if (moments instanceof SparseMoments) return moments.toExtended();
  return ExtendedMoments.from(moments as Moments | ExtendedMoments);
}
