import { ModelError } from "../../errors.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { DoubleDouble } from "../../stats/double-double.js";
import { ExtendedMoments } from "../../stats/extended-moments.js";
import { Moments } from "../../stats/moments.js";
import { packedIndex, packedLength } from "../../stats/packed.js";

/** A model's weights below this share of what they were are forgotten, for products of them would be no numbers. */
const LEAST = 1e-200;

/**
 * The moments of the same rows, each of weight `factor` times its own, over some columns: W and C times it, means as they are.
 *
 * @throws ModelError where nothing would be left of them
 */
export function faded(moments: CrossProducts, columns: readonly string[], factor: number): CrossProducts {
  if (!(factor >= LEAST))
    throw new ModelError("so much is forgotten that nothing is left of the model", {
      hint: "train on the new rows, or forget more slowly",
    });
  const of = moments.over([...columns]);
  const at = columns.map((name) => of.index(name));
  const size = packedLength(columns.length);
  const sumLogW = of.sumLogW + of.n * Math.log(factor);
  const scale = new DoubleDouble(factor);
  if (!of.extended) {
    const c = new Float64Array(size);
    for (let i = 0; i < at.length; i++)
      for (let j = 0; j <= i; j++) c[packedIndex(i, j)] = factor * of.product(at[i]!, at[j]!);
    const mean = Float64Array.from(at, (i) => of.mean[i] ?? 0);
    return Moments.of({ columns, n: of.n, sumW: factor * of.sumW, sumLogW, mean, c });
  }
  const [c, cLow] = [new Float64Array(size), new Float64Array(size)];
  for (let i = 0; i < at.length; i++)
    for (let j = 0; j <= i; j++) {
      const { hi, lo } = of.extendedProduct(at[i]!, at[j]!).mul(scale);
      c[packedIndex(i, j)] = hi;
      cLow[packedIndex(i, j)] = lo;
    }
  const means = at.map((i) => of.extendedMean(i));
  const W = of.extendedSumW.mul(scale);
  return ExtendedMoments.of({
    columns,
    n: of.n,
    sumW: W.hi,
    sumWLow: W.lo,
    sumLogW,
    mean: Float64Array.from(means, ({ hi }) => hi),
    meanLow: Float64Array.from(means, ({ lo }) => lo),
    c,
    cLow,
  });
}
