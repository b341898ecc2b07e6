import { packedIndex, packedLength } from "../../stats/packed.js";
import { symmetricEigen } from "../../stats/symmetric-eigen.js";
import { matrixOf } from "./cluster-adjustment.js";
import { inverseRoot, type Whitening } from "./whitening.js";

/** Eigenvalues that are negative by less than this share of the largest are rounding. */
const ROUNDING = 1e-12;

/**
 * A meat whose Cov(θ̂) has no negative variance: with the eigenvalues of Cov(θ̂) = R⁻¹MR⁻ᵀ that are below 0 set to 0 (Cameron,
 * Gelbach & Miller 2011, section 2.3; as fixest and `sandwich::vcovCL` do); undefined where none is.
 *
 * @param meat M, packed lower triangle
 */
export function repaired(meat: Float64Array, whitening: Whitening): Float64Array | undefined {
  const { rank } = whitening;
  const { values } = symmetricEigen(meat, rank);
  if (Math.min(...values) >= -ROUNDING * Math.max(...values)) return undefined;
  // Upper triangular: Cov(θ̂) = T M Tᵀ.
  const T = inverseRoot(whitening);
  const V = sandwich(T, meat, rank);
  const eigen = symmetricEigen(V, rank);
  const mended = matrixOf(eigen, (value) => Math.max(0, value), rank);
  const square = new Float64Array(rank * rank);
  for (let i = 0; i < rank; i++)
    for (let j = 0; j < rank; j++) square[i * rank + j] = mended[packedIndex(i, j)]!;
  // T⁻¹ V T⁻ᵀ: back substitution down the columns, then along the rows.
  for (const [step, next] of [
    [rank, 1],
    [1, rank],
  ] as const)
    for (let c = 0; c < rank; c++)
      for (let i = rank - 1; i >= 0; i--) {
        let sum = square[i * step + c * next]!;
        for (let j = i + 1; j < rank; j++) sum -= T[i * rank + j]! * square[j * step + c * next]!;
        square[i * step + c * next] = sum / T[i * rank + i]!;
      }
  const out = new Float64Array(packedLength(rank));
  for (let i = 0; i < rank; i++)
    for (let j = 0; j <= i; j++) out[packedIndex(i, j)] = (square[i * rank + j]! + square[j * rank + i]!) / 2;
  return out;
}

/** T M Tᵀ, packed. */
function sandwich(T: Float64Array, M: Float64Array, rank: number): Float64Array {
  const out = new Float64Array(packedLength(rank));
  const half = new Float64Array(rank * rank);
  for (let i = 0; i < rank; i++)
    for (let j = 0; j < rank; j++) {
      let sum = 0;
      for (let k = i; k < rank; k++) sum += T[i * rank + k]! * M[packedIndex(k, j)]!;
      half[i * rank + j] = sum;
    }
  for (let i = 0; i < rank; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = j; k < rank; k++) sum += half[i * rank + k]! * T[j * rank + k]!;
      out[packedIndex(i, j)] = sum;
    }
  return out;
}
