import { packedIndex, packedLength } from "../../stats/packed.js";
/** The Cholesky factor of a symmetric matrix from which dependent columns were left out. */
export interface Factor {
  /** Indices of the columns that were kept, ascending; r of them. */
  kept: number[];
  /** Indices of the columns that depend on columns before them. */
  aliased: number[];
  /** L, r × r row-major lower triangle, with L Lᵀ = A over the kept columns. */
  lower: Float64Array;
}

/**
 * Factors a symmetric positive semidefinite k × k matrix A with unit diagonal as L Lᵀ.
 *
 * Columns are taken in order. The pivot of column j is 1 − R², R² being that of its regression on the
 * kept columns before it; a column whose pivot is below `tolerance` is left out as aliased, which is the
 * rule of R's `lm` (there by the norms of a Householder QR, whose ratio is the root of this pivot).
 * Source: Golub & Van Loan, Matrix Computations, 4th ed., algorithm 4.2.1 (by rows).
 *
 * @param a the lower triangle of A, packed by rows: entry (i, j), i ≥ j, at i(i + 1)/2 + j
 */
export function cholesky(a: Float64Array, k: number, tolerance: number): Factor {
  const rows: Float64Array[] = [];
  const kept: number[] = [];
  const aliased: number[] = [];
  for (let j = 0; j < k; j++) {
    const r = kept.length;
    const row = new Float64Array(r + 1);
    const base = packedIndex(j, 0);
    let pivot = a[base + j]!;
    for (let i = 0; i < r; i++) {
      const other = rows[i]!;
      const l = (a[base + kept[i]!]! - dot(row, other, i)) / other[i]!;
      row[i] = l;
      pivot -= l * l;
    }
    if (!(pivot > tolerance)) {
      aliased.push(j);
      continue;
    }
    row[r] = Math.sqrt(pivot);
    rows.push(row);
    kept.push(j);
  }
  const r = kept.length;
  const lower = new Float64Array(r * r);
  for (let i = 0; i < r; i++) lower.set(rows[i]!, i * r);
  return { kept, aliased, lower };
}

/** Σ_{t < n} a[t] b[t] in four interleaved sums: one alone would wait for each addition. */
function dot(a: Float64Array, b: Float64Array, n: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let t = 0;
  for (; t + 4 <= n; t += 4) {
    s0 += a[t]! * b[t]!;
    s1 += a[t + 1]! * b[t + 1]!;
    s2 += a[t + 2]! * b[t + 2]!;
    s3 += a[t + 3]! * b[t + 3]!;
  }
  for (; t < n; t++) s0 += a[t]! * b[t]!;
  return s0 + s1 + (s2 + s3);
}

/** Solves L z = b in place, L being r × r row-major lower triangular. */
export function forwardSubstitute(lower: Float64Array, r: number, b: Float64Array): void {
  for (let i = 0; i < r; i++) {
    let sum = b[i]!;
    for (let t = 0; t < i; t++) sum -= lower[i * r + t]! * b[t]!;
    b[i] = sum / lower[i * r + i]!;
  }
}

/** Solves Lᵀ x = z in place. */
export function backSubstitute(lower: Float64Array, r: number, z: Float64Array): void {
  for (let i = r - 1; i >= 0; i--) {
    const x = z[i]! / lower[i * r + i]!;
    z[i] = x;
    // By rows of L rather than columns of Lᵀ: the same terms, in memory order.
    for (let t = 0; t < i; t++) z[t]! -= lower[i * r + t]! * x;
  }
}

/** A⁻¹ = L⁻ᵀ L⁻¹ as a packed lower triangle; `m`, r × r, is overwritten, and so is `inverse`. */
export function inverseFromFactor(
  lower: Float64Array,
  r: number,
  m: Float64Array = new Float64Array(r * r),
  inverse: Float64Array = new Float64Array(packedLength(r)),
): Float64Array {
  m.fill(0);
  inverse.fill(0);
  // M = L⁻¹, row by row: M[i] = (e_i − Σ_{t<i} L[i][t] M[t]) / L[i][i].
  for (let i = 0; i < r; i++) {
    const row = i * r;
    for (let t = 0; t < i; t++) {
      const l = lower[row + t]!;
      for (let j = 0; j <= t; j++) m[row + j]! -= l * m[t * r + j]!;
    }
    const diagonal = lower[row + i]!;
    for (let j = 0; j < i; j++) m[row + j]! /= diagonal;
    m[row + i] = 1 / diagonal;
  }
  for (let t = 0; t < r; t++) {
    for (let i = 0; i <= t; i++) {
      const x = m[t * r + i]!;
      const base = packedIndex(i, 0);
      for (let j = 0; j <= i; j++) inverse[base + j]! += x * m[t * r + j]!;
    }
  }
  return inverse;
}
