import { packedIndex, packedLength } from "../../stats/packed.js";
import type { Whitening } from "./whitening.js";

/** Moments of the rows of one cluster. */
export interface ClusterMoments {
  sumW: number;
  mean: (column: number) => number;
  /** Σ w (x_i − x̄_i)(x_j − x̄_j) about the cluster's own means. */
  product: (i: number, j: number) => number;
}

/**
 * The sum of the scores Σ w e u of a cluster's rows in whitened coordinates, from its moments alone: with d = ē − the fit's
 * own mean of e, which is 0, that is Σ w e = W d and Σ w (x − x̄) e = C_xy − C_xx β + W (x̄_g − x̄) d, x̄ the means of the
 * fit. What `Meat` sums up row by row: s = X′y − X′Xβ about means, so that nothing cancels where columns lie far from zero.
 *
 * @param at the columns of the whitening's kept ones among the moments', and that of y
 */
export function clusterScores(
  { rank, constant, mean, meanLow, target, slopes, lower }: Whitening,
  { sumW, mean: own, product }: ClusterMoments,
  at: { columns: readonly number[]; target: number },
): Float64Array {
  const k = slopes.length;
  const offset = Float64Array.from(at.columns, (column, i) => own(column) - mean[i]! - meanLow[i]!);
  let d = own(at.target) - target[0] - target[1];
  for (let i = 0; i < k; i++) d -= slopes[i]! * offset[i]!;
  const centred = Float64Array.from(at.columns, (column, i) => {
    let sum = product(column, at.target);
    for (let j = 0; j < k; j++) sum -= product(column, at.columns[j]!) * slopes[j]!;
    return sum + sumW * offset[i]! * d;
  });
  const scores = new Float64Array(rank);
  const first = constant === 0 ? 0 : 1;
  if (first === 1) scores[0] = constant * sumW * d;
  for (let i = 0; i < k; i++)
    for (let j = 0; j <= i; j++) scores[i + first]! += lower[packedIndex(i, j)]! * centred[j]!;
  return scores;
}

/**
 * Σ w uuᵀ of a cluster's rows in whitened coordinates, packed: with d = x̄_g − x̄, Σ w (x − x̄)(x − x̄)ᵀ = C + W ddᵀ of the
 * columns, and W d beside the intercept's coordinate.
 *
 * @param columns the columns of the whitening's kept ones among the moments'
 */
export function clusterGram(
  { rank, constant, mean, meanLow, lower }: Whitening,
  { sumW, mean: own, product }: ClusterMoments,
  columns: readonly number[],
): Float64Array {
  const k = columns.length;
  const first = constant === 0 ? 0 : 1;
  const offset = Float64Array.from(columns, (column, i) => own(column) - mean[i]! - meanLow[i]!);
  // L⁻¹D⁻¹ times the columns' products, row by row.
  const half = new Float64Array(k * k);
  for (let j = 0; j < k; j++)
    for (let t = 0; t < k; t++) {
      const value = product(columns[t]!, columns[j]!) + sumW * offset[t]! * offset[j]!;
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
