import { DoubleDouble } from "../../stats/double-double.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { ClusterMoments } from "./cluster-scores.js";
import type { Whitening } from "./whitening.js";

/** Moments in double-double: what those of `ClusterMoments` lack as doubles. */
export interface ExtendedClusterMoments extends ClusterMoments {
  low: ClusterMoments;
}

/**
 * `ClusterScores` from moments in double-double, in that arithmetic: where columns nearly depend on each other, X′y − X′Xβ and
 * L⁻¹D⁻¹X′X cancel to some 10⁻⁸ of what they are made of, which sums over rows do not.
 */
export class ExtendedClusterScores {
  readonly #whitening: Whitening;

  constructor(whitening: Whitening) {
    this.#whitening = whitening;
  }

  /** Σ w e u of a cluster's rows. */
  scores(moments: ExtendedClusterMoments): Float64Array {
    const { rank, constant, target, slopes, lower } = this.#whitening;
    const k = slopes.length;
    const weight = new DoubleDouble(moments.sumW, moments.low.sumW);
    const offset = this.#offset(moments);
    let d = meanOf(moments, k).sub(new DoubleDouble(target[0])).sub(new DoubleDouble(target[1]));
    for (let i = 0; i < k; i++) d = d.sub(times(offset[i]!, slopes[i]!));
    const own = weight.mul(d);
    const centred = offset.map((off, i) => {
      let sum = productOf(moments, k, i);
      for (let j = 0; j < k; j++) sum = sum.sub(times(productOf(moments, i, j), slopes[j]!));
      return sum.add(off.mul(own));
    });
    const scores = new Float64Array(rank);
    const first = constant === 0 ? 0 : 1;
    if (first === 1) scores[0] = constant * own.toNumber();
    for (let i = 0; i < k; i++) {
      let sum = ZERO;
      for (let j = 0; j <= i; j++) sum = sum.add(times(centred[j]!, lower[packedIndex(i, j)]!));
      scores[i + first] = sum.toNumber();
    }
    return scores;
  }

  /** Σ w uuᵀ of a cluster's rows, packed. */
  gram(moments: ExtendedClusterMoments): Float64Array {
    const { rank, constant, lower, slopes } = this.#whitening;
    const k = slopes.length;
    const first = constant === 0 ? 0 : 1;
    const weight = new DoubleDouble(moments.sumW, moments.low.sumW);
    const offset = this.#offset(moments);
    // L⁻¹D⁻¹ times the columns' products, row by row.
    const half = Array.from({ length: k * k }, () => ZERO);
    for (let j = 0; j < k; j++)
      for (let t = 0; t < k; t++) {
        const value = productOf(moments, t, j).add(weight.mul(offset[t]!).mul(offset[j]!));
        for (let i = t; i < k; i++)
          half[i * k + j] = half[i * k + j]!.add(times(value, lower[packedIndex(i, t)]!));
      }
    const gram = new Float64Array(packedLength(rank));
    if (first === 1) gram[0] = constant * constant * moments.sumW;
    for (let i = 0; i < k; i++) {
      if (first === 1) {
        let sum = ZERO;
        for (let j = 0; j <= i; j++) sum = sum.add(times(offset[j]!, lower[packedIndex(i, j)]!));
        gram[packedIndex(i + 1, 0)] = constant * weight.mul(sum).toNumber();
      }
      for (let j = 0; j <= i; j++) {
        let sum = ZERO;
        for (let t = 0; t <= j; t++) sum = sum.add(times(half[i * k + t]!, lower[packedIndex(j, t)]!));
        gram[packedIndex(i + first, j + first)] = sum.toNumber();
      }
    }
    return gram;
  }

  /** The means of the columns about those of the fit. */
  #offset(moments: ExtendedClusterMoments): DoubleDouble[] {
    const { mean, meanLow } = this.#whitening;
    return Array.from(mean, (centre, i) =>
      meanOf(moments, i).sub(new DoubleDouble(centre)).sub(new DoubleDouble(meanLow[i]!)),
    );
  }
}

const ZERO = new DoubleDouble(0);

function times(a: DoubleDouble, b: number): DoubleDouble {
  return a.mul(new DoubleDouble(b));
}

function meanOf({ mean, low }: ExtendedClusterMoments, i: number): DoubleDouble {
  return new DoubleDouble(mean[i]!, low.mean[i]!);
}

function productOf({ mean, products, low }: ExtendedClusterMoments, i: number, j: number): DoubleDouble {
  const at = i >= j ? i * mean.length + j : j * mean.length + i;
  return new DoubleDouble(products[at]!, low.products[at]!);
}
