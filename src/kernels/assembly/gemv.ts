// Predictions: out = intercept + X θ. Each sums the intercept first, then θⱼxⱼ for j = 0, 1, …, one product and
// one addition at a time, so that all of them, and a loop in JavaScript, give the same bits.
import { COLUMN } from "./gram";

/** X (n × p) row-major: four rows at a time, whose sums do not wait for each other. */
export function gemvRows(x: usize, n: i32, p: i32, theta: usize, intercept: f64, out: usize): void {
  const width = <usize>p << 3;
  const end = theta + width;
  const start = f64x2.splat(intercept);
  let r = 0;
  for (; r + 4 <= n; r += 4) {
    let a = start;
    let b = start;
    let q0 = x;
    let q1 = x + width;
    let q2 = q1 + width;
    let q3 = q2 + width;
    for (let t = theta; t < end; t += 8) {
      const w = v128.load64_splat(t);
      a = f64x2.add(a, f64x2.mul(v128.load64_lane(q1, v128.load64_zero(q0), 1), w));
      b = f64x2.add(b, f64x2.mul(v128.load64_lane(q3, v128.load64_zero(q2), 1), w));
      q0 += 8;
      q1 += 8;
      q2 += 8;
      q3 += 8;
    }
    v128.store(out, a);
    v128.store(out, b, 16);
    x = q3;
    out += 32;
  }
  for (; r < n; r++) {
    let sum = intercept;
    for (let t = theta; t < end; t += 8, x += 8) sum += load<f64>(x) * load<f64>(t);
    store<f64>(out, sum);
    out += 8;
  }
}

/** A column-major block of up to 128 rows; `out` has room for the rows rounded up to eight. */
export function gemvColumns(block: usize, rows: i32, p: i32, theta: usize, intercept: f64, out: usize): void {
  const end = theta + (<usize>p << 3);
  const start = f64x2.splat(intercept);
  for (let i: usize = 0, bytes = <usize>rows << 3; i < bytes; i += 64) {
    let a = start;
    let b = start;
    let c = start;
    let d = start;
    let x = block + i;
    for (let t = theta; t < end; t += 8, x += COLUMN) {
      const w = v128.load64_splat(t);
      a = f64x2.add(a, f64x2.mul(v128.load(x), w));
      b = f64x2.add(b, f64x2.mul(v128.load(x, 16), w));
      c = f64x2.add(c, f64x2.mul(v128.load(x, 32), w));
      d = f64x2.add(d, f64x2.mul(v128.load(x, 48), w));
    }
    v128.store(out + i, a);
    v128.store(out + i, b, 16);
    v128.store(out + i, c, 32);
    v128.store(out + i, d, 48);
  }
}
