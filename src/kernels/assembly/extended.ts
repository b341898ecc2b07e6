// Moments in double-double arithmetic.
import { joinLanes, productError, sumError, topOf } from "./double-double";
import { COLUMN, countWeight, Totals } from "./gram";
import { add, divide, fastTwoSum, multiply, rest, twoProduct } from "./twofold";

/** Moments of `columns` columns, each number as high and low part (src/kernels/extended.ts makes them). */
@unmanaged
export class ExtendedMoments extends Totals {
  /** f64[columns] each. */
  mean: usize;
  meanLow: usize;
  /** Packed lower triangle: entry (i, j), i >= j, at i (i + 1) / 2 + j. */
  gram: usize;
  gramLow: usize;
  /** Scratch, f64[columns] each: the block's means above the means so far. */
  delta: usize;
  deltaLow: usize;
  /** Scratch, a block each: low parts where the caller has none, and the high parts split in two. */
  low: usize;
  top: usize;
  tail: usize;
}

/** Weights' square roots as high and low parts, and weights split in two: 128 doubles each. */
const roots: usize = memory.data(1024, 16);
const rootsLow: usize = memory.data(1024, 16);
const rootsTop: usize = memory.data(1024, 16);
const weightsTop: usize = memory.data(1024, 16);

/** (high, low) ← (high, low) − (by, byLow) over a column; a row that only fills the last pair becomes zero. */
function shift(high: usize, low: usize, rows: i32, by: f64, byLow: f64): void {
  const u = f64x2.splat(-by);
  const ul = f64x2.splat(byLow);
  for (let i: usize = 0, bytes = <usize>rows << 3; i < bytes; i += 16) {
    const x = v128.load(high + i);
    const s = f64x2.add(x, u);
    const e = f64x2.add(sumError(x, u, s), f64x2.sub(v128.load(low + i), ul));
    const d = f64x2.add(s, e);
    v128.store(high + i, d);
    v128.store(low + i, f64x2.sub(e, f64x2.sub(d, s)));
  }
  if (rows & 1) {
    store<f64>(high + (<usize>rows << 3), 0);
    store<f64>(low + (<usize>rows << 3), 0);
  }
}

/** Σ x, or Σ wx where there are weights, of a column whose rows are padded to two. */
function sumColumn(high: usize, low: usize, bytes: usize, weights: usize): f64 {
  let s = f64x2.splat(0);
  let c = s;
  for (let i: usize = 0; i < bytes; i += 16) {
    let x = v128.load(high + i);
    let e = v128.load(low + i);
    if (weights) {
      const w = v128.load(weights + i);
      const w1 = v128.load(weightsTop + i);
      const x1 = topOf(x);
      const p = f64x2.mul(x, w);
      e = f64x2.add(f64x2.mul(e, w), productError(x1, f64x2.sub(x, x1), w1, f64x2.sub(w, w1), p));
      x = p;
    }
    const t = f64x2.add(s, x);
    c = f64x2.add(c, f64x2.add(sumError(s, x, t), e));
    s = t;
  }
  return joinLanes(s, c);
}

/** x ← x√w where there are weights; and the split of its high part. */
function scaleAndSplit(m: ExtendedMoments, high: usize, low: usize, column: usize, bytes: usize, weighted: bool): void {
  const top = m.top + column;
  const tail = m.tail + column;
  for (let i: usize = 0; i < bytes; i += 16) {
    let d = v128.load(high + i);
    if (weighted) {
      const w = v128.load(roots + i);
      const w1 = v128.load(rootsTop + i);
      const d1 = topOf(d);
      const s = f64x2.mul(d, w);
      let e = productError(d1, f64x2.sub(d, d1), w1, f64x2.sub(w, w1), s);
      e = f64x2.add(e, f64x2.add(f64x2.mul(d, v128.load(rootsLow + i)), f64x2.mul(v128.load(low + i), w)));
      d = f64x2.add(s, e);
      v128.store(high + i, d);
      v128.store(low + i, f64x2.sub(e, f64x2.sub(d, s)));
    }
    const t = topOf(d);
    v128.store(top + i, t);
    v128.store(tail + i, f64x2.sub(d, t));
  }
}

/** Σ aᵢbᵢ over two centred columns. */
// @ts-ignore: decorator
@inline
function dot(m: ExtendedMoments, high: usize, low: usize, a: usize, b: usize, bytes: usize): f64 {
  const top = m.top;
  const tail = m.tail;
  let s = f64x2.splat(0);
  let c = s;
  for (const end = a + bytes; a < end; a += 16, b += 16) {
    const x = v128.load(high + a);
    const y = v128.load(high + b);
    const p = f64x2.mul(x, y);
    let e = productError(
      v128.load(top + a),
      v128.load(tail + a),
      v128.load(top + b),
      v128.load(tail + b),
      p,
    );
    e = f64x2.add(e, f64x2.add(f64x2.mul(x, v128.load(low + b)), f64x2.mul(y, v128.load(low + a))));
    const t = f64x2.add(s, p);
    c = f64x2.add(c, f64x2.add(sumError(s, p, t), e));
    s = t;
  }
  return joinLanes(s, c);
}

/** Columns of the panel that dot products reuse: 8 columns of 4 KB each stay in the first-level cache. */
const PANEL: i32 = 8;

/**
 * `accumulate` (gram.ts) in double-double arithmetic, on blocks of the same shape. `low` is the block of the values' low parts (overwritten like
 * `high`), or 0 where the values are plain doubles. Products are exact to 2⁻¹⁰⁶ where they neither overflow nor fall
 * below 2⁻⁹⁶⁹ (Dekker 1971).
 */
export function accumulateExtended(m: ExtendedMoments, high: usize, low: usize, rows: i32, weights: usize): void {
  const columns = m.columns;
  const bytes = <usize>((rows + 1) & ~1) << 3;
  if (!low) {
    low = m.low;
    memory.fill(low, 0, <usize>columns * COLUMN);
  }
  let blockWeight: f64 = rows;
  let blockWeightLow: f64 = 0;
  if (weights) {
    blockWeight = 0;
    if (rows & 1) store<f64>(weights + (<usize>rows << 3), 0);
    for (let i: usize = 0; i < bytes; i += 8) {
      const w = load<f64>(weights + i);
      blockWeight = add(blockWeight, blockWeightLow, w, 0);
      blockWeightLow = rest;
      // √w to two doubles, by one step of Newton's iteration.
      const root = sqrt(w);
      const square = twoProduct(root, root);
      const r = fastTwoSum(root, root == 0 ? 0 : (w - square - rest) / (2 * root));
      store<f64>(roots + i, r);
      store<f64>(rootsLow + i, rest);
    }
    if (blockWeight == 0) return;
    for (let i: usize = 0; i < bytes; i += 8) countWeight(m, load<f64>(weights + i));
    for (let i: usize = 0; i < bytes; i += 16) {
      v128.store(rootsTop + i, topOf(v128.load(roots + i)));
      v128.store(weightsTop + i, topOf(v128.load(weights + i)));
    }
  } else m.rows += blockWeight;
  const total = add(m.weight, m.weightLow, blockWeight, blockWeightLow);
  const totalLow = rest;
  const share = divide(blockWeight, blockWeightLow, total, totalLow);
  const shareLow = rest;
  for (let j = 0; j < columns; j++) {
    const column = <usize>j * COLUMN;
    const origin = load<f64>(high + column);
    const originLow = load<f64>(low + column);
    shift(high + column, low + column, rows, origin, originLow);
    const sum = sumColumn(high + column, low + column, bytes, weights);
    const offset = divide(sum, rest, blockWeight, blockWeightLow);
    const offsetLow = rest;
    shift(high + column, low + column, rows, offset, offsetLow);
    scaleAndSplit(m, high + column, low + column, column, bytes, weights != 0);
    const at = <usize>j << 3;
    const before = load<f64>(m.mean + at);
    const beforeLow = load<f64>(m.meanLow + at);
    const mean = add(origin, originLow, offset, offsetLow);
    const delta = add(mean, rest, -before, -beforeLow);
    const deltaLow = rest;
    store<f64>(m.delta + at, delta);
    store<f64>(m.deltaLow + at, deltaLow);
    const step = multiply(delta, deltaLow, share, shareLow);
    store<f64>(m.mean + at, add(before, beforeLow, step, rest));
    store<f64>(m.meanLow + at, rest);
  }
  const factor = multiply(m.weight, m.weightLow, share, shareLow);
  const factorLow = rest;
  for (let first = 0; first < columns; first += PANEL) {
    for (let i = first; i < columns; i++) {
      const d = load<f64>(m.delta + (<usize>i << 3));
      const dl = load<f64>(m.deltaLow + (<usize>i << 3));
      const last = min(i, first + PANEL - 1);
      let at = (<usize>i * (i + 1) / 2 + first) << 3;
      for (let j = first; j <= last; j++, at += 8) {
        const sum = dot(m, high, low, <usize>i * COLUMN, <usize>j * COLUMN, bytes);
        const sumLow = rest;
        const dd = multiply(d, dl, load<f64>(m.delta + (<usize>j << 3)), load<f64>(m.deltaLow + (<usize>j << 3)));
        const between = multiply(dd, rest, factor, factorLow);
        const more = add(sum, sumLow, between, rest);
        store<f64>(m.gram + at, add(load<f64>(m.gram + at), load<f64>(m.gramLow + at), more, rest));
        store<f64>(m.gramLow + at, rest);
      }
    }
  }
  m.weight = total;
  m.weightLow = totalLow;
}
