import { packedIndex, packedLength } from "../../stats/packed.js";
import { type SymmetricEigen, symmetricEigen } from "../../stats/symmetric-eigen.js";
import type { ClusterType } from "./vcov.js";

/** The covariances of sums by cluster; the jackknife of clusters is one. */
export type AdjustedType = ClusterType | "jackknife";

/** What 1 − λ, λ an eigenvalue of a cluster's leverages, is counted as 0 below: the cluster alone tells a coefficient. */
const FULL_LEVERAGE = 1e-10;

/**
 * f(λ) of the adjustment A = f(UUᵀ) of a cluster's residuals, U its rows in whitened coordinates (weighted by √w): 1 for
 * cr0 and cr1, (1 − λ)^−½ for cr2 and 1/(1 − λ) for cr3 and the jackknife, the pseudo-inverse where λ = 1 (Bell & McCaffrey 2002).
 */
function adjustmentOf(type: AdjustedType): (lambda: number) => number {
  if (type === "cluster" || type === "cr0") return () => 1;
  return (lambda) => {
    const rest = 1 - lambda;
    if (rest < FULL_LEVERAGE) return 0;
    return type === "cr2" ? 1 / Math.sqrt(rest) : 1 / rest;
  };
}

/**
 * The adjusted sum of scores UᵀA e of a cluster, from s = Uᵀe and G = UᵀU alone: with the singular values of U,
 * Uᵀf(UUᵀ) = f(G)Uᵀ (MacKinnon, Nielsen & Webb 2023 do so for cr3). `alone` says whether the cluster alone tells a coefficient.
 */
export function adjustedScores(
  type: AdjustedType,
  scores: Float64Array,
  gram: Float64Array,
): { scores: Float64Array; alone: boolean } {
  const f = adjustmentOf(type);
  const { values, vectors } = symmetricEigen(gram, scores.length);
  const alone = values.some((lambda) => 1 - lambda < FULL_LEVERAGE);
  return { scores: applied(values.map(f), vectors, scores), alone };
}

/** Σ_k f_k v_k (v_kᵀs). */
function applied(f: Float64Array, vectors: Float64Array, s: Float64Array): Float64Array {
  const size = s.length;
  const out = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    let along = 0;
    for (let i = 0; i < size; i++) along += vectors[k * size + i]! * s[i]!;
    along *= f[k]!;
    for (let i = 0; i < size; i++) out[i]! += along * vectors[k * size + i]!;
  }
  return out;
}

/** B = UᵀAU and D = UᵀA²U of a cluster, packed lower triangles: what degrees of freedom are made of. */
export interface AdjustedGram {
  b: Float64Array;
  d: Float64Array;
}

/** B and D of a cluster, from its G = UᵀU. */
export function adjustedGram(type: AdjustedType, gram: Float64Array, size: number): AdjustedGram {
  if (type === "cluster" || type === "cr0") return { b: gram, d: gram };
  const f = adjustmentOf(type);
  const eigen = symmetricEigen(gram, size);
  return {
    b: matrixOf(eigen, (lambda) => lambda * f(lambda), size),
    d: matrixOf(eigen, (lambda) => lambda * f(lambda) ** 2, size),
  };
}

/** Σ_k f(λ_k) v_k v_kᵀ, packed. */
export function matrixOf(
  { values, vectors }: SymmetricEigen,
  f: (lambda: number) => number,
  size: number,
): Float64Array {
  const out = new Float64Array(packedLength(size));
  for (let k = 0; k < size; k++) {
    const share = f(values[k]!);
    if (share === 0) continue;
    for (let i = 0; i < size; i++)
      for (let j = 0; j <= i; j++)
        out[packedIndex(i, j)]! += share * vectors[k * size + i]! * vectors[k * size + j]!;
  }
  return out;
}
