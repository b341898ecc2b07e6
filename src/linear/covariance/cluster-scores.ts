import { packedIndex, packedLength } from "../../stats/packed.js";
import type { Whitening } from "./whitening.js";

/** Moments of the rows of one cluster at a time, of the columns that the fit has kept and its target. */
export interface ClusterMoments {
  sumW: number;
  /** The means of the r columns, then that of the target. */
  mean: Float64Array;
  /** Σ w (x_i − x̄_i)(x_j − x̄_j) about the cluster's own means, (r + 1) × (r + 1), row-major; the entries with j ≤ i are read. */
  products: Float64Array;
}

/**
 * What sums by cluster are made of: the sums of the scores Σ w e u of each cluster's rows in whitened coordinates, and
 * Σ w uuᵀ, from its moments alone.
 */
export class ClusterScores {
  readonly #whitening: Whitening;
  readonly #offset: Float64Array;
  readonly #centred: Float64Array;
  readonly #half: Float64Array;

  constructor(whitening: Whitening) {
    const r = whitening.slopes.length;
    this.#whitening = whitening;
    this.#offset = new Float64Array(r);
    this.#centred = new Float64Array(r);
    this.#half = new Float64Array(r * r);
  }

  /**
   * With d = ē − the fit's own mean of e, which is 0, Σ w e = W d and Σ w (x − x̄) e = C_xy − C_xx β + W (x̄_g − x̄) d, x̄ the
   * means of the fit. What `Meat` sums up row by row: s = X′y − X′Xβ about means, so that nothing cancels where columns lie
   * far from zero.
   */
  scores({ sumW, mean: own, products }: ClusterMoments): Float64Array {
    const { rank, constant, mean, meanLow, target, slopes, lower } = this.#whitening;
    const offset = this.#offset;
    const centred = this.#centred;
    const k = slopes.length;
    const width = k + 1;
    let d = own[k]! - target[0] - target[1];
    for (let i = 0; i < k; i++) {
      offset[i] = own[i]! - mean[i]! - meanLow[i]!;
      d -= slopes[i]! * offset[i]!;
    }
    for (let i = 0; i < k; i++) {
      let sum = products[k * width + i]!;
      for (let j = 0; j <= i; j++) sum -= products[i * width + j]! * slopes[j]!;
      for (let j = i + 1; j < k; j++) sum -= products[j * width + i]! * slopes[j]!;
      centred[i] = sum + sumW * offset[i]! * d;
    }
    const scores = new Float64Array(rank);
    const first = constant === 0 ? 0 : 1;
    if (first === 1) scores[0] = constant * sumW * d;
    for (let i = 0, at = 0; i < k; i++) {
      let sum = 0;
      for (let j = 0; j <= i; j++, at++) sum += lower[at]! * centred[j]!;
      scores[i + first] = sum;
    }
    return scores;
  }

  /**
   * Packed: with d = x̄_g − x̄, Σ w (x − x̄)(x − x̄)ᵀ = C + W ddᵀ of the columns, and W d beside the intercept's coordinate.
   */
  gram({ sumW, mean: own, products }: ClusterMoments): Float64Array {
    const { rank, constant, mean, meanLow, lower } = this.#whitening;
    const offset = this.#offset;
    const k = offset.length;
    const width = k + 1;
    const first = constant === 0 ? 0 : 1;
    for (let i = 0; i < k; i++) offset[i] = own[i]! - mean[i]! - meanLow[i]!;
    // L⁻¹D⁻¹ times the columns' products, row by row.
    const half = this.#half.fill(0);
    for (let j = 0; j < k; j++)
      for (let t = 0; t < k; t++) {
        const product = t < j ? products[j * width + t]! : products[t * width + j]!;
        const value = product + sumW * offset[t]! * offset[j]!;
        for (let i = t; i < k; i++) half[i * k + j]! += lower[packedIndex(i, t)]! * value;
      }
    const gram = new Float64Array(packedLength(rank));
    if (first === 1) gram[0] = constant * constant * sumW;
    for (let i = 0; i < k; i++) {
      if (first === 1) {
        let sum = 0;
        for (let j = 0; j <= i; j++) sum += lower[packedIndex(i, j)]! * offset[j]!;
        gram[packedIndex(i + 1, 0)] = constant * sumW * sum;
      }
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let t = 0; t <= j; t++) sum += half[i * k + t]! * lower[packedIndex(j, t)]!;
        gram[packedIndex(i + first, j + first)] = sum;
      }
    }
    return gram;
  }
}
