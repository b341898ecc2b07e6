import type { CrossProducts } from "./cross-products.js";
import { ExtendedMoments } from "./extended-moments.js";
import { packedIndex, packedLength } from "./packed.js";

/** The moments of all folds together, merged in order; in double-double where some of them are. */
export function mergeFolds(folds: readonly CrossProducts[]): CrossProducts {
  const alike = folds.some((fold) => fold.extended) ? folds.map(asExtended) : folds;
  const total = alike[0]!.clone();
  for (const fold of alike.slice(1)) total.absorb(fold);
  return total;
}

/** Moments in double-double: themselves where they are, else the same numbers, the low parts zero. */
export function asExtended(moments: CrossProducts): CrossProducts {
  if (moments.extended) return moments;
  const { columns, n, sumW, sumLogW, mean } = moments;
  const p = columns.length;
  const c = new Float64Array(packedLength(p));
  for (let i = 0; i < p; i++) for (let j = 0; j <= i; j++) c[packedIndex(i, j)] = moments.product(i, j);
  const low = { sumWLow: 0, meanLow: new Float64Array(p), cLow: new Float64Array(c.length) };
  return ExtendedMoments.of({ columns, n, sumW, sumLogW, mean: mean.slice(), c, ...low });
}
