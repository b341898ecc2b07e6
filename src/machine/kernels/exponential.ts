/**
 * The twin of the functions in src/kernels/assembly/tensor/doubles.ts: the same steps, so the same bits. Their results
 * are rounded to single precision; in double they are off by some 10⁻¹¹ of themselves, which seldom decides a rounding.
 */

/** 1.5·2⁵²: what is added to it is rounded to an integer. */
const ROUNDER = 6755399441055744;
const LOG2E = Math.LOG2E;
const LN2 = Math.LN2;
/** Beyond, eˣ and x·eˣ are 0 or ∞ in single precision, and still numbers in double. */
const MOST = 130;
/** The powers of two that are needed: up to e^130 and down to its inverse. */
const LEAST_POWER = -190;
const powers = Float64Array.from({ length: 381 }, (_, i) => 2 ** (LEAST_POWER + i));

/** 1/9!, 1/8!, …, 1. */
const TERMS = [1 / 362880, 1 / 40320, 1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1, 1];

/** eˣ: e^(k·ln 2 + r), |r| ≤ ln 2 / 2, by the Taylor series of degree 9. */
export function exponential(x: number): number {
  const own = Math.max(Math.min(x, MOST), -MOST);
  if (Number.isNaN(own)) return own;
  const k = own * LOG2E + ROUNDER - ROUNDER;
  const r = own - k * LN2;
  let sum = TERMS[0]!;
  for (let i = 1; i < TERMS.length; i++) sum = sum * r + TERMS[i]!;
  return sum * powers[k - LEAST_POWER]!;
}

/** σ(x) = 1 / (1 + e⁻ˣ). */
export function logistic(x: number): number {
  return 1 / (1 + exponential(-x));
}

/** tanh x = 1 − 2 / (1 + e²ˣ); near 0, where that cancels, x − x³/3 + 2x⁵/15 − 17x⁷/315. */
export function tangent(x: number): number {
  if (!(Math.abs(x) < 0.0625)) return 1 - 2 / (1 + exponential(x + x));
  const square = x * x;
  return x + x * ((((-17 / 315) * square + 2 / 15) * square + -1 / 3) * square);
}
