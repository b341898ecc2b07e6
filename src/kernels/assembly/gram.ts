// Moments of column-major blocks of at most 128 rows: means and centred cross-products.

/** Bytes from one column of a block to the next: 128 doubles. */
export const COLUMN: usize = 1024;
/** Bytes of a 4 × 4 tile of the Gram matrix. */
const TILE: usize = 128;
/** Tiles in a panel of columns: 32 columns of a block are 32 KB, which a first-level cache holds. */
const PANEL: i32 = 8;

/** n, Σw, means and G = Σ w (x − x̄)(x − x̄)ᵀ of `columns` columns (src/kernels/moments.ts makes them). */
@unmanaged
export class Moments {
  rows: f64;
  weight: f64;
  columns: i32;
  /** f64[4·tiles] */
  mean: usize;
  /** Tiles of the lower triangle, f64[4 × 4] each: tile (I, J), I >= J, at 16 (I (I + 1) / 2 + J). */
  gram: usize;
  /** f64[4·tiles], scratch: what a block's means are above the means so far. */
  delta: usize;
}

/** √w of the block's rows. */
const roots: usize = memory.data(1024, 16);

/** Zeroes rows [rows, 128) of a column, or enough of them for the loops that read eight rows at a time. */
// @ts-ignore: decorator
@inline
function padRows(column: usize, rows: i32): void {
  for (let r = rows; r & 7; r++) store<f64>(column + (<usize>r << 3), 0);
}

/** Σ x over a column padded to eight rows, always in the same order. */
function sum(column: usize, rows: i32): f64 {
  let a = f64x2.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let p = column, end = column + (<usize>rows << 3); p < end; p += 64) {
    a = f64x2.add(a, v128.load(p));
    b = f64x2.add(b, v128.load(p, 16));
    c = f64x2.add(c, v128.load(p, 32));
    d = f64x2.add(d, v128.load(p, 48));
  }
  a = f64x2.add(f64x2.add(a, b), f64x2.add(c, d));
  return f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
}

/** Σ wx over a column, `weights` and it padded to eight rows. */
function weightedSum(column: usize, weights: usize, rows: i32): f64 {
  let a = f64x2.splat(0);
  let b = a;
  for (let i: usize = 0, end = <usize>rows << 3; i < end; i += 32) {
    a = f64x2.add(a, f64x2.mul(v128.load(column + i), v128.load(weights + i)));
    b = f64x2.add(b, f64x2.mul(v128.load(column + i, 16), v128.load(weights + i, 16)));
  }
  a = f64x2.add(a, b);
  return f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
}

/** x ← x − mean, and times √w where there are weights. */
// @ts-ignore: decorator
@inline
function centre(column: usize, rows: i32, mean: f64, weighted: bool): void {
  const m = f64x2.splat(mean);
  for (let i: usize = 0, end = <usize>rows << 3; i < end; i += 16) {
    let x = f64x2.sub(v128.load(column + i), m);
    if (weighted) x = f64x2.mul(x, v128.load(roots + i));
    v128.store(column + i, x);
  }
  padRows(column, rows);
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
 * `weights` is the address of a double per row, or 0. A block has room for 128 rows of the columns, their
 * number rounded up to a multiple of four; it is overwritten (centred, scaled by √w, padded by zeros), and so are
 * the weights past `rows`. Rows of weight zero are not counted. Every entry of G is computed by the same operations
 * in the same order wherever its columns stand.
 */
export function accumulate(m: Moments, block: usize, rows: i32, weights: usize): void {
  let blockWeight: f64 = rows;
  let counted = rows;
  if (weights) {
    padRows(weights, rows);
    blockWeight = sum(weights, rows);
    counted = 0;
    for (let r = 0; r < rows; r++) {
      const w = load<f64>(weights + (<usize>r << 3));
      store<f64>(roots + (<usize>r << 3), sqrt(w));
      if (w != 0) counted++;
    }
    if (rows & 1) store<f64>(roots + (<usize>rows << 3), 0);
  }
  if (counted == 0) return;
  const total = m.weight + blockWeight;
  const share = blockWeight / total;
  const columns = m.columns;
  const padded = (columns + 3) & ~3;
  for (let j = 0; j < columns; j++) {
    const column = block + <usize>j * COLUMN;
    padRows(column, rows);
    const at = <usize>j << 3;
    const mean = (weights ? weightedSum(column, weights, rows) : sum(column, rows)) / blockWeight;
    if (weights) centre(column, rows, mean, true);
    else centre(column, rows, mean, false);
    const delta = mean - load<f64>(m.mean + at);
    store<f64>(m.delta + at, delta);
    store<f64>(m.mean + at, load<f64>(m.mean + at) + delta * share);
  }
  for (let j = columns; j < padded; j++) {
    memory.fill(block + <usize>j * COLUMN, 0, COLUMN);
    store<f64>(m.delta + (<usize>j << 3), 0);
  }
  syrk(m, block, rows, m.weight * share);
  m.rows += counted;
  m.weight = total;
}

/** A group's moments, and the block in which its rows gather until there are 128. */
@unmanaged
class Group {
  moments: Moments;
  block: usize;
  weights: usize;
  rows: i32;
}

/** Where each row of the source goes to. */
const places: usize = memory.data(4 * 128, 4);

/**
 * Appends each of the block's rows to the block of the group that `targets` (an i32 per row) names, −1 for none;
 * a group's block that is full is accumulated. Group g lies at groups + 16g. The source is only read.
 */
export function scatterRows(block: usize, rows: i32, weights: usize, targets: usize, groups: usize, columns: i32): void {
  for (let from = 0; from < rows; ) {
    // Rows up to the first that fills a group's block.
    let to = from;
    let full = changetype<Group>(0);
    for (; to < rows && !changetype<usize>(full); to++) {
      const target = load<i32>(targets + (<usize>to << 2));
      let place: usize = 0;
      if (target >= 0) {
        const group = changetype<Group>(groups + (<usize>target << 4));
        const row = group.rows++;
        place = group.block + (<usize>row << 3);
        if (group.weights) {
          store<f64>(group.weights + (<usize>row << 3), load<f64>(weights + (<usize>to << 3)));
        }
        if (row == 127) full = group;
      }
      store<usize>(places + (<usize>to << 2), place);
    }
    for (let j = 0; j < columns; j++) {
      const offset = <usize>j * COLUMN;
      for (let r = from; r < to; r++) {
        const place = load<usize>(places + (<usize>r << 2));
        if (place) store<f64>(place + offset, load<f64>(block + offset + (<usize>r << 3)));
      }
    }
    if (changetype<usize>(full)) {
      accumulate(full.moments, full.block, 128, full.weights);
      full.rows = 0;
    }
    from = to;
  }
}
