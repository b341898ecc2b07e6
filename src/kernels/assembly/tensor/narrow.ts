// Products of which one side is a vector, or a few: there is nothing to share that packing a matrix would pay for.
// Every element is one sum over k in ascending order that begins with 0, each product and each sum rounded, as in
// `gemm.ts`.

/** Columns of a narrow product: a vector's lanes. */
export const NARROW: usize = 4;

/** A vector of k floats, `step` bytes apart, side by side at `to`. */
export function packVector(b: usize, step: usize, k: usize, to: usize): void {
  for (let l: usize = 0; l < k; l++, b += step, to += 4) store<f32>(to, load<f32>(b));
}

/** Up to four columns of B, k × n, side by side at `to`, four floats a row; what is missing is 0. */
export function packNarrow(b: usize, row: usize, column: usize, n: usize, k: usize, to: usize): void {
  for (let l: usize = 0; l < k; l++, b += row, to += 16)
    for (let j: usize = 0; j < NARROW; j++) store<f32>(to + j * 4, j < n ? load<f32>(b + j * column) : 0);
}

/**
 * C = A·B, or C += A·B where it is not the `first`, A m × k with its rows' terms side by side, B k × n in rows of four
 * floats or more, `panelRow` bytes apart, n ≤ 4.
 */
export function multiplyNarrow(
  a: usize, aRow: usize,
  panel: usize, panelRow: usize,
  c: usize, cRow: usize, cColumn: usize,
  m: usize, n: usize, k: usize,
  first: bool,
): void {
  const end = panel + k * panelRow;
  let i: usize = 0;
  for (; i + 8 <= m; i += 8, a += 8 * aRow, c += 8 * cRow) {
    const a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow, a4 = a3 + aRow, a5 = a4 + aRow, a6 = a5 + aRow, a7 = a6 + aRow;
    const c1 = c + cRow, c2 = c1 + cRow, c3 = c2 + cRow, c4 = c3 + cRow, c5 = c4 + cRow, c6 = c5 + cRow, c7 = c6 + cRow;
    let s0 = begun(c, cColumn, n, first), s1 = begun(c1, cColumn, n, first);
    let s2 = begun(c2, cColumn, n, first), s3 = begun(c3, cColumn, n, first);
    let s4 = begun(c4, cColumn, n, first), s5 = begun(c5, cColumn, n, first);
    let s6 = begun(c6, cColumn, n, first), s7 = begun(c7, cColumn, n, first);
    let at = panel, l: usize = 0;
    // Four terms at a time share the sums of addresses.
    for (; at + 3 * panelRow < end; at += 4 * panelRow, l += 16) {
      const b0 = v128.load(at), b1 = v128.load(at + panelRow);
      const b2 = v128.load(at + 2 * panelRow), b3 = v128.load(at + 3 * panelRow);
      s0 = f32x4.add(s0, f32x4.mul(v128.load32_splat(a + l), b0));
      s0 = f32x4.add(s0, f32x4.mul(v128.load32_splat(a + l, 4), b1));
      s0 = f32x4.add(s0, f32x4.mul(v128.load32_splat(a + l, 8), b2));
      s0 = f32x4.add(s0, f32x4.mul(v128.load32_splat(a + l, 12), b3));
      s1 = f32x4.add(s1, f32x4.mul(v128.load32_splat(a1 + l), b0));
      s1 = f32x4.add(s1, f32x4.mul(v128.load32_splat(a1 + l, 4), b1));
      s1 = f32x4.add(s1, f32x4.mul(v128.load32_splat(a1 + l, 8), b2));
      s1 = f32x4.add(s1, f32x4.mul(v128.load32_splat(a1 + l, 12), b3));
      s2 = f32x4.add(s2, f32x4.mul(v128.load32_splat(a2 + l), b0));
      s2 = f32x4.add(s2, f32x4.mul(v128.load32_splat(a2 + l, 4), b1));
      s2 = f32x4.add(s2, f32x4.mul(v128.load32_splat(a2 + l, 8), b2));
      s2 = f32x4.add(s2, f32x4.mul(v128.load32_splat(a2 + l, 12), b3));
      s3 = f32x4.add(s3, f32x4.mul(v128.load32_splat(a3 + l), b0));
      s3 = f32x4.add(s3, f32x4.mul(v128.load32_splat(a3 + l, 4), b1));
      s3 = f32x4.add(s3, f32x4.mul(v128.load32_splat(a3 + l, 8), b2));
      s3 = f32x4.add(s3, f32x4.mul(v128.load32_splat(a3 + l, 12), b3));
      s4 = f32x4.add(s4, f32x4.mul(v128.load32_splat(a4 + l), b0));
      s4 = f32x4.add(s4, f32x4.mul(v128.load32_splat(a4 + l, 4), b1));
      s4 = f32x4.add(s4, f32x4.mul(v128.load32_splat(a4 + l, 8), b2));
      s4 = f32x4.add(s4, f32x4.mul(v128.load32_splat(a4 + l, 12), b3));
      s5 = f32x4.add(s5, f32x4.mul(v128.load32_splat(a5 + l), b0));
      s5 = f32x4.add(s5, f32x4.mul(v128.load32_splat(a5 + l, 4), b1));
      s5 = f32x4.add(s5, f32x4.mul(v128.load32_splat(a5 + l, 8), b2));
      s5 = f32x4.add(s5, f32x4.mul(v128.load32_splat(a5 + l, 12), b3));
      s6 = f32x4.add(s6, f32x4.mul(v128.load32_splat(a6 + l), b0));
      s6 = f32x4.add(s6, f32x4.mul(v128.load32_splat(a6 + l, 4), b1));
      s6 = f32x4.add(s6, f32x4.mul(v128.load32_splat(a6 + l, 8), b2));
      s6 = f32x4.add(s6, f32x4.mul(v128.load32_splat(a6 + l, 12), b3));
      s7 = f32x4.add(s7, f32x4.mul(v128.load32_splat(a7 + l), b0));
      s7 = f32x4.add(s7, f32x4.mul(v128.load32_splat(a7 + l, 4), b1));
      s7 = f32x4.add(s7, f32x4.mul(v128.load32_splat(a7 + l, 8), b2));
      s7 = f32x4.add(s7, f32x4.mul(v128.load32_splat(a7 + l, 12), b3));
    }
    for (; at < end; at += panelRow, l += 4) {
      const b = v128.load(at);
      s0 = f32x4.add(s0, f32x4.mul(v128.load32_splat(a + l), b));
      s1 = f32x4.add(s1, f32x4.mul(v128.load32_splat(a1 + l), b));
      s2 = f32x4.add(s2, f32x4.mul(v128.load32_splat(a2 + l), b));
      s3 = f32x4.add(s3, f32x4.mul(v128.load32_splat(a3 + l), b));
      s4 = f32x4.add(s4, f32x4.mul(v128.load32_splat(a4 + l), b));
      s5 = f32x4.add(s5, f32x4.mul(v128.load32_splat(a5 + l), b));
      s6 = f32x4.add(s6, f32x4.mul(v128.load32_splat(a6 + l), b));
      s7 = f32x4.add(s7, f32x4.mul(v128.load32_splat(a7 + l), b));
    }
    ended(c, cColumn, n, s0);
    ended(c1, cColumn, n, s1);
    ended(c2, cColumn, n, s2);
    ended(c3, cColumn, n, s3);
    ended(c4, cColumn, n, s4);
    ended(c5, cColumn, n, s5);
    ended(c6, cColumn, n, s6);
    ended(c7, cColumn, n, s7);
  }
  for (; i < m; i++, a += aRow, c += cRow) {
    let sum = begun(c, cColumn, n, first);
    for (let at = panel, l: usize = 0; at < end; at += panelRow, l += 4)
      sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(a + l), v128.load(at)));
    ended(c, cColumn, n, sum);
  }
}

/** C = A·b, b a vector of floats side by side: four rows of A at a time are turned, so that each lane has a row. */
export function multiplyVector(a: usize, aRow: usize, b: usize, c: usize, cRow: usize, m: usize, k: usize): void {
  const whole = k & ~3;
  let i: usize = 0;
  for (; i + 16 <= m; i += 16, a += 16 * aRow, c += 16 * cRow) {
    const a1 = a + 4 * aRow, a2 = a1 + 4 * aRow, a3 = a2 + 4 * aRow;
    const zero = f32x4.splat(0);
    let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    let l: usize = 0;
    for (; l < whole; l += 4) {
      const at = l * 4;
      const x0 = v128.load32_splat(b + at), x1 = v128.load32_splat(b + at, 4);
      const x2 = v128.load32_splat(b + at, 8), x3 = v128.load32_splat(b + at, 12);
      s0 = addTurned(s0, a + at, aRow, x0, x1, x2, x3);
      s1 = addTurned(s1, a1 + at, aRow, x0, x1, x2, x3);
      s2 = addTurned(s2, a2 + at, aRow, x0, x1, x2, x3);
      s3 = addTurned(s3, a3 + at, aRow, x0, x1, x2, x3);
    }
    for (; l < k; l++) {
      const x = v128.load32_splat(b + l * 4);
      s0 = f32x4.add(s0, f32x4.mul(down(a + l * 4, aRow), x));
      s1 = f32x4.add(s1, f32x4.mul(down(a1 + l * 4, aRow), x));
      s2 = f32x4.add(s2, f32x4.mul(down(a2 + l * 4, aRow), x));
      s3 = f32x4.add(s3, f32x4.mul(down(a3 + l * 4, aRow), x));
    }
    ended(c, cRow, 4, s0);
    ended(c + 4 * cRow, cRow, 4, s1);
    ended(c + 8 * cRow, cRow, 4, s2);
    ended(c + 12 * cRow, cRow, 4, s3);
  }
  for (; i < m; i++, a += aRow, c += cRow) {
    let sum: f32 = 0;
    for (let l: usize = 0; l < k; l++) sum += load<f32>(a + l * 4) * load<f32>(b + l * 4);
    store<f32>(c, sum);
  }
}

/** Four terms of four rows onto their sums, in order. */
// @ts-ignore: decorator
@inline
function addTurned(sum: v128, a: usize, row: usize, x0: v128, x1: v128, x2: v128, x3: v128): v128 {
  const r0 = v128.load(a), r1 = v128.load(a + row), r2 = v128.load(a + 2 * row), r3 = v128.load(a + 3 * row);
  const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  sum = f32x4.add(sum, f32x4.mul(v128.shuffle<f64>(t0, t1, 0, 2), x0));
  sum = f32x4.add(sum, f32x4.mul(v128.shuffle<f64>(t0, t1, 1, 3), x1));
  sum = f32x4.add(sum, f32x4.mul(v128.shuffle<f64>(t2, t3, 0, 2), x2));
  return f32x4.add(sum, f32x4.mul(v128.shuffle<f64>(t2, t3, 1, 3), x3));
}

/** Four floats from `at` on, `step` bytes apart. */
// @ts-ignore: decorator
@inline
function down(at: usize, step: usize): v128 {
  let four = v128.load32_zero(at);
  four = v128.load_lane<f32>(at + step, four, 1);
  four = v128.load_lane<f32>(at + 2 * step, four, 2);
  return v128.load_lane<f32>(at + 3 * step, four, 3);
}

/** The sums of a row so far. */
// @ts-ignore: decorator
@inline
function begun(c: usize, column: usize, n: usize, first: bool): v128 {
  let sum = f32x4.splat(0);
  if (first) return sum;
  sum = v128.load32_zero(c);
  if (n > 1) sum = v128.load_lane<f32>(c + column, sum, 1);
  if (n > 2) sum = v128.load_lane<f32>(c + 2 * column, sum, 2);
  if (n > 3) sum = v128.load_lane<f32>(c + 3 * column, sum, 3);
  return sum;
}

// @ts-ignore: decorator
@inline
function ended(c: usize, column: usize, n: usize, sum: v128): void {
  v128.store_lane<f32>(c, sum, 0);
  if (n > 1) v128.store_lane<f32>(c + column, sum, 1);
  if (n > 2) v128.store_lane<f32>(c + 2 * column, sum, 2);
  if (n > 3) v128.store_lane<f32>(c + 3 * column, sum, 3);
}

/**
 * C = A·B, A m × k of few rows, B k × n with its rows' columns side by side: four rows of B at a time go onto a row of C,
 * which stays in the cache.
 */
export function multiplyShort(
  a: usize, aRow: usize, aColumn: usize,
  b: usize, bRow: usize,
  c: usize, cRow: usize,
  m: usize, n: usize, k: usize,
): void {
  for (let i: usize = 0; i < m; i++, a += aRow, c += cRow) {
    memory.fill(c, 0, n * 4);
    let l: usize = 0;
    for (; l + 4 <= k; l += 4) {
      const at = a + l * aColumn;
      addRows(4, load<f32>(at), load<f32>(at + aColumn), load<f32>(at + 2 * aColumn), load<f32>(at + 3 * aColumn), b + l * bRow, bRow, c, n);
    }
    for (; l < k; l++) addRows(1, load<f32>(a + l * aColumn), 0, 0, 0, b + l * bRow, bRow, c, n);
  }
}

// @ts-ignore: decorator
@inline
function addRows(rows: i32, x0: f32, x1: f32, x2: f32, x3: f32, b: usize, bRow: usize, c: usize, n: usize): void {
  const v0 = f32x4.splat(x0), v1 = f32x4.splat(x1), v2 = f32x4.splat(x2), v3 = f32x4.splat(x3);
  const b1 = b + bRow, b2 = b1 + bRow, b3 = b2 + bRow;
  let j: usize = 0;
  const whole = n & ~3;
  for (; j < whole; j += 4) {
    const at = j * 4;
    let sum = f32x4.add(v128.load(c + at), f32x4.mul(v0, v128.load(b + at)));
    if (rows == 4) {
      sum = f32x4.add(sum, f32x4.mul(v1, v128.load(b1 + at)));
      sum = f32x4.add(sum, f32x4.mul(v2, v128.load(b2 + at)));
      sum = f32x4.add(sum, f32x4.mul(v3, v128.load(b3 + at)));
    }
    v128.store(c + at, sum);
  }
  for (; j < n; j++) {
    const at = j * 4;
    let sum = load<f32>(c + at) + x0 * load<f32>(b + at);
    if (rows == 4) {
      sum += x1 * load<f32>(b1 + at);
      sum += x2 * load<f32>(b2 + at);
      sum += x3 * load<f32>(b3 + at);
    }
    store<f32>(c + at, sum);
  }
}
