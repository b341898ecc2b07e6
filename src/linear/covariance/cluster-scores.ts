import { packedIndex } from "../../stats/packed.js";
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
