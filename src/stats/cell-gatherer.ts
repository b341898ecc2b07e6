import { cellOrder } from "./cell-order.js";
import { type CellKind, CellTable } from "./cell-table.js";

/** Numbers of records that wait, at least, before they are merged: 32 MB. */
const PENDING = 1 << 22;
/** Cells between two places where others may run. */
const STRETCH = 1 << 13;

/**
 * Merges the cells of chunks, which come in their order, into one table. Each cell merges in the order of the chunks, so
 * that its bits depend on them alone; but cells wait until as many have come as are merged already, and are sorted
 * then: no cell is looked up, and each is moved O(log n) times. Cells of one factor merge at once, by its code.
 */
export class CellGatherer {
  readonly #kind: CellKind;
  #store: CellTable;
  /** How many cells at the front of the store are merged. */
  #merged = 0;
  /** Of keys of two numbers: for the first, the cell + 1 of each second, or 0. */
  readonly #places: Int32Array<ArrayBuffer>[] = [];

  /** @param kind that of the cells; `factors` numbers make a key */
  constructor(kind: CellKind) {
    this.#kind = kind;
    this.#store = new CellTable(kind);
  }

  /** Takes a chunk's cells over, their keys recoded number by number where `recode` has an entry. */
  *push(
    keys: Int32Array,
    records: Float64Array,
    recode: readonly (ArrayLike<number> | undefined)[],
  ): Generator<undefined, void, void> {
    const width = this.#kind.factors;
    const count = keys.length / width;
    const store = this.#store;
    store.reserve(store.count + count);
    const to = store.count * width;
    for (let j = 0; j < width; j++) {
      const codes = recode[j];
      for (let i = j; i < keys.length; i += width)
        store.codes[to + i] = codes === undefined ? keys[i]! : codes[keys[i]!]!;
    }
    if (width === 2) {
      yield* this.#place(count, records);
      return;
    }
    store.records.set(records, store.count * store.stride);
    store.count += count;
    const pending = store.count - this.#merged;
    if (pending > this.#merged && pending * store.stride > PENDING) yield* this.#merge();
  }

  /** Merges cells of two numbers, whose keys stand behind those of the store, at once: their place follows from these. */
  *#place(count: number, records: Float64Array): Generator<undefined, void, void> {
    const store = this.#store;
    const { stride, codes } = store;
    const first = store.count;
    let own = -1;
    let places = new Int32Array(0);
    for (let i = 0; i < count; i++) {
      const at = 2 * (first + i);
      const code = codes[at + 1]!;
      if (codes[at] !== own || code >= places.length) {
        own = codes[at]!;
        places = this.#placesOf(own, code);
      }
      const place = places[code]! - 1;
      const from = i * stride;
      if (place >= 0) store.add(place, records, from);
      else {
        const to = store.count++;
        places[code] = store.count;
        codes[2 * to] = own;
        codes[2 * to + 1] = code;
        for (let j = 0; j < stride; j++) store.records[to * stride + j] = records[from + j]!;
      }
      if (i % STRETCH === STRETCH - 1) yield;
    }
  }

  /** The cells of keys whose first number is `own`, with room for `code`. */
  #placesOf(own: number, code: number): Int32Array<ArrayBuffer> {
    const known = this.#places[own];
    if (known !== undefined && code < known.length) return known;
    const larger = new Int32Array(Math.max(2 * (known?.length ?? 0), code + 1, 64));
    if (known !== undefined) larger.set(known);
    this.#places[own] = larger;
    return larger;
  }

  /** For a number of the key, which of its values cells with rows of positive weight have. */
  met(number: number, size: number): Uint8Array {
    const found = new Uint8Array(size);
    const { count, codes, records, stride } = this.#store;
    const width = this.#kind.factors;
    for (let cell = 0; cell < count; cell++)
      if (records[cell * stride]! > 0) found[codes[cell * width + number]!] = 1;
    return found;
  }

  /**
   * The table of all cells that have rows of positive weight, in the order of their keys under the final codes; the
   * gatherer is done with then.
   */
  *finish(recode: readonly (ArrayLike<number> | undefined)[]): Generator<undefined, CellTable, void> {
    const store = this.#store;
    const width = this.#kind.factors;
    let kept = 0;
    for (let cell = 0; cell < store.count; cell++) {
      if (!(store.rows(cell) > 0)) continue;
      for (let j = 0; j < width; j++) {
        const code = store.codes[cell * width + j]!;
        store.codes[kept * width + j] = recode[j]?.[code] ?? code;
      }
      if (kept !== cell)
        store.records.copyWithin(kept * store.stride, cell * store.stride, (cell + 1) * store.stride);
      kept++;
    }
    store.count = kept;
    yield;
    yield* this.#merge();
    return this.#store;
  }

  *#merge(): Generator<undefined, void, void> {
    const store = this.#store;
    const { factors: width } = this.#kind;
    const order = cellOrder(store.codes, store.count, width);
    yield;
    const { count, codes, stride, records } = store;
    /** 1 where a key begins that those before it in the order are not. */
    const first = new Uint8Array(count);
    let distinct = 0;
    for (let i = 0, before = 0; i < count; i++) {
      const at = order[i]! * width;
      let j = i === 0 ? -1 : 0;
      while (j >= 0 && j < width && codes[at + j] === codes[before + j]) j++;
      if (j < width) {
        first[i] = 1;
        distinct++;
      }
      before = at;
    }
    yield;
    const merged = new CellTable(this.#kind, distinct);
    let to = -1;
    for (let i = 0; i < count; i++) {
      const cell = order[i]!;
      const from = cell * stride;
      if (first[i] === 1) {
        to++;
        for (let j = 0; j < width; j++) merged.codes[to * width + j] = codes[cell * width + j]!;
        for (let j = 0; j < stride; j++) merged.records[to * stride + j] = records[from + j]!;
      } else merged.add(to, records, from);
      if (i % STRETCH === STRETCH - 1) yield;
    }
    merged.count = distinct;
    this.#store = merged;
    this.#merged = merged.count;
  }
}

/** The cells of a table whose key's first number is `first`, without it; the table is in the order of the keys. */
export function sliceOf(table: CellTable, first: number): CellTable {
  const width = table.kind.factors;
  const after = (bound: number) => {
    let [low, high] = [0, table.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (table.codes[middle * width]! < bound) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const [from, to] = [after(first), after(first + 1)];
  const slice = new CellTable({ ...table.kind, factors: width - 1 }, to - from);
  slice.count = to - from;
  for (let cell = from, at = 0; cell < to; cell++)
    for (let j = 1; j < width; j++) slice.codes[at++] = table.codes[cell * width + j]!;
  slice.records.set(table.records.subarray(from * table.stride, to * table.stride));
  return slice;
}
