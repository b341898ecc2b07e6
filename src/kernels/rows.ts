import { BLOCK_ROWS } from "./block-rows.js";
import type { Kernels } from "./kernels.js";
import type { RowSink } from "./row-sink.js";

/** Why `RowParser.parse` stopped. */
export const Stop = {
  /** The block has `maxRows` rows. */
  Full: 0,
  /** No more rows start before the limit. */
  Limit: 1,
  /** The row at `next` is not wholly there, and more data follow. */
  NeedMore: 2,
  /** A cell of a numeric column is no number, or its value is not finite. */
  BadNumber: 3,
  /** A row has too few or too many cells. */
  Ragged: 4,
  /** A quote or a lone CR where this lane has no rule for it, or quotes that do not end. */
  StrayQuote: 5,
} as const;
export type Stop = (typeof Stop)[keyof typeof Stop];

const LIST_FULL = 6;
const LIST_ENTRY = 20;

/** Places of the request's fields (assembly/parse.ts, `Request`), i32 each. */
const Field = {
  directives: 0,
  columns: 1,
  delimiter: 2,
  block: 3,
  firstRow: 4,
  maxRows: 5,
  from: 6,
  limit: 7,
  end: 8,
  last: 9,
  list: 10,
  listRoom: 11,
  spans: 12,
  decimal: 13,
  hostReads: 14,
  separator: 15,
  rows: 16,
  next: 17,
  status: 18,
  rowStart: 19,
  column: 20,
  cell: 21,
  cellLength: 22,
  found: 23,
  listed: 24,
  missing: 25,
} as const;
const REQUEST_BYTES = 26 * 4;

/** What a file column is for: not read, a number, or a text; slot s is the block's s-th column. */
export type ColumnUse = { read: "skip" } | { read: "number"; slot: number } | { read: "text"; slot: number };

export interface RowParserOptions {
  /** One per column of the file. */
  columns: readonly ColumnUse[];
  /** The delimiter's byte; default a comma. */
  delimiter?: number;
  /** Rows that a block holds; default 128. */
  maxRows?: number;
  /** Distance of two block columns in doubles; default `maxRows`. */
  stride?: number;
  /** Whether to record where each row's text stands (`spans`). */
  spans?: boolean;
  /** The character before a number's fraction; default a point. */
  decimal?: "." | ",";
  /** The ASCII character between groups of digits; default none. */
  separator?: string | undefined;
  /**
   * Reads cells of numbers that are neither plain decimals nor missing: the value, NaN for a missing one, undefined
   * where it is no number. Default: none is.
   */
  readCell?: ((column: number, text: string) => number | undefined) | undefined;
}

/**
 * Parses CSV bytes in the kernels' memory into column-major blocks of doubles: slot s, row r at
 * block + 8(s·stride + r). Numbers equal JavaScript's `Number(cell)` bit for bit, missing ones (nothing, NA, N/A,
 * NaN, nan, null, NULL) are NaN. A text's slot holds its address (u32) and its length (u32, high bit: `""` inside
 * stands for a quote).
 *
 * After `parse`, the fields say what happened; they are overwritten by the next call.
 */
export class RowParser {
  readonly maxRows: number;
  readonly stride: number;
  /** Rows in the block, those before `firstRow` included. */
  rows = 0;
  /** Address of the first byte not parsed: a row's start, or at or after the limit. */
  next = 0;
  /** Numeric cells that were missing; those of a row that could not be finished may be among them. */
  missing = 0;
  /** For the three errors: where the row starts, its column (from 0) and the cell's place. */
  rowStart = 0;
  column = 0;
  cell = 0;
  cellLength = 0;
  /** For `Ragged`: cells found. */
  found = 0;
  /** Address of each row's [start, end) as u32 pairs, line ends left out; 0 unless asked for. */
  readonly spans: number;
  readonly #kernels: Kernels;
  readonly #request: number;
  readonly #list: number;
  readonly #directives: Int32Array;
  readonly #readCell: RowParserOptions["readCell"];

  constructor(kernels: Kernels, options: RowParserOptions) {
    const { columns, delimiter = 0x2c, maxRows = BLOCK_ROWS, stride = maxRows, spans = false } = options;
    this.#readCell = options.readCell;
    if (stride < maxRows) throw new RangeError(`a stride of ${stride} cannot hold ${maxRows} rows`);
    this.#kernels = kernels;
    this.maxRows = maxRows;
    this.stride = stride;
    this.#directives = Int32Array.from(columns, (use) => directive(use, 8 * stride));
    const directives = kernels.alloc(4 * columns.length);
    this.spans = spans ? kernels.alloc(8 * maxRows) : 0;
    const listRoom = Math.max(columns.length, 256);
    this.#list = kernels.alloc(LIST_ENTRY * listRoom);
    this.#request = kernels.alloc(REQUEST_BYTES);
    kernels.ints.set(this.#directives, directives / 4);
    const at = this.#request / 4;
    const { ints } = kernels;
    ints[at + Field.directives] = directives;
    ints[at + Field.columns] = columns.length;
    ints[at + Field.delimiter] = delimiter;
    ints[at + Field.maxRows] = maxRows;
    ints[at + Field.list] = this.#list;
    ints[at + Field.listRoom] = listRoom;
    ints[at + Field.spans] = this.spans;
    ints[at + Field.decimal] = (options.decimal ?? ".").charCodeAt(0);
    ints[at + Field.separator] = options.separator?.charCodeAt(0) ?? 0;
    ints[at + Field.hostReads] = options.readCell === undefined ? 0 : 1;
  }

  /**
   * Parses rows that start in [from, limit) into `block`, from its row `firstRow` on.
   *
   * Bytes up to `end` are there, `last` says that the data end with them. 64 bytes after `end` must be allocated;
   * two of them change during the call. Blocks that `sink` takes are not seen: it may come back with none, and more to parse.
   */
  parse(
    block: number,
    from: number,
    limit: number,
    end: number,
    last: boolean,
    { firstRow = 0, sink }: { firstRow?: number; sink?: RowSink | undefined } = {},
  ): Stop {
    const { exports, ints } = this.#kernels;
    const at = this.#request / 4;
    ints[at + Field.block] = block;
    ints[at + Field.firstRow] = firstRow;
    ints[at + Field.from] = from;
    ints[at + Field.limit] = limit;
    ints[at + Field.end] = end;
    ints[at + Field.last] = last ? 1 : 0;
    this.missing = 0;
    for (let first = true; ; first = false) {
      // A block whose beginning was parsed before is the host's.
      if (first && sink !== undefined) sink.parse(this.#request);
      else exports.parseRows(this.#request);
      this.rows = ints[at + Field.rows]!;
      this.next = ints[at + Field.next]! >>> 0;
      this.rowStart = ints[at + Field.rowStart]! >>> 0;
      this.column = ints[at + Field.column]!;
      this.cell = ints[at + Field.cell]! >>> 0;
      this.cellLength = ints[at + Field.cellLength]!;
      this.found = ints[at + Field.found]!;
      this.missing += ints[at + Field.missing]!;
      const status = ints[at + Field.status]!;
      const listed = ints[at + Field.listed]!;
      if (listed > 0 && !this.#decide(block, listed, status)) return Stop.BadNumber;
      if (status !== LIST_FULL) return status as Stop;
      ints[at + Field.firstRow] = this.rows;
      ints[at + Field.from] = this.next;
    }
  }

  /** Numbers that the kernel could not round; false where one is not finite, which ends the parse there. */
  #decide(block: number, listed: number, status: number): boolean {
    const { ints, doubles } = this.#kernels;
    for (let i = 0, at = this.#list / 4; i < listed; i++, at += LIST_ENTRY / 4) {
      const row = ints[at]!;
      if (row >= this.rows && status === Stop.NeedMore) return true;
      const column = ints[at + 1]!;
      const cell = ints[at + 2]! >>> 0;
      const length = ints[at + 3]!;
      const text = this.text(cell, length);
      const value = this.#readCell === undefined ? Number(text) : this.#readCell(column, text);
      if (value !== undefined && (Number.isFinite(value) || (Number.isNaN(value) && this.#readCell))) {
        if (Number.isNaN(value)) this.missing++;
        doubles[(block + this.#directives[column]!) / 8 + row] = value;
        continue;
      }
      this.rows = row;
      this.rowStart = ints[at + 4]! >>> 0;
      this.next = this.rowStart;
      this.column = column;
      this.cell = cell;
      this.cellLength = length;
      return false;
    }
    return true;
  }

  /** The bytes at an address as text (UTF-8). */
  text(address: number, length: number): string {
    return decoder.decode(this.#kernels.bytes.subarray(address, address + length));
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A column's code in the kernel: the byte offset of its slot, −2 − that for text, −1 for a column not read. */
function directive(use: ColumnUse, slotBytes: number): number {
  if (use.read === "skip") return -1;
  const offset = use.slot * slotBytes;
  return use.read === "number" ? offset : -2 - offset;
}
