import { BLOCK_ROWS } from "./block-rows.js";
import { type Exports, instantiate } from "./wasm.js";

const PAGE = 65536;
const LARGEST = 65536 * PAGE;
/** Bytes past the last allocation that kernels may read (whole SIMD blocks at a time). */
const SLACK = 256;

/**
 * The numeric kernels and the memory that they work on: one per thread is enough, `threadKernels()` gives it.
 *
 * Memory is handed out by a bump allocator: `alloc` takes, `mark` and `release` give back everything taken since.
 * Addresses are bytes from the start of memory. `bytes`, `ints` and `doubles` view all of it; any `alloc` may
 * grow the memory and so replace them: read them from here after allocating, do not keep them.
 */
export class Kernels {
  readonly exports: Exports;
  bytes: Uint8Array<ArrayBuffer>;
  ints: Int32Array<ArrayBuffer>;
  doubles: Float64Array<ArrayBuffer>;
  #top: number;
  readonly #counts: number;

  constructor() {
    this.exports = instantiate();
    const buffer = this.exports.memory.buffer;
    this.bytes = new Uint8Array(buffer);
    this.ints = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.#top = this.exports.heapBase();
    this.exports.init();
    this.#counts = this.alloc(20);
  }

  /**
   * Takes `bytes` bytes, aligned to 16, and returns their address; what they hold is undefined.
   * At least 256 more bytes after them can be read. Throws a RangeError past 4 GiB.
   */
  alloc(bytes: number): number {
    const at = Math.ceil(this.#top / 16) * 16;
    const top = at + bytes;
    const needed = top + SLACK - this.bytes.length;
    if (needed > 0) this.#grow(needed, top);
    this.#top = top;
    return at;
  }

  #grow(needed: number, top: number): void {
    const size = this.bytes.length;
    // A little ahead, so that many small allocations do not grow many times.
    const ahead = Math.min(Math.max(needed, size >> 2), LARGEST - size);
    if (top + SLACK > LARGEST)
      throw new RangeError(`the kernels need ${top} bytes, WebAssembly has ${LARGEST}`);
    this.exports.memory.grow(Math.ceil(Math.max(needed, ahead) / PAGE));
    const buffer = this.exports.memory.buffer;
    this.bytes = new Uint8Array(buffer);
    this.ints = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
  }

  /** The state of the allocator, for `release`. */
  mark(): number {
    return this.#top;
  }

  /** Gives back all that was allocated since `mark()` returned `mark`. */
  release(mark: number): void {
    this.#top = mark;
  }

  /** `alloc` of zeroed bytes. */
  allocZeroed(bytes: number): number {
    const at = this.alloc(bytes);
    this.bytes.fill(0, at, at + bytes);
    return at;
  }

  /**
   * Takes a column-major block for up to 128 rows: column j, row r at block + 8(128 j + r). It has room for
   * `columns` rounded up to a multiple of four, which the Gram kernels fill.
   */
  allocBlock(columns: number): number {
    return this.alloc(Math.ceil(columns / 4) * 4 * BLOCK_ROWS * 8);
  }

  /** A view of `length` doubles at an address. */
  doublesAt(address: number, length: number): Float64Array<ArrayBuffer> {
    return this.doubles.subarray(address / 8, address / 8 + length);
  }

  /**
   * Counts rows of the CSV bytes [ptr, ptr + length) without knowing whether they start within quotes.
   *
   * A row starts at byte i if byte i − 1 is LF outside quotes and the line is not blank (LF, CR LF, or CR at the
   * end of the data). The byte before `ptr` must be there (LF at the start of the data), and two bytes after the
   * last (0 past the end of the data).
   */
  countRows(ptr: number, length: number): RowCount {
    this.exports.countRows(ptr, length, this.#counts);
    const at = this.#counts / 4;
    return {
      rowsIfOutside: this.ints[at]!,
      rowsIfInside: this.ints[at + 1]!,
      lines: this.ints[at + 2]!,
      quoteParity: this.ints[at + 3]!,
      special: this.ints[at + 4] !== 0,
    };
  }

  /** Whether one of the bytes [from, to) is NUL or not ASCII. */
  hasSpecial(from: number, to: number): boolean {
    return this.exports.hasSpecial(from, to) !== 0;
  }

  /** The offset of the first row start in [ptr, ptr + length), or `length`; the same contract as `countRows`. */
  findRowStart(ptr: number, length: number, insideQuote: boolean): number {
    return this.exports.findRowStart(ptr, length, insideQuote ? 1 : 0) >>> 0;
  }
}

/** What `countRows` found in a chunk. */
export interface RowCount {
  /** Rows that start in the chunk if it starts outside quotes. */
  rowsIfOutside: number;
  /** Rows that start in the chunk if it starts within quotes. */
  rowsIfInside: number;
  /** Line feeds, within quotes or not. */
  lines: number;
  /** 1 if the number of quotes is odd, so that the state after the chunk is not the one before it. */
  quoteParity: number;
  /** Whether a byte is NUL or not ASCII, so that the text has to be looked at more closely. */
  special: boolean;
}

let own: Kernels | undefined;

/** The calling thread's kernels, made at the first call. */
export function threadKernels(): Kernels {
  own ??= new Kernels();
  return own;
}
