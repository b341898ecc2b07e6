import { BLOCK_ROWS } from "./block-rows.js";
import { type CellRecord, ROWS_AT, recordLength } from "./cell-record.js";
import type { Kernels } from "./kernels.js";

/** Fields of the record (assembly/cells.ts), i32 each. */
const COUNT = 0;
const ROOM = 1;
const SLOTS = 2;
const KEYS = 3;
const RECORDS = 4;
const TARGETS = 14;
const FIELDS = 15;

/** Which columns and factors make a table of cells. */
export interface CellShape extends Pick<CellRecord, "products" | "extended" | "logs"> {
  /** Which of the block's columns have means, by position; those with cross-products first. */
  readonly columns: readonly number[];
  /** Which factors' codes make a cell, by position among the codes. */
  readonly factors: readonly number[];
}

/** The cells of a chunk, in the order in which they appeared. */
export interface CellParts {
  /** Per cell: its target (fold), then its factors' codes. */
  keys: Int32Array<ArrayBuffer>;
  /** Per cell: its record, see `CellRecord`. */
  records: Float64Array<ArrayBuffer>;
}

/**
 * Means and centred cross-products of rows by cell: by the levels of some factors, and by target (the row's fold). A
 * row costs O(q + a q) for q columns of which a have cross-products, whatever the number of cells; memory is that of
 * the cells that occur. Its twin in TypeScript is reference/cells.ts.
 */
export class CellAccumulator {
  readonly shape: CellShape;
  readonly #kernels: Kernels;
  readonly #record: number;
  readonly #stride: number;

  constructor(kernels: Kernels, shape: CellShape) {
    const { columns, products, factors, extended, logs } = shape;
    this.shape = shape;
    this.#kernels = kernels;
    this.#stride = recordLength({ ...shape, columns: columns.length });
    this.#record = kernels.allocZeroed(4 * FIELDS);
    const offsets = (values: readonly number[], bytes: number) => {
      const at = kernels.alloc(4 * Math.max(1, values.length));
      kernels.ints.set(
        values.map((value) => bytes * value),
        at / 4,
      );
      return at;
    };
    const codes = offsets(factors, 4 * BLOCK_ROWS);
    const places = offsets(columns, 8 * BLOCK_ROWS);
    const delta = kernels.alloc(16 * Math.max(1, columns.length));
    const fields = [codes, columns.length, places, products, logs ? 1 : 0, extended ? 1 : 0, delta];
    kernels.ints.set([this.#stride, factors.length, ...fields], this.#record / 4 + RECORDS + 1);
    this.#enlarge(64, 64);
  }

  /** How many cells there are. */
  get count(): number {
    return this.#field(COUNT);
  }

  /**
   * Adds a block's first `rows` rows: `block` as `Kernels.allocBlock` has it, `low` its low parts or 0; `targets` the
   * address of an i32 per row, negative for none; `codes` that of an i32 per row and factor, factor f at 512 f;
   * `weights` that of a double per row, or 0. All are only read.
   */
  add(
    block: number,
    rows: number,
    {
      targets,
      codes,
      weights = 0,
      low = 0,
    }: { targets: number; codes: number; weights?: number; low?: number },
  ): void {
    const { exports } = this.#kernels;
    for (let done = 0; ; ) {
      done = exports.accumulateCells(this.#record, block, low, weights, targets, codes, done, rows);
      if (done === rows) return;
      const target = this.#kernels.ints[targets / 4 + done]!;
      const full = this.count === this.#field(ROOM);
      this.#enlarge(
        full ? 2 * this.#field(ROOM) : this.#field(ROOM),
        Math.max(this.#field(TARGETS), 2 * (target + 1)),
      );
    }
  }

  /** The cells so far; with `rowsOnly` a record is the number of its rows, and nothing else. */
  read(rowsOnly = false): CellParts {
    const { count } = this;
    const width = this.shape.factors.length + 1;
    const from = this.#field(KEYS) / 4;
    const keys = this.#kernels.ints.slice(from, from + width * count);
    const all = this.#kernels.doublesAt(this.#field(RECORDS), this.#stride * count);
    if (!rowsOnly) return { keys, records: all.slice() };
    const records = new Float64Array(count);
    for (let cell = 0; cell < count; cell++) records[cell] = all[cell * this.#stride + ROWS_AT]!;
    return { keys, records };
  }

  /** Forgets all cells. */
  reset(): void {
    if (this.count === 0) return;
    this.#kernels.ints[this.#record / 4 + COUNT] = 0;
    const slots = this.#field(SLOTS) / 4;
    this.#kernels.ints.fill(0, slots, slots + this.#slots(this.#field(ROOM), this.#field(TARGETS)));
  }

  #slots(room: number, targets: number): number {
    return this.shape.factors.length === 0 ? targets : 2 * room;
  }

  #field(field: number): number {
    return this.#kernels.ints[this.#record / 4 + field]! >>> 0;
  }

  /** Makes room for cells, and for targets where these are all that makes a cell. */
  #enlarge(room: number, targets: number): void {
    const kernels = this.#kernels;
    const { count } = this;
    if (room > this.#field(ROOM)) {
      const width = this.shape.factors.length + 1;
      const keys = kernels.alloc(4 * width * room);
      const records = kernels.alloc(8 * this.#stride * room);
      const { ints, doubles } = kernels;
      ints.copyWithin(keys / 4, this.#field(KEYS) / 4, this.#field(KEYS) / 4 + width * count);
      const before = this.#field(RECORDS) / 8;
      doubles.copyWithin(records / 8, before, before + this.#stride * count);
      ints.set([room, this.#field(SLOTS), keys, records], this.#record / 4 + ROOM);
      if (this.shape.factors.length === 0 && targets === this.#field(TARGETS)) return;
    }
    const slots = kernels.allocZeroed(4 * this.#slots(room, targets));
    kernels.ints[this.#record / 4 + SLOTS] = slots;
    kernels.ints[this.#record / 4 + TARGETS] = targets;
    if (count > 0) kernels.exports.rehashCells(this.#record);
  }
}
