import { exponential } from "./doubles";

// Sums over rows of floats, in double: elements in turn to the lanes of some vectors, which are added in a fixed order,
// then what is left over, one by one. The plain twins in src/machine/kernels/rows.ts add in the same order.

// @ts-ignore: decorator
@inline
function low(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

// @ts-ignore: decorator
@inline
function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
}

// @ts-ignore: decorator
@inline
function lanesSum(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

/** Two doubles each of `a` and `b` as four floats. */
// @ts-ignore: decorator
@inline
function rounded(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 1, 4, 5);
}

/** Σ (x − shift) or its squares, over n floats. */
// @ts-ignore: decorator
@inline
function sumOf(x: usize, n: usize, shift: f64, squares: bool): f64 {
  const shifts = f64x2.splat(shift);
  let s0 = f64x2.splat(0), s1 = f64x2.splat(0), s2 = f64x2.splat(0), s3 = f64x2.splat(0);
  let i: usize = 0;
  for (; i + 8 <= n; i += 8) {
    const a = v128.load(x + i * 4);
    const b = v128.load(x + i * 4, 16);
    let a0 = low(a), a1 = high(a), b0 = low(b), b1 = high(b);
    if (squares) {
      a0 = f64x2.sub(a0, shifts);
      a1 = f64x2.sub(a1, shifts);
      b0 = f64x2.sub(b0, shifts);
      b1 = f64x2.sub(b1, shifts);
      a0 = f64x2.mul(a0, a0);
      a1 = f64x2.mul(a1, a1);
      b0 = f64x2.mul(b0, b0);
      b1 = f64x2.mul(b1, b1);
    }
    s0 = f64x2.add(s0, a0);
    s1 = f64x2.add(s1, a1);
    s2 = f64x2.add(s2, b0);
    s3 = f64x2.add(s3, b1);
  }
  let sum = lanesSum(f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3)));
  for (; i < n; i++) {
    const value = <f64>load<f32>(x + i * 4);
    sum += squares ? (value - shift) * (value - shift) : value;
  }
  return sum;
}

/** y = Σ x / divisor for each of `rows` rows of n floats. */
export function sumRows(x: usize, y: usize, rows: usize, n: usize, divisor: f64): void {
  for (let row: usize = 0; row < rows; row++, x += n * 4)
    store<f32>(y + row * 4, <f32>(sumOf(x, n, 0, false) / divisor));
}

/** y = (x − μ)·f, μ the mean and f = 1 / √(variance + ε) of each row, which also go to `means` and `factors`, unless 0. */
export function normalizeRows(
  x: usize, y: usize,
  rows: usize, n: usize,
  epsilon: f64,
  means: usize, factors: usize,
): void {
  for (let row: usize = 0; row < rows; row++, x += n * 4, y += n * 4) {
    const mean = sumOf(x, n, 0, false) / <f64>n;
    const factor = 1 / Math.sqrt(sumOf(x, n, mean, true) / <f64>n + epsilon);
    const shifts = f64x2.splat(mean);
    const scales = f64x2.splat(factor);
    let i: usize = 0;
    for (; i + 4 <= n; i += 4) {
      const a = v128.load(x + i * 4);
      v128.store(
        y + i * 4,
        rounded(f64x2.mul(f64x2.sub(low(a), shifts), scales), f64x2.mul(f64x2.sub(high(a), shifts), scales)),
      );
    }
    for (; i < n; i++) store<f32>(y + i * 4, <f32>((<f64>load<f32>(x + i * 4) - mean) * factor));
    if (means != 0) {
      store<f32>(means + row * 4, <f32>mean);
      store<f32>(factors + row * 4, <f32>factor);
    }
  }
}

/** y = e^(x − max) / Σ e^(x − max) for each row; `terms` is room for n doubles. */
export function softmaxRows(x: usize, y: usize, rows: usize, n: usize, terms: usize): void {
  for (let row: usize = 0; row < rows; row++, x += n * 4, y += n * 4) {
    let greatest = f32x4.splat(-f32.POSITIVE_INFINITY);
    let i: usize = 0;
    for (; i + 4 <= n; i += 4) greatest = f32x4.max(greatest, v128.load(x + i * 4));
    for (; i < n; i++) greatest = f32x4.max(greatest, v128.load32_splat(x + i * 4));
    greatest = f32x4.max(greatest, v128.shuffle<f32>(greatest, greatest, 2, 3, 0, 1));
    greatest = f32x4.max(greatest, v128.shuffle<f32>(greatest, greatest, 1, 0, 3, 2));
    const most = f64x2.promote_low_f32x4(greatest);
    let s0 = f64x2.splat(0), s1 = f64x2.splat(0);
    for (i = 0; i + 4 <= n; i += 4) {
      const a = v128.load(x + i * 4);
      const e0 = exponential(f64x2.sub(low(a), most));
      const e1 = exponential(f64x2.sub(high(a), most));
      v128.store(terms + i * 8, e0);
      v128.store(terms + i * 8, e1, 16);
      s0 = f64x2.add(s0, e0);
      s1 = f64x2.add(s1, e1);
    }
    let sum = lanesSum(f64x2.add(s0, s1));
    for (; i < n; i++) {
      const e = exponential(f64x2.sub(low(v128.load32_splat(x + i * 4)), most));
      v128.store_lane<f64>(terms + i * 8, e, 0);
      sum += f64x2.extract_lane(e, 0);
    }
    const sums = f64x2.splat(sum);
    for (i = 0; i + 4 <= n; i += 4) {
      const at = terms + i * 8;
      v128.store(y + i * 4, rounded(f64x2.div(v128.load(at), sums), f64x2.div(v128.load(at, 16), sums)));
    }
    for (; i < n; i++) store<f32>(y + i * 4, <f32>(load<f64>(terms + i * 8) / sum));
  }
}
