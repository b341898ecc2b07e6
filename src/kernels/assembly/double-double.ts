// Double-double arithmetic: a number is the unevaluated sum of two doubles, about 106 bits. WebAssembly has no fused
// multiply-add, so products split their factors (Dekker 1971).

/** Veltkamp's constant, 2²⁷ + 1: splits a double into two of 26 bits. */
const SPLITTER: f64 = 134217729;

/** The low part of the last scalar operation below; the high one is what it returns. */
export let rest: f64 = 0;

export function twoSum(a: f64, b: f64): f64 {
  const s = a + b;
  const v = s - a;
  rest = a - (s - v) + (b - v);
  return s;
}

// @ts-ignore: decorator
@inline
export function fastTwoSum(a: f64, b: f64): f64 {
  const s = a + b;
  rest = b - (s - a);
  return s;
}

export function twoProduct(a: f64, b: f64): f64 {
  const p = a * b;
  const ca = SPLITTER * a;
  const cb = SPLITTER * b;
  const a1 = ca - (ca - a);
  const b1 = cb - (cb - b);
  const a2 = a - a1;
  const b2 = b - b1;
  rest = a1 * b1 - p + a1 * b2 + a2 * b1 + a2 * b2;
  return p;
}

export function add(a: f64, al: f64, b: f64, bl: f64): f64 {
  const t = twoSum(al, bl);
  const f = rest;
  const s = twoSum(a, b);
  const h = fastTwoSum(s, rest + t);
  return fastTwoSum(h, rest + f);
}

export function multiply(a: f64, al: f64, b: f64, bl: f64): f64 {
  const p = twoProduct(a, b);
  return fastTwoSum(p, rest + (a * bl + al * b));
}

export function divide(a: f64, al: f64, b: f64, bl: f64): f64 {
  const q1 = a / b;
  let p = multiply(q1, 0, b, bl);
  let r = add(a, al, -p, -rest);
  let rl = rest;
  const q2 = r / b;
  p = multiply(q2, 0, b, bl);
  r = add(r, rl, -p, -rest);
  const q3 = r / b;
  const q = fastTwoSum(q1, q2);
  return add(q, rest, q3, 0);
}

/** The upper 26 bits of each lane. */
// @ts-ignore: decorator
@inline
export function topOf(x: v128): v128 {
  const c = f64x2.mul(x, f64x2.splat(SPLITTER));
  return f64x2.sub(c, f64x2.sub(c, x));
}

/** The error of the sum s = a + b. */
// @ts-ignore: decorator
@inline
export function sumError(a: v128, b: v128, s: v128): v128 {
  const v = f64x2.sub(s, a);
  return f64x2.add(f64x2.sub(a, f64x2.sub(s, v)), f64x2.sub(b, v));
}

/** The error of the product p = a·b, whose factors are split in two (Dekker 1971). */
// @ts-ignore: decorator
@inline
export function productError(a1: v128, a2: v128, b1: v128, b2: v128, p: v128): v128 {
  const e = f64x2.add(f64x2.sub(f64x2.mul(a1, b1), p), f64x2.mul(a1, b2));
  return f64x2.add(f64x2.add(e, f64x2.mul(a2, b1)), f64x2.mul(a2, b2));
}

/** The two lanes' sums s with their corrections c, as one number. */
// @ts-ignore: decorator
@inline
export function joinLanes(s: v128, c: v128): f64 {
  const t = twoSum(f64x2.extract_lane(s, 0), f64x2.extract_lane(s, 1));
  return fastTwoSum(t, rest + (f64x2.extract_lane(c, 0) + f64x2.extract_lane(c, 1)));
}
