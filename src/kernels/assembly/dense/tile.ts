// Square tiles of doubles: `size` rows of `size` numbers, one row after the other, size a multiple of four up to 64,
// so that a tile is 32 KB at most. A dependent column of a factor has +Infinity on its diagonal, which makes
// everything below it 0, and so leaves it out of every sum.

/** Rows of the left tile that stay in the first-level cache while all rows of the right one pass: 16 KB. */
const HALF: i32 = 32;

/** The sums of both lanes of a and of b, as one vector. */
// @ts-ignore: decorator
@inline
function fold(a: v128, b: v128): v128 {
  return f64x2.add(v128.shuffle<f64>(a, b, 0, 2), v128.shuffle<f64>(a, b, 1, 3));
}

/** Four rows of a times two rows of b, taken from c: eight sums of two lanes, two columns at a time. */
// @ts-ignore: decorator
@inline
function subtractPart(c: usize, a: usize, b: usize, row: usize): void {
  const zero = f64x2.splat(0);
  let s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 = zero;
  const a1 = row;
  const a2 = row << 1;
  const a3 = a1 + a2;
  for (const end = a + row; a < end; a += 32, b += 32) {
    let b0 = v128.load(b);
    let b1 = v128.load(b + a1);
    let x = v128.load(a);
    s00 = f64x2.add(s00, f64x2.mul(x, b0));
    s01 = f64x2.add(s01, f64x2.mul(x, b1));
    x = v128.load(a + a1);
    s10 = f64x2.add(s10, f64x2.mul(x, b0));
    s11 = f64x2.add(s11, f64x2.mul(x, b1));
    x = v128.load(a + a2);
    s20 = f64x2.add(s20, f64x2.mul(x, b0));
    s21 = f64x2.add(s21, f64x2.mul(x, b1));
    x = v128.load(a + a3);
    s30 = f64x2.add(s30, f64x2.mul(x, b0));
    s31 = f64x2.add(s31, f64x2.mul(x, b1));
    b0 = v128.load(b, 16);
    b1 = v128.load(b + a1, 16);
    x = v128.load(a, 16);
    s00 = f64x2.add(s00, f64x2.mul(x, b0));
    s01 = f64x2.add(s01, f64x2.mul(x, b1));
    x = v128.load(a + a1, 16);
    s10 = f64x2.add(s10, f64x2.mul(x, b0));
    s11 = f64x2.add(s11, f64x2.mul(x, b1));
    x = v128.load(a + a2, 16);
    s20 = f64x2.add(s20, f64x2.mul(x, b0));
    s21 = f64x2.add(s21, f64x2.mul(x, b1));
    x = v128.load(a + a3, 16);
    s30 = f64x2.add(s30, f64x2.mul(x, b0));
    s31 = f64x2.add(s31, f64x2.mul(x, b1));
  }
  v128.store(c, f64x2.sub(v128.load(c), fold(s00, s01)));
  v128.store(c + a1, f64x2.sub(v128.load(c + a1), fold(s10, s11)));
  v128.store(c + a2, f64x2.sub(v128.load(c + a2), fold(s20, s21)));
  v128.store(c + a3, f64x2.sub(v128.load(c + a3), fold(s30, s31)));
}

/** C −= A Bᵀ. */
export function subtractProduct(c: usize, a: usize, b: usize, size: i32): void {
  const row = <usize>size << 3;
  for (let from = 0; from < size; from += HALF) {
    const to = min(size, from + HALF);
    for (let j = 0; j < size; j += 2) {
      const right = b + <usize>j * row;
      const out = c + (<usize>j << 3);
      for (let i = from; i < to; i += 4) subtractPart(out + <usize>i * row, a + <usize>i * row, right, row);
    }
  }
}

/** Σ_{t < n} a[t] b[t]. */
// @ts-ignore: decorator
@inline
export function dot(a: usize, b: usize, n: i32): f64 {
  let s = f64x2.splat(0);
  let u = s;
  let t = 0;
  for (; t + 4 <= n; t += 4, a += 32, b += 32) {
    s = f64x2.add(s, f64x2.mul(v128.load(a), v128.load(b)));
    u = f64x2.add(u, f64x2.mul(v128.load(a, 16), v128.load(b, 16)));
  }
  s = f64x2.add(s, u);
  let sum = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
  for (; t < n; t++, a += 8, b += 8) sum += load<f64>(a) * load<f64>(b);
  return sum;
}

/**
 * The Cholesky factor of a diagonal tile, in place of its lower triangle, row by row. A column whose pivot is not
 * above `tolerance` is left out.
 */
export function factorDiagonal(c: usize, size: i32, tolerance: f64): void {
  const row = <usize>size << 3;
  for (let j = 0; j < size; j++) {
    const own = c + <usize>j * row;
    for (let i = 0; i < j; i++) {
      const other = c + <usize>i * row;
      const at = own + (<usize>i << 3);
      store<f64>(at, (load<f64>(at) - dot(own, other, i)) / load<f64>(other + (<usize>i << 3)));
    }
    const at = own + (<usize>j << 3);
    const pivot = load<f64>(at) - dot(own, own, j);
    store<f64>(at, pivot > tolerance ? sqrt(pivot) : Infinity);
  }
}

/** X ← X L⁻ᵀ, L being the factor in a diagonal tile: four rows at a time, column by column. */
export function solveRight(x: usize, l: usize, size: i32): void {
  const row = <usize>size << 3;
  for (let i = 0; i < size; i += 4) {
    const x0 = x + <usize>i * row;
    const x1 = x0 + row;
    const x2 = x1 + row;
    const x3 = x2 + row;
    for (let j = 0; j < size; j++) {
      const right = l + <usize>j * row;
      const even = <usize>(j & ~1) << 3;
      let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0;
      for (let t: usize = 0; t < even; t += 16) {
        const b = v128.load(right + t);
        s0 = f64x2.add(s0, f64x2.mul(v128.load(x0 + t), b));
        s1 = f64x2.add(s1, f64x2.mul(v128.load(x1 + t), b));
        s2 = f64x2.add(s2, f64x2.mul(v128.load(x2 + t), b));
        s3 = f64x2.add(s3, f64x2.mul(v128.load(x3 + t), b));
      }
      let low = fold(s0, s1);
      let high = fold(s2, s3);
      if (j & 1) {
        const b = f64x2.splat(load<f64>(right + even));
        low = f64x2.add(low, f64x2.mul(f64x2(load<f64>(x0 + even), load<f64>(x1 + even)), b));
        high = f64x2.add(high, f64x2.mul(f64x2(load<f64>(x2 + even), load<f64>(x3 + even)), b));
      }
      const at = <usize>j << 3;
      const pivot = load<f64>(right + at);
      store<f64>(x0 + at, (load<f64>(x0 + at) - f64x2.extract_lane(low, 0)) / pivot);
      store<f64>(x1 + at, (load<f64>(x1 + at) - f64x2.extract_lane(low, 1)) / pivot);
      store<f64>(x2 + at, (load<f64>(x2 + at) - f64x2.extract_lane(high, 0)) / pivot);
      store<f64>(x3 + at, (load<f64>(x3 + at) - f64x2.extract_lane(high, 1)) / pivot);
    }
  }
}

/** b −= A x. */
export function subtractColumn(b: usize, a: usize, x: usize, size: i32): void {
  const row = <usize>size << 3;
  for (let i = 0; i < size; i++, a += row, b += 8) store<f64>(b, load<f64>(b) - dot(a, x, size));
}

/** b −= Aᵀ x. */
export function subtractTransposed(b: usize, a: usize, x: usize, size: i32): void {
  const row = <usize>size << 3;
  for (let i = 0; i < size; i++, a += row, x += 8) {
    const factor = f64x2.splat(load<f64>(x));
    for (let t: usize = 0; t < row; t += 16)
      v128.store(b + t, f64x2.sub(v128.load(b + t), f64x2.mul(factor, v128.load(a + t))));
  }
}

/** b ← L⁻¹ b. */
export function forwardTile(l: usize, b: usize, size: i32): void {
  const row = <usize>size << 3;
  for (let i = 0; i < size; i++, l += row) {
    const at = <usize>i << 3;
    store<f64>(b + at, (load<f64>(b + at) - dot(l, b, i)) / load<f64>(l + at));
  }
}

/** b ← L⁻ᵀ b. */
export function backTile(l: usize, b: usize, size: i32): void {
  const row = <usize>size << 3;
  for (let i = size - 1; i >= 0; i--) {
    const own = l + <usize>i * row;
    const at = <usize>i << 3;
    const x = load<f64>(b + at) / load<f64>(own + at);
    store<f64>(b + at, x);
    for (let t: usize = 0; t < at; t += 8) store<f64>(b + t, load<f64>(b + t) - load<f64>(own + t) * x);
  }
}
