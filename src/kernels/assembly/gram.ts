// Moments of column-major blocks of at most 128 rows: means and centred cross-products.

/** Bytes from one column of a block to the next: 128 doubles. */
export const COLUMN: usize = 1024;
/** Bytes of a 4 × 4 tile of the Gram matrix. */
const TILE: usize = 128;
/** Tiles in a panel of columns: 32 columns of a block are 32 KB, which a first-level cache holds. */
const PANEL: i32 = 8;

/** What is summed over rows beside their columns; the first fields of both kinds of moments. */
@unmanaged
export class Totals {
  /** Rows of positive weight. */
  rows: f64;
  weight: f64;
  /** The low part of Σw where it is double-double. */
  weightLow: f64;
  /** Π w as mantissa·2^exponent, 1 <= mantissa < 2, for Σ ln w; 0 and 0 before the first weight. */
  productMantissa: f64;
  productExponent: f64;
  columns: i32;
}

/** Σw, means and G = Σ w (x − x̄)(x − x̄)ᵀ of `columns` columns (src/kernels/moments.ts makes them). */
@unmanaged
export class Moments extends Totals {
  /** f64[4·tiles] */
  mean: usize;
  /** Tiles of the lower triangle, f64[4 × 4] each: tile (I, J), I >= J, at 16 (I (I + 1) / 2 + J). */
  gram: usize;
  /** f64[4·tiles], scratch: what a block's means are above the means so far. */
  delta: usize;
}

/** √w of the block's rows. */
const roots: usize = memory.data(1024, 16);

/** Counts a weight: in `rows` and in Π w, where it is not zero. */
export function countWeight(t: Totals, w: f64): void {
  if (w == 0) return;
  t.rows += 1;
  let product = w;
  if (t.productMantissa != 0) {
    // Both factors to [1, 2) first, so that neither overflows nor falls below the normal range.
    if (w < 2.2250738585072014e-308) {
      product *= 18014398509481984; // 2⁵⁴
      t.productExponent -= 54;
    }
    const bits = reinterpret<u64>(product);
    t.productExponent += <f64>(<i32>(bits >> 52) - 1023);
    product = t.productMantissa * reinterpret<f64>((bits & 0xfffffffffffff) | 0x3ff0000000000000);
    if (product >= 2) {
      product *= 0.5;
      t.productExponent += 1;
    }
    t.productMantissa = product;
  } else {
    t.productMantissa = 1;
    t.rows -= 1;
    countWeight(t, w);
  }
}

/** Fills the rows after the last with `value`, as many as loops that read eight rows at a time reach. */
// @ts-ignore: decorator
@inline
function padRows(column: usize, rows: i32, value: f64): void {
  for (let r = rows; r & 7; r++) store<f64>(column + (<usize>r << 3), value);
}

/** Σ (x − origin) over a column padded to eight rows, always in the same order. */
function sum(column: usize, rows: i32, origin: f64): f64 {
  const o = f64x2.splat(origin);
  let a = f64x2.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let p = column, end = column + (<usize>rows << 3); p < end; p += 64) {
    a = f64x2.add(a, f64x2.sub(v128.load(p), o));
    b = f64x2.add(b, f64x2.sub(v128.load(p, 16), o));
    c = f64x2.add(c, f64x2.sub(v128.load(p, 32), o));
    d = f64x2.add(d, f64x2.sub(v128.load(p, 48), o));
  }
  a = f64x2.add(f64x2.add(a, b), f64x2.add(c, d));
  return f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
}

/** Σ w (x − origin) over a column, `weights` and it padded to eight rows. */
function weightedSum(column: usize, weights: usize, rows: i32, origin: f64): f64 {
  const o = f64x2.splat(origin);
  let a = f64x2.splat(0);
  let b = a;
  for (let i: usize = 0, end = <usize>rows << 3; i < end; i += 32) {
    a = f64x2.add(a, f64x2.mul(f64x2.sub(v128.load(column + i), o), v128.load(weights + i)));
    b = f64x2.add(b, f64x2.mul(f64x2.sub(v128.load(column + i, 16), o), v128.load(weights + i, 16)));
  }
  a = f64x2.add(a, b);
  return f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
}

/** x ← (x − origin) − offset, and times √w where there are weights. */
// @ts-ignore: decorator
@inline
function centre(column: usize, rows: i32, origin: f64, offset: f64, weighted: bool): void {
  const o = f64x2.splat(origin);
  const m = f64x2.splat(offset);
  for (let i: usize = 0, end = <usize>rows << 3; i < end; i += 16) {
    let x = f64x2.sub(f64x2.sub(v128.load(column + i), o), m);
    if (weighted) x = f64x2.mul(x, v128.load(roots + i));
    v128.store(column + i, x);
  }
  padRows(column, rows, 0);
}

/** The sums of both lanes of a and of b, as one vector. */
// @ts-ignore: decorator
@inline
function fold(a: v128, b: v128): v128 {
  return f64x2.add(v128.shuffle<f64>(a, b, 0, 2), v128.shuffle<f64>(a, b, 1, 3));
}

/** Two entries of a tile: G += products + δᵢδⱼ·factor. */
// @ts-ignore: decorator
@inline
function addPair(at: usize, products: v128, di: f64, dj: v128, factor: v128): void {
  const add = f64x2.add(products, f64x2.mul(f64x2.mul(f64x2.splat(di), dj), factor));
  v128.store(at, f64x2.add(v128.load(at), add));
}

/** Two columns of a tile: its four rows' sums, two rows of the block at a time in eight sums of two lanes. */
// @ts-ignore: decorator
@inline
function half(a: usize, b: usize, bytes: usize, at: usize, di: usize, dj: v128, factor: v128): void {
  const zero = f64x2.splat(0);
  let s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 = zero;
  const end = a + bytes;
  for (; a < end; a += 32, b += 32) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 1024);
    let x = v128.load(a);
    s00 = f64x2.add(s00, f64x2.mul(x, b0));
    s01 = f64x2.add(s01, f64x2.mul(x, b1));
    x = v128.load(a, 1024);
    s10 = f64x2.add(s10, f64x2.mul(x, b0));
    s11 = f64x2.add(s11, f64x2.mul(x, b1));
    x = v128.load(a, 2048);
    s20 = f64x2.add(s20, f64x2.mul(x, b0));
    s21 = f64x2.add(s21, f64x2.mul(x, b1));
    x = v128.load(a, 3072);
    s30 = f64x2.add(s30, f64x2.mul(x, b0));
    s31 = f64x2.add(s31, f64x2.mul(x, b1));
    b0 = v128.load(b, 16);
    b1 = v128.load(b, 1024 + 16);
    x = v128.load(a, 16);
    s00 = f64x2.add(s00, f64x2.mul(x, b0));
    s01 = f64x2.add(s01, f64x2.mul(x, b1));
    x = v128.load(a, 1024 + 16);
    s10 = f64x2.add(s10, f64x2.mul(x, b0));
    s11 = f64x2.add(s11, f64x2.mul(x, b1));
    x = v128.load(a, 2048 + 16);
    s20 = f64x2.add(s20, f64x2.mul(x, b0));
    s21 = f64x2.add(s21, f64x2.mul(x, b1));
    x = v128.load(a, 3072 + 16);
    s30 = f64x2.add(s30, f64x2.mul(x, b0));
    s31 = f64x2.add(s31, f64x2.mul(x, b1));
  }
  addPair(at, fold(s00, s01), load<f64>(di), dj, factor);
  addPair(at + 32, fold(s10, s11), load<f64>(di, 8), dj, factor);
  addPair(at + 64, fold(s20, s21), load<f64>(di, 16), dj, factor);
  addPair(at + 96, fold(s30, s31), load<f64>(di, 24), dj, factor);
}

function tile(a: usize, b: usize, bytes: usize, at: usize, di: usize, dj: usize, scale: f64): void {
  const factor = f64x2.splat(scale);
  half(a, b, bytes, at, di, v128.load(dj), factor);
  half(a, b + 2 * COLUMN, bytes, at + 16, di, v128.load(dj, 16), factor);
}

/** G += BᵀB + scale·δδᵀ for a centred block B, in panels that stay in the first-level cache. */
function syrk(m: Moments, block: usize, rows: i32, scale: f64): void {
  const tiles = (m.columns + 3) >> 2;
  const bytes = <usize>((rows + 3) & ~3) << 3;
  for (let first = 0; first < tiles; first += PANEL) {
    for (let i = first; i < tiles; i++) {
      const a = block + <usize>i * (4 * COLUMN);
      const di = m.delta + (<usize>i << 5);
      const last = min(i, first + PANEL - 1);
      let at = m.gram + (<usize>(i * (i + 1)) / 2 + first) * TILE;
      for (let j = first; j <= last; j++, at += TILE) {
        tile(a, block + <usize>j * (4 * COLUMN), bytes, at, di, m.delta + (<usize>j << 5), scale);
      }
    }
  }
}

/**
 * Adds the block's `rows` rows to the moments, as Chan, Golub & LeVeque 1983 merge two samples:
 * with δ = x̄_b − x̄, W = Σw so far and W_b in the block, x̄ += δ W_b / (W + W_b) and
 * G += Σ_b w (x − x̄_b)(x − x̄_b)ᵀ + δδᵀ W W_b / (W + W_b).
 *
 * A block's columns are summed from their first row's value on: what is far from zero but varies little keeps its
 * digits, and a constant column has G = 0 exactly.
 *
 * `weights` is the address of a double per row, or 0. A block has room for 128 rows of the columns, their
 * number rounded up to a multiple of four; it is overwritten (centred, scaled by √w, padded by zeros), and so are
 * the weights past `rows`. Rows of weight zero are not counted. Every entry of G is computed by the same operations
 * in the same order wherever its columns stand.
 */
export function accumulate(m: Moments, block: usize, rows: i32, weights: usize): void {
  let blockWeight: f64 = rows;
  if (weights) {
    padRows(weights, rows, 0);
    blockWeight = sum(weights, rows, 0);
    if (blockWeight == 0) return;
    for (let i: usize = 0, end = <usize>rows << 3; i < end; i += 8) {
      const w = load<f64>(weights + i);
      countWeight(m, w);
      store<f64>(roots + i, sqrt(w));
    }
  } else m.rows += blockWeight;
  const total = m.weight + blockWeight;
  const share = blockWeight / total;
  const columns = m.columns;
  const padded = (columns + 3) & ~3;
  for (let j = 0; j < columns; j++) {
    const column = block + <usize>j * COLUMN;
    const origin = load<f64>(column);
    padRows(column, rows, origin);
    const at = <usize>j << 3;
    const offset = (weights ? weightedSum(column, weights, rows, origin) : sum(column, rows, origin)) / blockWeight;
    if (weights) centre(column, rows, origin, offset, true);
    else centre(column, rows, origin, offset, false);
    const delta = origin + offset - load<f64>(m.mean + at);
    store<f64>(m.delta + at, delta);
    store<f64>(m.mean + at, load<f64>(m.mean + at) + delta * share);
  }
  for (let j = columns; j < padded; j++) {
    memory.fill(block + <usize>j * COLUMN, 0, COLUMN);
    store<f64>(m.delta + (<usize>j << 3), 0);
  }
  syrk(m, block, rows, m.weight * share);
  m.weight = total;
}
