// Moments of cells: rows that agree in the levels of some factors, and in their fold.
import { countWeight, Totals } from "./gram";
import { add, divide, multiply, rest } from "./twofold";

/**
 * A table of cells (src/kernels/cells.ts makes it). A cell is found by its key, a list of i32: the row's target (its
 * fold), then the codes of the table's factors. Its record is a list of doubles: rows of positive weight, Σw, the low
 * part of Σw (0 in double), Π w as mantissa and exponent where `logs` is set; then means; then centred cross-products:
 * of the first `products` columns with each other, a packed triangle by rows, and of each of them with every column
 * behind. In double-double the low parts of means and of cross-products follow each of the two.
 */
@unmanaged
class Cells {
  count: i32;
  room: i32;
  /**
   * i32[2·room], a power of two: cell + 1, or 0. Without factors targets are numbered from 0, and it is i32[targets]: the
   * slot of a target is its number.
   */
  slots: usize;
  /** i32[(factors + 1)·room]. */
  keys: usize;
  /** f64[stride·room]. */
  records: usize;
  stride: i32;
  factors: i32;
  /** i32[factors]: byte offset of each factor's codes. */
  codes: usize;
  columns: i32;
  /** i32[columns]: byte offset of each column in a block. */
  offsets: usize;
  products: i32;
  /** Whether Π w is kept. */
  logs: i32;
  extended: i32;
  /** f64[2·columns], scratch. */
  delta: usize;
  targets: i32;
}

/** i32[128], scratch: the cell of each row of a block, −1 for none. */
const cellOfRow: usize = memory.data(512, 16);

/** What reading cache lines ahead gave, which is of no use but for the reading. */
const touchedLines: usize = memory.data(4, 4);
/** As much of each record: those of a block's rows are to stay in a first-level cache. */
const TOUCHED_BYTES: usize = 192;

/** Doubles before the means, without and with Π w. */
const HEAD: i32 = 3;
const LOGS: i32 = 2;

/** Appends an empty cell; −1 where there is no room. */
function newCell(t: Cells, slot: usize, size: usize, target: i32): i32 {
  if (t.count == t.room) return -1;
  const cell = t.count++;
  store<i32>(slot, cell + 1);
  store<i32>(t.keys + <usize>cell * size, target);
  memory.fill(t.records + <usize>cell * (<usize>t.stride << 3), 0, <usize>t.stride << 3);
  return cell;
}

/** `cellOf` where a cell is a target. */
// @ts-ignore: decorator
@inline
function cellOfTarget(t: Cells, target: i32): i32 {
  if (target >= t.targets) return -1;
  const slot = t.slots + (<usize>target << 2);
  const found = load<i32>(slot) - 1;
  return found < 0 ? newCell(t, slot, 4, target) : found;
}

/** The cell of row r, −1 where there is no room for another. */
// @ts-ignore: decorator
@inline
function cellOf(t: Cells, codes: usize, target: i32, r: usize): i32 {
  const factors = t.factors;
  let hash: u32 = <u32>target * 0x9e3779b1;
  for (let f = 0; f < factors; f++) {
    const code = load<u32>(codes + load<u32>(t.codes + (<usize>f << 2)) + (r << 2));
    hash = (hash ^ code) * 0x85ebca6b;
    hash ^= hash >> 15;
  }
  hash *= 0xc2b2ae35;
  hash ^= hash >> 16;
  const mask = <u32>(2 * t.room - 1);
  const size = <usize>(factors + 1) << 2;
  for (let i = hash & mask; ; i = (i + 1) & mask) {
    const slot = t.slots + (<usize>i << 2);
    const found = load<i32>(slot) - 1;
    if (found < 0) {
      const cell = newCell(t, slot, size, target);
      if (cell < 0) return -1;
      const key = t.keys + <usize>cell * size;
      for (let f = 0; f < factors; f++)
        store<i32>(key + (<usize>(f + 1) << 2), load<i32>(codes + load<u32>(t.codes + (<usize>f << 2)) + (r << 2)));
      return cell;
    }
    const key = t.keys + <usize>found * size;
    if (load<i32>(key) != target) continue;
    let f = 0;
    for (; f < factors; f++)
      if (load<i32>(key + (<usize>(f + 1) << 2)) != load<i32>(codes + load<u32>(t.codes + (<usize>f << 2)) + (r << 2))) break;
    if (f == factors) return found;
  }
  return -1;
}

/** Fills the slots, which are zero, from the keys; after the table has grown. */
export function rehashCells(t: Cells): void {
  if (t.factors == 0) {
    for (let cell = 0; cell < t.count; cell++)
      store<i32>(t.slots + (load<u32>(t.keys + (<usize>cell << 2)) << 2), cell + 1);
    return;
  }
  const mask = <u32>(2 * t.room - 1);
  const size = <usize>(t.factors + 1) << 2;
  for (let cell = 0; cell < t.count; cell++) {
    const key = t.keys + <usize>cell * size;
    let hash: u32 = load<u32>(key) * 0x9e3779b1;
    for (let f = 0; f < t.factors; f++) {
      hash = (hash ^ load<u32>(key + (<usize>(f + 1) << 2))) * 0x85ebca6b;
      hash ^= hash >> 15;
    }
    hash *= 0xc2b2ae35;
    hash ^= hash >> 16;
    let i = hash & mask;
    while (load<i32>(t.slots + (<usize>i << 2))) i = (i + 1) & mask;
    store<i32>(t.slots + (<usize>i << 2), cell + 1);
  }
}

/**
 * Adds a row to a cell by the update of Welford 1962, weighted by West 1979: with δ = x − x̄, W' = W + w and f = w/W',
 * x̄ += fδ and C += Wf δδᵀ. A column that is constant in a cell has C = 0 there, exactly.
 */
// @ts-ignore: decorator
@inline
function addRow(t: Cells, record: usize, block: usize, r: usize, w: f64): void {
  const columns = t.columns;
  const before = load<f64>(record, 8);
  const after = before + w;
  const f = w / after;
  store<f64>(record, load<f64>(record) + 1);
  store<f64>(record, after, 8);
  const means = record + (<usize>(t.logs ? HEAD + LOGS : HEAD) << 3);
  const delta = t.delta;
  for (let j = 0; j < columns; j++) {
    const at = <usize>j << 3;
    const x = load<f64>(block + load<u32>(t.offsets + (<usize>j << 2)) + (r << 3));
    const mean = load<f64>(means + at);
    const d = x - mean;
    store<f64>(delta + at, d);
    store<f64>(means + at, mean + d * f);
  }
  const products = t.products;
  if (products == 0) return;
  const g = before * f;
  let c = means + (<usize>columns << 3);
  for (let i = 0; i < products; i++) c = addMultiple(c, g * load<f64>(delta + (<usize>i << 3)), delta, i + 1);
  const behind = delta + (<usize>products << 3);
  for (let i = 0; i < products; i++) c = addMultiple(c, g * load<f64>(delta + (<usize>i << 3)), behind, columns - products);
}

/** c[j] += factor·x[j] for n values; the address behind them. */
// @ts-ignore: decorator
@inline
function addMultiple(c: usize, factor: f64, x: usize, n: i32): usize {
  const s = f64x2.splat(factor);
  let j = 0;
  for (; j + 2 <= n; j += 2, c += 16, x += 16)
    v128.store(c, f64x2.add(v128.load(c), f64x2.mul(s, v128.load(x))));
  if (j < n) {
    store<f64>(c, load<f64>(c) + factor * load<f64>(x));
    c += 8;
  }
  return c;
}

/** `addRow` in double-double arithmetic; `low` is the block of low parts, or 0. */
function addRowExtended(t: Cells, record: usize, block: usize, low: usize, r: usize, w: f64): void {
  const columns = t.columns;
  const before = load<f64>(record, 8);
  const beforeLow = load<f64>(record, 16);
  const after = add(before, beforeLow, w, 0);
  const afterLow = rest;
  const f = divide(w, 0, after, afterLow);
  const fLow = rest;
  store<f64>(record, load<f64>(record) + 1);
  store<f64>(record, after, 8);
  store<f64>(record, afterLow, 16);
  const means = record + (<usize>(t.logs ? HEAD + LOGS : HEAD) << 3);
  const meansLow = means + (<usize>columns << 3);
  const delta = t.delta;
  const deltaLow = delta + (<usize>columns << 3);
  for (let j = 0; j < columns; j++) {
    const at = <usize>j << 3;
    const from = <usize>load<u32>(t.offsets + (<usize>j << 2)) + (r << 3);
    const mean = load<f64>(means + at);
    const meanLow = load<f64>(meansLow + at);
    const d = add(load<f64>(block + from), low ? load<f64>(low + from) : 0, -mean, -meanLow);
    const dLow = rest;
    store<f64>(delta + at, d);
    store<f64>(deltaLow + at, dLow);
    const step = multiply(d, dLow, f, fLow);
    store<f64>(means + at, add(mean, meanLow, step, rest));
    store<f64>(meansLow + at, rest);
  }
  const products = t.products;
  if (products == 0) return;
  const g = multiply(before, beforeLow, f, fLow);
  const gLow = rest;
  let c = meansLow + (<usize>columns << 3);
  const entries = (products * (products + 1)) / 2 + products * (columns - products);
  const lows = <usize>entries << 3;
  for (let pass = 0; pass < 2; pass++) {
    for (let i = 0; i < products; i++) {
      const at = <usize>i << 3;
      const s = multiply(g, gLow, load<f64>(delta + at), load<f64>(deltaLow + at));
      const sLow = rest;
      const first = pass == 0 ? 0 : products;
      const last = pass == 0 ? i + 1 : columns;
      for (let j = first; j < last; j++, c += 8) {
        const other = <usize>j << 3;
        const product = multiply(s, sLow, load<f64>(delta + other), load<f64>(deltaLow + other));
        store<f64>(c, add(load<f64>(c), load<f64>(c + lows), product, rest));
        store<f64>(c + lows, rest);
      }
    }
  }
}

/**
 * Adds rows `from` to `rows` − 1 of a block to their cells: `targets` is an i32 per row, negative for none; `codes` an
 * i32 per row and factor at the factors' offsets; `weights` a double per row, or 0. Rows of weight zero make no cell.
 * Returns the first row that was not added: `rows`, or the row for whose cell the table has no room.
 */
export function accumulateCells(
  t: Cells,
  block: usize,
  low: usize,
  weights: usize,
  targets: usize,
  codes: usize,
  from: i32,
  rows: i32,
): i32 {
  const bytes = <usize>t.stride << 3;
  const direct = t.factors == 0;
  // Cells are found first and filled then, and the first cache lines of their records are touched where they are found: accesses
  // to memory that no cache holds go on side by side.
  let found = from;
  let touched: i32 = 0;
  const ahead = min<usize>(bytes, TOUCHED_BYTES);
  for (; found < rows; found++) {
    const target = load<i32>(targets + (<usize>found << 2));
    let cell = -1;
    if (target >= 0 && !(weights && load<f64>(weights + (<usize>found << 3)) == 0)) {
      cell = direct ? cellOfTarget(t, target) : cellOf(t, codes, target, found);
      if (cell < 0) break;
      const record = t.records + <usize>cell * bytes;
      for (let at: usize = 0; at < ahead; at += 64) touched |= load<i32>(record + at);
    }
    store<i32>(cellOfRow + (<usize>found << 2), cell);
  }
  for (let r = from; r < found; r++) {
    const cell = load<i32>(cellOfRow + (<usize>r << 2));
    if (cell < 0) continue;
    const w = weights ? load<f64>(weights + (<usize>r << 3)) : 1;
    const record = t.records + <usize>cell * bytes;
    if (t.logs && weights) countLog(record + (<usize>HEAD << 3), w);
    if (t.extended) addRowExtended(t, record, block, low, r, w);
    else addRow(t, record, block, r, w);
  }
  store<i32>(touchedLines, touched);
  return found;
}

const scratch: usize = memory.data(offsetof<Totals>(), 16);

/** Multiplies a weight into Π w, kept as two doubles. */
function countLog(at: usize, w: f64): void {
  const totals = changetype<Totals>(scratch);
  totals.rows = 0;
  totals.productMantissa = load<f64>(at);
  totals.productExponent = load<f64>(at, 8);
  countWeight(totals, w);
  store<f64>(at, totals.productMantissa);
  store<f64>(at, totals.productExponent, 8);
}
