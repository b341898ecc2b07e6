// Functions that are computed in double, two elements at a time, and rounded to single precision once: what an
// elementwise op means, whoever computes it. The plain twin is src/machine/kernels/exponential.ts; it takes the same
// steps, so the bits are the same.

/** 1.5·2⁵²: what is added to it is rounded to an integer, which then stands in the low bits. */
const ROUNDER: f64 = 6755399441055744;
const LOG2E: f64 = 1.4426950408889634;
const LN2: f64 = 0.6931471805599453;
/** Beyond, eˣ and x·eˣ are 0 or ∞ in single precision, and still numbers in double. */
const MOST: f64 = 130;

/** eˣ to 10⁻¹¹ of itself: e^(k·ln 2 + r), |r| ≤ ln 2 / 2, by the Taylor series of degree 9. NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function exponential(x: v128): v128 {
  x = f64x2.max(f64x2.min(x, f64x2.splat(MOST)), f64x2.splat(-MOST));
  const rounder = f64x2.splat(ROUNDER);
  const shifted = f64x2.add(f64x2.mul(x, f64x2.splat(LOG2E)), rounder);
  const r = f64x2.sub(x, f64x2.mul(f64x2.sub(shifted, rounder), f64x2.splat(LN2)));
  let sum = f64x2.splat(1.0 / 362880);
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 40320));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 5040));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 720));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 120));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 24));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1.0 / 6));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(0.5));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1));
  sum = f64x2.add(f64x2.mul(sum, r), f64x2.splat(1));
  // Times 2ᵏ, by adding k to the exponent.
  return i64x2.add(sum, i64x2.shl(shifted, 52));
}

/** σ(x) = 1 / (1 + e⁻ˣ). */
// @ts-ignore: decorator
@inline
export function logistic(x: v128): v128 {
  const one = f64x2.splat(1);
  return f64x2.div(one, f64x2.add(one, exponential(f64x2.neg(x))));
}

/** tanh x = 1 − 2 / (1 + e²ˣ); near 0, where that cancels, x − x³/3 + 2x⁵/15 − 17x⁷/315. */
// @ts-ignore: decorator
@inline
export function tangent(x: v128): v128 {
  const one = f64x2.splat(1);
  const far = f64x2.sub(one, f64x2.div(f64x2.splat(2), f64x2.add(one, exponential(f64x2.add(x, x)))));
  const square = f64x2.mul(x, x);
  let near = f64x2.splat(-17.0 / 315);
  near = f64x2.add(f64x2.mul(near, square), f64x2.splat(2.0 / 15));
  near = f64x2.add(f64x2.mul(near, square), f64x2.splat(-1.0 / 3));
  near = f64x2.add(x, f64x2.mul(x, f64x2.mul(near, square)));
  return v128.bitselect(near, far, f64x2.lt(f64x2.abs(x), f64x2.splat(0.0625)));
}
