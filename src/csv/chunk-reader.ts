import { isUtf8 } from "node:buffer";
import { readSync } from "node:fs";
import { cellReaders, type NumberFormat } from "../dataset/number-format.js";
import type { Column } from "../dataset/schema.js";
import { DataError } from "../errors.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import type { Kernels, RowCount } from "../kernels/kernels.js";
import { LevelTable } from "../kernels/levels.js";
import type { RowSink } from "../kernels/row-sink.js";
import { type ColumnUse, RowParser, Stop } from "../kernels/rows.js";
import type { Xxh128 } from "../kernels/xxh128.js";
import { option, wording } from "../wording.js";
import { type ChunkPlan, type ChunkStart, LARGEST_ROW, LaneStop, startAfter } from "./chunks.js";
import type { ColumnChoice } from "./column-block.js";
import { type Levels, levelsOf } from "./levels.js";
import { changedError } from "./read-error.js";
import type { StreamChunk } from "./stream-chunks.js";
import type { Table } from "./table.js";
import { spanningError } from "./table-part.js";
import type { TypedChunks } from "./typed-rows.js";

/** What a thread needs to know to read chunks; plain data, so that it can go to a worker. */
export interface LaneSpec {
  /** The file's name, for messages. */
  readonly name: string;
  readonly plan: ChunkPlan;
  readonly columns: readonly Column[];
  readonly format: NumberFormat;
  readonly delimiter: string;
  readonly choice: ColumnChoice;
  /** The chunks, where they are columns of typed values and not text. */
  readonly typed?: TypedChunks | undefined;
}

/** The spec of the fast lane for a table. */
export function laneSpec(table: Table, choice: ColumnChoice, plan: ChunkPlan): LaneSpec {
  return {
    name: table.source.name,
    plan,
    columns: table.columns,
    format: table.format,
    delimiter: table.dialect.delimiter,
    choice,
  };
}

/** Bytes read beyond a chunk in the first go, for its last row: most rows are shorter. */
const TAIL = 4096;
/** Bytes past the data that the kernels read or write. */
const SLACK = 128;

/**
 * The fast lane over one chunk at a time, in one thread's kernels: `load` it, `count` it, and, once the counts of
 * all chunks before it are known, go through its `blocks`.
 *
 * Numeric column j of the choice is the block's column j: row r at `block` + 8(128 j + r) in the kernels' memory,
 * NaN where missing, ready for the Gram kernels. `reader.missing` says whether any is. `codes[i]` holds factor i's
 * level codes. All of them are overwritten by the next block. The reader takes memory of the kernels while it reads
 * (long rows, new levels): do not `release` to a mark from before.
 */
export class ChunkReader {
  /** Address of the block, which has room for `slots` columns rounded up to a multiple of four. */
  readonly block: number;
  /** One code per row of the block for each factor; −1 where missing. */
  readonly codes: readonly Int32Array[];
  readonly levels: readonly Levels[];
  /** Every row is read. */
  readonly pruned = 0;
  /** Whether the block has a missing number. */
  missing = false;
  /** The number of the block's first row. */
  firstRow = 0;
  readonly #kernels: Kernels;
  readonly #spec: LaneSpec;
  readonly #parser: RowParser;
  readonly #fd: number | undefined;
  /** Per factor: the kernels' codes of cells as they stand in the file, and the levels' codes for those. */
  readonly #cells: readonly { table: LevelTable; levels: number[] }[];
  readonly #cellCodes: number;
  #data: number;
  #capacity: number;
  #chunk = 0;
  #own = 0;
  #length = 0;
  #last = false;
  /** Whether the chunk's own bytes have NUL among them, or characters that are not ASCII. */
  #special = false;
  /** Columns of the block in which certain numbers stand for a missing value. */
  readonly #missingNumbers: readonly { slot: number; values: readonly number[] }[];
  /** How many rows were counted in the chunk, given its start. */
  #counted: ((start: ChunkStart) => number) | undefined;
  #count: RowCount | undefined;

  /**
   * @param fd a file open for reading, if chunks are to be loaded from one
   * @param levels one dictionary per factor chosen
   */
  constructor(
    kernels: Kernels,
    spec: LaneSpec,
    fd?: number,
    levels: readonly Levels[] = levelsOf(spec, spec.choice),
  ) {
    const { numeric, factors, text = false, name } = spec.choice;
    const columns: ColumnUse[] = spec.columns.map(() => ({ read: "skip" }));
    const readerOf = cellReaders(spec.format);
    const readers = spec.columns.map(({ name }) => readerOf(name));
    numeric.forEach((column, slot) => {
      columns[column] = { read: "number", slot };
    });
    factors.forEach((column, i) => {
      columns[column] = { read: "text", slot: numeric.length + i };
    });
    if (name !== undefined) columns[name] = { read: "text", slot: numeric.length + factors.length };
    this.#kernels = kernels;
    this.#spec = spec;
    this.#fd = fd;
    this.levels = levels;
    this.codes = factors.map(() => new Int32Array(BLOCK_ROWS));
    this.#parser = new RowParser(kernels, {
      columns,
      delimiter: spec.delimiter.charCodeAt(0),
      maxRows: BLOCK_ROWS,
      spans: text,
      decimal: spec.format.decimal,
      separator: /^[!-~ ]$/.test(spec.format.thousands ?? "") ? spec.format.thousands : undefined,
      readCell: numeric.every((column) => readers[column]!.plain)
        ? undefined
        : (column, cell) => readers[column]!.number(cell),
    });
    this.#missingNumbers = numeric.flatMap((column, slot) => {
      const values = readers[column]!.missingNumbers;
      return values.length === 0 ? [] : [{ slot, values }];
    });
    this.#cells = factors.map((_, i) => ({
      table: new LevelTable(kernels, undefined, this.levels[i]!.literal),
      levels: [],
    }));
    this.#cellCodes = kernels.alloc(4 * BLOCK_ROWS);
    this.block = kernels.allocBlock(numeric.length + factors.length + (name === undefined ? 0 : 1));
    this.#capacity = spec.plan.chunkBytes + TAIL;
    this.#data = this.#allocData(this.#capacity);
  }

  /**
   * Reads a chunk from the file, with the bytes after it that its last row is likely to need.
   *
   * @throws DataError if the file has become shorter
   */
  load(chunk: number): void {
    const { dataStart, chunkBytes, size, limit, part } = this.#spec.plan;
    const from = dataStart + chunk * chunkBytes;
    this.#chunk = chunk;
    this.#counted = undefined;
    this.#own = Math.min(chunkBytes, limit - from);
    this.#length = 0;
    if (chunk === 0 && !part?.within) this.#kernels.bytes[this.#data - 1] = 0x0a;
    else this.#read(from - 1, this.#data - 1, 1);
    this.#append(Math.min(size - from, chunkBytes + TAIL));
  }

  /** Takes a chunk of a stream, which has all of its last row with it. */
  loadStream({ chunk, own, before, bytes, rows, special, last }: StreamChunk): void {
    this.#chunk = chunk;
    this.#special = special;
    this.#counted = () => rows;
    this.#own = own;
    this.#length = 0;
    this.#reserve(bytes.length);
    this.#kernels.bytes[this.#data - 1] = before;
    this.#kernels.bytes.set(bytes, this.#data);
    this.#finish(bytes.length, last);
  }

  /** Adds the chunk's own bytes to a hash. */
  hash(hash: Xxh128): void {
    hash.addAt(this.#data, this.#own);
  }

  /** Counts the chunk's rows, line feeds and quotes; `startAfter` adds them up. */
  count(): RowCount {
    const count = this.#kernels.countRows(this.#data, this.#own);
    this.#special = count.special;
    this.#counted = (start) => startAfter(start, count).firstRow - start.firstRow;
    this.#count = count;
    return count;
  }

  /**
   * Parses the chunk's rows into `block`, at most 128 at a time, and yields how many there are each time. Of rows that `sink`
   * takes there is nothing to be seen but their numbers: now and then it yields 0.
   *
   * @throws LaneStop at a row that this lane cannot read, and where it does not find as many rows as were counted
   */
  *blocks(start: ChunkStart, sink?: RowSink): Generator<number, void, undefined> {
    const parser = this.#parser;
    this.firstRow = start.firstRow;
    const { chunks, part } = this.#spec.plan;
    const linewise = part?.linewise === true;
    if (linewise && this.#linesWithin(start) > 0) throw spanningError(this.#spec.name);
    this.missing = false;
    let at = this.#data + this.#kernels.findRowStart(this.#data, this.#own, start.insideQuote);
    let rows = 0;
    for (;;) {
      const end = this.#data + this.#length;
      const limit = this.#data + this.#own;
      const sinking =
        sink !== undefined && !this.#special && !this.missing && this.#missingNumbers.length === 0;
      if (sinking) sink.begin(this.firstRow, limit);
      const stop = parser.parse(this.block, at, limit, end, this.#last, {
        firstRow: rows,
        sink: sinking ? sink : undefined,
      });
      if (!this.#isText(at, parser.next)) throw this.stopAt(start);
      if (sinking) this.firstRow += sink.taken();
      rows = parser.rows;
      this.missing ||= parser.missing > 0;
      if (stop === Stop.NeedMore) {
        const offset = parser.next - this.#data;
        if (!this.#extend(offset)) throw this.stopAt(start);
        at = this.#data + offset;
        continue;
      }
      if (stop !== Stop.Full && stop !== Stop.Limit) throw this.stopAt(start);
      if (rows > 0) {
        this.#blankMissing(rows);
        if (!this.#readCodes(rows)) throw this.stopAt(start);
        yield rows;
      } else if (sinking) yield 0;
      if (stop === Stop.Limit) {
        // The rows after this chunk were numbered by the count: it must be what was parsed.
        const parsed = this.firstRow + rows - start.firstRow;
        if (this.#counted && this.#counted(start) !== parsed) throw this.stopAt(start);
        if (linewise && this.#chunk === chunks - 1 && startAfter(start, this.#count!).insideQuote)
          throw spanningError(this.#spec.name);
        return;
      }
      this.firstRow += rows;
      this.missing = false;
      rows = 0;
      at = parser.next;
    }
  }

  /** How many lines of the chunk start within quotes. */
  #linesWithin({ insideQuote }: ChunkStart): number {
    return insideQuote ? this.#count!.rowsIfOutside : this.#count!.rowsIfInside;
  }

  /** Address of each row's [start, end) in the file's bytes, as u32 pairs; 0 where the choice has no `text`. */
  get spans(): number {
    return this.#parser.spans;
  }

  /** The bytes of row r of the block as they stand in the file, without line end; a view of the kernels' memory. */
  rowBytes(r: number): Uint8Array {
    const { ints, bytes } = this.#kernels;
    const at = this.#parser.spans / 4 + 2 * r;
    return bytes.subarray(ints[at]! >>> 0, ints[at + 1]! >>> 0);
  }

  /** The text of row r's name, quotes undone; undefined where the choice has none. */
  rowName(r: number): string | undefined {
    const { numeric, factors, name } = this.#spec.choice;
    if (name === undefined) return undefined;
    const at = this.block / 4 + 2 * (BLOCK_ROWS * (numeric.length + factors.length) + r);
    const { ints } = this.#kernels;
    const tagged = ints[at + 1]! >>> 0;
    const text = this.#parser.text(ints[at]! >>> 0, tagged & 0x7fffffff);
    return (tagged >= 0x80000000 ? text.replaceAll('""', '"') : text).trim();
  }

  /** Moves `count` of the block's rows to its start: row `rows[i]` becomes row i. */
  select(rows: Int32Array, count: number): void {
    const { numeric, factors, name } = this.#spec.choice;
    const { doubles } = this.#kernels;
    // What names a row is in a slot behind those of the factors, two integers that move as one double would.
    const slots = [...numeric.keys(), ...(name === undefined ? [] : [numeric.length + factors.length])];
    const bits = new BigUint64Array(doubles.buffer);
    for (const slot of slots) {
      const at = this.block / 8 + BLOCK_ROWS * slot;
      for (let i = 0; i < count; i++) bits[at + i] = bits[at + rows[i]!]!;
    }
    if (this.#parser.spans !== 0) {
      const at = this.#parser.spans / 8;
      for (let i = 0; i < count; i++) bits[at + i] = bits[at + rows[i]!]!;
    }
    for (const codes of this.codes) for (let i = 0; i < count; i++) codes[i] = codes[rows[i]!]!;
  }

  /** The block's columns of numbers, as views of the kernels' memory, `rows` long. */
  numeric(rows: number): Float64Array[] {
    const { numeric } = this.#spec.choice;
    return numeric.map((_, j) => this.#kernels.doublesAt(this.block + 8 * BLOCK_ROWS * j, rows));
  }

  /** What to throw where csv-parse has to read this chunk. */
  stopAt(start: ChunkStart): LaneStop {
    const { dataStart, dataLine, chunkBytes } = this.#spec.plan;
    const { bytes } = this.#kernels;
    const first = this.#kernels.findRowStart(this.#data, this.#own, start.insideQuote);
    let line = dataLine + start.lines;
    for (let i = this.#data; i < this.#data + first; i++) if (bytes[i] === 0x0a) line++;
    const offset = dataStart + this.#chunk * chunkBytes + first;
    return new LaneStop(this.#chunk, { firstRow: start.firstRow, offset, line });
  }

  /** Whether the rows that lie at [from, to) are UTF-8 without NUL. Only where there is more than ASCII is it looked at. */
  #isText(from: number, to: number): boolean {
    const own = this.#data + this.#own;
    if (!this.#special && (to <= own || !this.#kernels.hasSpecial(Math.max(from, own), to))) return true;
    const bytes = this.#kernels.bytes.subarray(from, to);
    return isUtf8(bytes) && !bytes.includes(0);
  }

  /** Makes NaN of the numbers that stand for a missing value. */
  #blankMissing(rows: number): void {
    for (const { slot, values } of this.#missingNumbers) {
      const column = this.#kernels.doublesAt(this.block + 8 * BLOCK_ROWS * slot, rows);
      for (let r = 0; r < rows; r++)
        if (values.includes(column[r]!)) {
          column[r] = Number.NaN;
          this.missing = true;
        }
    }
  }

  /** Finds the levels' codes; false where a text is a number and must not be. */
  #readCodes(rows: number): boolean {
    const { numeric, factors } = this.#spec.choice;
    for (const [i, { table, levels }] of this.#cells.entries()) {
      if (!table.intern(this.block, numeric.length + i, rows, this.#cellCodes)) {
        throw new DataError(`more than ${table.maxLevels} different texts`, {
          place: { file: this.#spec.name, column: this.#spec.columns[factors[i]!]!.name },
          hint: wording`a column with so many texts is no factor; leave it out with ${option("exclude")}`,
        });
      }
      const cells = this.#kernels.ints.subarray(this.#cellCodes / 4, this.#cellCodes / 4 + rows);
      const codes = this.codes[i]!;
      for (let r = 0; r < rows; r++) {
        const cell = cells[r]!;
        // The kernels' codes come in order of first appearance: a new one is the next.
        if (cell === levels.length) {
          const code = this.levels[i]!.codeOfNew(table.level(cell), this.firstRow + r);
          if (code === undefined) return false;
          levels.push(code);
        }
        codes[r] = cell < 0 ? cell : levels[cell]!;
      }
    }
    return true;
  }

  /** Gets more of the file for a row that starts at `offset`; false if there is no more or the row is too long. */
  #extend(offset: number): boolean {
    if (this.#last || this.#fd === undefined) return false;
    const have = this.#length - offset;
    if (have > LARGEST_ROW) return false;
    const { dataStart, chunkBytes, size } = this.#spec.plan;
    const left = size - (dataStart + this.#chunk * chunkBytes + this.#length);
    this.#append(Math.min(left, Math.max(TAIL, have)));
    return true;
  }

  #append(count: number): void {
    const { dataStart, chunkBytes, size } = this.#spec.plan;
    const position = dataStart + this.#chunk * chunkBytes + this.#length;
    this.#reserve(this.#length + count);
    this.#read(position, this.#data + this.#length, count);
    this.#finish(this.#length + count, position + count >= size);
  }

  #read(position: number, address: number, count: number): void {
    const { bytes } = this.#kernels;
    for (let done = 0; done < count; ) {
      const got = readSync(this.#fd!, bytes, address + done, count - done, position + done);
      if (got === 0) throw changedError(this.#spec.name, this.#spec.plan.size, position + done);
      done += got;
    }
  }

  #finish(length: number, last: boolean): void {
    this.#length = length;
    this.#last = last;
    this.#kernels.bytes.fill(0, this.#data + length, this.#data + length + 2);
  }

  /** Makes room for `size` bytes; what is there is kept. Addresses into the old place stay readable. */
  #reserve(size: number): void {
    if (size <= this.#capacity) return;
    const capacity = Math.max(size, 2 * this.#capacity);
    const data = this.#allocData(capacity);
    this.#kernels.bytes.copyWithin(data - 1, this.#data - 1, this.#data + this.#length);
    this.#data = data;
    this.#capacity = capacity;
  }

  /** Room for data, with a byte before it, aligned for the kernels' 16-byte loads. */
  #allocData(capacity: number): number {
    return this.#kernels.alloc(capacity + 16 + SLACK) + 16;
  }
}
