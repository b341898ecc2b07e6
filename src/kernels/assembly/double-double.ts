// Double-double arithmetic two numbers at a time (twofold.ts has that of one). WebAssembly has no fused multiply-add, so
// products split their factors (Dekker 1971).
import { fastTwoSum, rest, SPLITTER, twoSum } from "./twofold";

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
