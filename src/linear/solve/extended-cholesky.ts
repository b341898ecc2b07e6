import { inOneGo, type Steps } from "../../parallel/steps.js";
import { DoubleDouble, productError, sumError } from "../../stats/double-double.js";
import { packedIndex, packedLength } from "../../stats/packed.js";

/** A pivot above this is no rounding error, however magnified: that takes weights of 10¹⁰. */
const SUSPICIOUS_PIVOT = 1e-8;

/** A vector of double-double numbers: entry i is hi[i] + lo[i]. */
export interface ExtendedVector {
  hi: Float64Array;
  lo: Float64Array;
}

/** The double-double twin of `Factor`: L Lᵀ = A over the kept columns, row i of L having i + 1 entries. */
export interface ExtendedFactor {
  kept: number[];
  aliased: number[];
  rows: ExtendedVector[];
}

export function extendedVector(length: number): ExtendedVector {
  return { hi: new Float64Array(length), lo: new Float64Array(length) };
}

/** Entry i of a vector. */
export function entry(v: ExtendedVector, i: number): DoubleDouble {
  return new DoubleDouble(v.hi[i]!, v.lo[i]!);
}

/** Sets entry i of a vector. */
export function setEntry(v: ExtendedVector, i: number, value: DoubleDouble): void {
  v.hi[i] = value.hi;
  v.lo[i] = value.lo;
}

/** start − Σ_{t < length} a[t] b[t], every product and sum in double-double. */
function subtractDot(
  start: DoubleDouble,
  a: ExtendedVector,
  b: ExtendedVector,
  length: number,
): DoubleDouble {
  let hi = start.hi;
  let lo = start.lo;
  for (let t = 0; t < length; t++) {
    const x = -a.hi[t]!;
    const y = b.hi[t]!;
    const p = x * y;
    const e = productError(x, y, p) + (x * b.lo[t]! - a.lo[t]! * y);
    const s = hi + p;
    const rest = sumError(hi, p, s) + (lo + e);
    hi = s + rest;
    lo = rest - (hi - s);
  }
  return new DoubleDouble(hi, lo);
}

/**
 * The Cholesky factor of `cholesky`, in double-double arithmetic.
 *
 * @param rounding the relative rounding error ρ that each column may carry: column j = Σ zᵢ column i + rest is left out
 * too where the rest is no longer than ρⱼ + Σ |zᵢ| ρᵢ, for then it may be nothing but the columns' errors, which large zᵢ
 * magnify
 */
export function extendedCholesky(
  ...args: [a: ExtendedVector, k: number, tolerance: number, rounding?: Float64Array]
): ExtendedFactor {
  return inOneGo(extendedCholeskySteps(...args));
}

/** `extendedCholesky`, in steps. */
export function* extendedCholeskySteps(
  a: ExtendedVector,
  k: number,
  tolerance: number,
  rounding?: Float64Array,
): Steps<ExtendedFactor> {
  const rows: ExtendedVector[] = [];
  const kept: number[] = [];
  const aliased: number[] = [];
  for (let j = 0; j < k; j++) {
    yield;
    const r = kept.length;
    const row = extendedVector(r + 1);
    const base = packedIndex(j, 0);
    for (let i = 0; i < r; i++) {
      const other = rows[i]!;
      const rest = subtractDot(entry(a, base + kept[i]!), row, other, i);
      setEntry(row, i, rest.div(entry(other, i)));
    }
    const pivot = subtractDot(entry(a, base + j), row, row, r);
    const least =
      rounding !== undefined && pivot.hi < SUSPICIOUS_PIVOT
        ? (rounding[j]! + errorOf(rows, row, (i) => rounding[kept[i]!]!)) ** 2
        : 0;
    if (!(pivot.hi > Math.max(tolerance, least))) {
      aliased.push(j);
      continue;
    }
    setEntry(row, r, pivot.sqrt());
    rows.push(row);
    kept.push(j);
  }
  return { kept, aliased, rows };
}

/** Σ |zᵢ| ρᵢ of a column's regression on the columns kept, Lᵀz = l; roughly, which is enough to judge by. */
function errorOf(
  rows: readonly ExtendedVector[],
  l: ExtendedVector,
  roundingOf: (i: number) => number,
): number {
  const z = l.hi.slice(0, rows.length);
  for (let i = rows.length - 1; i >= 0; i--) {
    const { hi } = rows[i]!;
    z[i]! /= hi[i]!;
    for (let t = 0; t < i; t++) z[t]! -= hi[t]! * z[i]!;
  }
  return z.reduce((sum, v, i) => sum + Math.abs(v) * roundingOf(i), 0);
}

/** Solves L z = b in place, of which the first `from` entries are 0. */
export function extendedForward(rows: ExtendedVector[], b: ExtendedVector, from = 0): void {
  for (let i = from; i < rows.length; i++) {
    const row = rows[i]!;
    setEntry(b, i, subtractDot(entry(b, i), row, b, i).div(entry(row, i)));
  }
}

/** Solves Lᵀ x = z in place. */
export function extendedBack(rows: ExtendedVector[], z: ExtendedVector): void {
  for (let i = rows.length - 1; i >= 0; i--) {
    const row = rows[i]!;
    const x = entry(z, i).div(entry(row, i));
    setEntry(z, i, x);
    for (let t = 0; t < i; t++) setEntry(z, t, entry(z, t).sub(entry(row, t).mul(x)));
  }
}

/** A⁻¹ as a packed lower triangle, rounded to doubles: column j solves A x = e_j. */
export function extendedInverse(rows: ExtendedVector[]): Float64Array {
  const r = rows.length;
  const inverse = new Float64Array(packedLength(r));
  for (let j = 0; j < r; j++) {
    const x = extendedVector(r);
    x.hi[j] = 1;
    extendedForward(rows, x);
    extendedBack(rows, x);
    for (let i = j; i < r; i++) inverse[packedIndex(i, j)] = x.hi[i]!;
  }
  return inverse;
}
