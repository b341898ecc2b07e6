import { packedIndex } from "./packed.js";

/** The eigenvalues of a symmetric matrix A, and its eigenvectors: A = Σ λ_k v_k v_kᵀ. */
export interface SymmetricEigen {
  values: Float64Array;
  /** v_k, k at k·size, of length 1. */
  vectors: Float64Array;
}

/** Sweeps over all pairs: convergence is quadratic, and six are what matrices of a hundred columns need. */
const MOST_SWEEPS = 60;

/**
 * Jacobi's method by cyclic sweeps (Golub & Van Loan 2013, section 8.5): each rotation makes one entry zero. Eigenvalues
 * are exact to rounding of the largest, those of well scaled matrices to that of themselves; O(size³) a sweep.
 *
 * @param a packed lower triangle, size × size
 */
export function symmetricEigen(a: ArrayLike<number>, size: number): SymmetricEigen {
  const m = new Float64Array(size * size);
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) m[i * size + j] = a[packedIndex(i, j)]!;
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  let whole = 0;
  for (const value of m) whole += value * value;
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let off = 0;
    for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) off += 2 * m[i * size + j]! ** 2;
    if (!(off > Number.EPSILON ** 2 * whole)) break;
    for (let p = 0; p < size - 1; p++) for (let q = p + 1; q < size; q++) rotate(m, vectors, size, p, q);
  }
  return { values: Float64Array.from({ length: size }, (_, i) => m[i * size + i]!), vectors };
}

/** Makes entry (p, q) zero by a rotation of both rows and columns. */
function rotate(m: Float64Array, vectors: Float64Array, size: number, p: number, q: number): void {
  const own = m[p * size + q]!;
  if (own === 0) return;
  const half = (m[q * size + q]! - m[p * size + p]!) / (2 * own);
  const t = (half >= 0 ? 1 : -1) / (Math.abs(half) + Math.hypot(1, half));
  const c = 1 / Math.hypot(1, t);
  const s = t * c;
  for (let k = 0; k < size; k++) {
    const [a, b] = [m[k * size + p]!, m[k * size + q]!];
    m[k * size + p] = c * a - s * b;
    m[k * size + q] = s * a + c * b;
  }
  for (let k = 0; k < size; k++) {
    const [a, b] = [m[p * size + k]!, m[q * size + k]!];
    m[p * size + k] = c * a - s * b;
    m[q * size + k] = s * a + c * b;
  }
  for (let k = 0; k < size; k++) {
    const [a, b] = [vectors[p * size + k]!, vectors[q * size + k]!];
    vectors[p * size + k] = c * a - s * b;
    vectors[q * size + k] = s * a + c * b;
  }
}
