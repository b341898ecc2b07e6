import { meansAt, ROWS_AT, WEIGHT_AT } from "../kernels/cell-record.js";
import { cellOrder, keyWords, sortWords } from "./cell-order.js";
import { type CellKind, CellTable } from "./cell-table.js";

/** Numbers of records that wait, at least, before they are merged: 32 MB. */
const PENDING = 1 << 22;
/** Cells between two places where others may run. */
const STRETCH = 1 << 13;
/** Cells whose records are read ahead: few enough to stay in a first-level cache. */
const NEAR = 128;

/** Cells of a chunk, or merged ones: their keys, and a record of each. */
interface Cells {
  keys: Int32Array;
  records: Float64Array;
}

const NONE: Cells = { keys: new Int32Array(0), records: new Float64Array(0) };

/** The codes to put in place of the numbers of keys; undefined for a number that stays. */
export type Recode = readonly (ArrayLike<number> | undefined)[];

/**
 * Merges the cells of chunks, which come in their order, into tables, one for each value of their keys' first number
 * (the fold). Each cell merges in the order of the chunks, so that its bits depend on them alone. Cells of one factor
 * merge at once, for their place follows from the code; others wait until as many have come as are merged already, and
 * are sorted then: no cell is looked up, and each is moved O(log n) times.
 *
 * Of cells that are only counted (`counted`: rows without weights, of which no column has a mean) a record is the number
 * of rows.
 */
export class CellGatherer {
  readonly #kind: CellKind;
  readonly #counted: boolean;
  readonly #pending: number;
  /** The lengths of a key, and of a record here. */
  readonly #width: number;
  readonly #stride: number;
  /** Cells that are merged, their keys distinct. */
  #merged: Cells = NONE;
  /** Chunks' cells that wait. */
  #waiting: Cells[] = [];
  #waitingCount = 0;
  /** Of keys of two numbers: the cells merged so far, and for the first number the cell + 1 of each second, or 0. */
  readonly #direct: CellTable;
  readonly #places: Int32Array<ArrayBuffer>[] = [];
  /** What reading ahead gave, which is of no use but for the reading. */
  readonly #touched = new Float64Array(1);

  /**
   * @param kind that of the tables, whose factors' codes stand behind the fold in a key
   * @param pending how many numbers of records wait at least before they are merged
   */
  constructor(kind: CellKind, counted = false, pending = PENDING) {
    this.#kind = kind;
    this.#counted = counted;
    this.#pending = pending;
    this.#width = kind.factors + 1;
    this.#direct = new CellTable({ ...kind, factors: 2 });
    this.#stride = counted ? 1 : this.#direct.stride;
  }

  /** Takes a chunk's cells over, their keys recoded number by number where `recode` has an entry. */
  *push(keys: Int32Array, records: Float64Array, recode: Recode): Generator<undefined, void, void> {
    const count = keys.length / this.#width;
    recodeKeys(keys, count, recode, this.#width);
    if (this.#width === 2 && !this.#counted) {
      this.#direct.reserve(this.#direct.count + count);
      for (let from = 0; from < count; from += NEAR) {
        if (from > 0 && from % STRETCH === 0) yield;
        this.#place(keys, records, from, Math.min(count, from + NEAR));
      }
      return;
    }
    this.#waiting.push({ keys, records });
    this.#waitingCount += count;
    const merged = this.#merged.keys.length / this.#width;
    if (this.#waitingCount > merged && this.#waitingCount * this.#direct.stride > this.#pending)
      yield* this.#merge();
  }

  /** For a number of the key, which of its values cells have. */
  met(number: number, size: number): Uint8Array {
    const found = new Uint8Array(size);
    const width = this.#width;
    for (const { keys } of this.#all())
      for (let at = number; at < keys.length; at += width) found[keys[at]!] = 1;
    return found;
  }

  /**
   * The tables of the first `folds` values of the first number, their cells in the order of the keys under the final codes;
   * the gatherer is done with then.
   */
  *finish(recode: Recode, folds: number): Generator<undefined, CellTable[], void> {
    const width = this.#width;
    this.#waiting = this.#all();
    this.#merged = NONE;
    this.#direct.count = 0;
    for (const { keys } of this.#waiting) {
      recodeKeys(keys, keys.length / width, recode, width);
      yield;
    }
    yield* this.#merge();
    const { keys, records } = this.#merged;
    const count = keys.length / width;
    const all = new CellTable(this.#kind, this.#counted ? count : 0);
    if (this.#counted)
      for (let cell = 0; cell < count; cell++) {
        all.records[cell * all.stride + ROWS_AT] = records[cell]!;
        all.records[cell * all.stride + WEIGHT_AT] = records[cell]!;
      }
    else all.records = records;
    all.codes = new Int32Array(count * (width - 1));
    const ends = new Int32Array(folds);
    for (let cell = 0, at = 0, to = 0; cell < count; cell++) {
      ends[keys[at++]!] = cell + 1;
      for (let j = 1; j < width; j++) all.codes[to++] = keys[at++]!;
    }
    let from = 0;
    return Array.from(ends, (last) => {
      const end = Math.max(from, last);
      const table = new CellTable(this.#kind);
      table.count = end - from;
      table.codes = all.codes.subarray(from * (width - 1), end * (width - 1));
      table.records = all.records.subarray(from * all.stride, end * all.stride);
      from = end;
      return table;
    });
  }

  /** All cells, in the order in which they came. */
  #all(): Cells[] {
    const { count, codes, records, stride } = this.#direct;
    const direct = { keys: codes.subarray(0, 2 * count), records: records.subarray(0, count * stride) };
    return [this.#merged, ...this.#waiting, direct].filter(({ keys }) => keys.length > 0);
  }

  /** Merges cells `from` to `end` − 1 of keys of two numbers. */
  #place(keys: Int32Array, records: Float64Array, from: number, end: number): void {
    const table = this.#direct;
    const { stride, codes } = table;
    const plain = !table.kind.extended && !table.kind.logs && table.kind.products === 0;
    const means = meansAt(table.kind);
    const own = table.records;
    let fold = -1;
    let places = new Int32Array(0);
    this.#touched[0] = this.#touch(keys, from, end);
    for (let i = from; i < end; i++) {
      const code = keys[2 * i + 1]!;
      if (keys[2 * i] !== fold || code >= places.length) {
        fold = keys[2 * i]!;
        places = this.#placesOf(fold, code);
      }
      const cell = places[code]! - 1;
      const at = i * stride;
      if (cell < 0) {
        const to = table.count++;
        places[code] = table.count;
        codes[2 * to] = fold;
        codes[2 * to + 1] = code;
        for (let j = 0; j < stride; j++) own[to * stride + j] = records[at + j]!;
      } else if (plain) {
        // `CellTable.add`, written out: it is most of what is done with a chunk's cells.
        const to = cell * stride;
        const added = records[at + WEIGHT_AT]!;
        const weight = own[to + WEIGHT_AT]! + added;
        const share = added / weight;
        own[to + ROWS_AT]! += records[at + ROWS_AT]!;
        own[to + WEIGHT_AT] = weight;
        for (let j = means; j < stride; j++) own[to + j]! += (records[at + j]! - own[to + j]!) * share;
      } else table.add(cell, records, at);
    }
  }

  /** Reads the records of cells that are there, so that accesses to memory that no cache holds go on side by side. */
  #touch(keys: Int32Array, from: number, end: number): number {
    const { stride, records } = this.#direct;
    let touched = 0;
    for (let i = from; i < end; i++) {
      const cell = (this.#places[keys[2 * i]!]?.[keys[2 * i + 1]!] ?? 0) - 1;
      if (cell >= 0) touched += records[cell * stride]! + records[cell * stride + stride - 1]!;
    }
    return touched;
  }

  /** The cells of keys whose first number is `fold`, with room for `code`. */
  #placesOf(fold: number, code: number): Int32Array<ArrayBuffer> {
    const known = this.#places[fold];
    if (known !== undefined && code < known.length) return known;
    const larger = new Int32Array(Math.max(2 * (known?.length ?? 0), code + 1, 64));
    if (known !== undefined) larger.set(known);
    this.#places[fold] = larger;
    return larger;
  }

  /** Puts all cells into the order of their keys, and makes one of those that are alike. */
  *#merge(): Generator<undefined, void, void> {
    const width = this.#width;
    const parts = this.#all();
    this.#waiting = [];
    this.#waitingCount = 0;
    this.#merged = NONE;
    const size = parts.reduce((sum, { keys }) => sum + keys.length, 0);
    const all = { keys: new Int32Array(size), records: new Float64Array((size / width) * this.#stride) };
    let at = 0;
    for (const { keys, records } of parts) {
      all.keys.set(keys, at);
      all.records.set(records, (at / width) * this.#stride);
      at += keys.length;
      yield;
    }
    const count = size / width;
    if (this.#counted) {
      const merged = yield* countedInOrder(all, width);
      if (merged !== undefined) {
        this.#merged = merged;
        return;
      }
    }
    const order = cellOrder(all.keys, count, width);
    yield;
    const into = new CellTable({ ...this.#kind, factors: width }, this.#counted ? 0 : count);
    if (this.#counted) {
      into.codes = new Int32Array(size);
      into.records = new Float64Array(count);
    }
    for (let from = 0; from < count; from += STRETCH) {
      this.#append(into, all, order.subarray(from, Math.min(count, from + STRETCH)));
      yield;
    }
    // Few are left of many: they do not hold the others' memory.
    const [last, end] = [into.count * width, into.count * this.#stride];
    const cut = 2 * into.count < count;
    this.#merged = {
      keys: cut ? into.codes.slice(0, last) : into.codes.subarray(0, last),
      records: cut ? into.records.slice(0, end) : into.records.subarray(0, end),
    };
  }

  /** Appends cells in an order in which those alike stand together. */
  #append(into: CellTable, { keys, records }: Cells, order: Uint32Array): void {
    const width = this.#width;
    const stride = this.#stride;
    const own = into.codes;
    for (let i = 0; i < order.length; i++) {
      const cell = order[i]!;
      const last = into.count - 1;
      let j = last < 0 ? -1 : 0;
      while (j >= 0 && j < width && keys[cell * width + j] === own[last * width + j]) j++;
      if (j === width) {
        if (this.#counted) into.records[last]! += records[cell]!;
        else into.add(last, records, cell * stride);
        continue;
      }
      const to = into.count++;
      for (let k = 0; k < width; k++) own[to * width + k] = keys[cell * width + k]!;
      for (let k = 0; k < stride; k++) into.records[to * stride + k] = records[cell * stride + k]!;
    }
  }
}

/**
 * Cells that are counted, in the order of their keys, those alike made one: counts go through the sort beside their keys,
 * so that nothing is looked up. Undefined where a key or a count is more than 32 bits.
 */
function* countedInOrder(
  { keys, records }: Cells,
  width: number,
): Generator<undefined, Cells | undefined, void> {
  const count = records.length;
  const packed = keyWords(keys, count, width);
  if (packed === undefined) return undefined;
  yield;
  const { sizes, span } = packed;
  const counts = new Uint32Array(count);
  for (let cell = 0; cell < count; cell++) {
    if (records[cell]! >= 2 ** 32) return undefined;
    counts[cell] = records[cell]!;
  }
  const { words, beside } = sortWords(packed.words, counts, span);
  yield;
  let cells = 0;
  for (let i = 0; i < count; i++) {
    if (i > 0 && words[i] === words[i - 1]) {
      records[cells - 1]! += beside[i]!;
      continue;
    }
    let word = words[i]!;
    for (let j = width - 1; j >= 0; j--) {
      const rest = Math.floor(word / sizes[j]!);
      keys[cells * width + j] = word - rest * sizes[j]!;
      word = rest;
    }
    records[cells++] = beside[i]!;
  }
  return { keys: keys.subarray(0, cells * width), records: records.subarray(0, cells) };
}

function recodeKeys(keys: Int32Array, count: number, recode: Recode, width: number): void {
  for (let j = 0; j < width; j++) {
    const codes = recode[j];
    if (codes === undefined) continue;
    for (let i = 0, at = j; i < count; i++, at += width) keys[at] = codes[keys[at]!]!;
  }
}
