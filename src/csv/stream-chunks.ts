import type { Kernels, RowCount } from "../kernels/kernels.js";
import { type ChunkPlan, type ChunkStart, firstChunk, LARGEST_ROW, startAfter } from "./chunks.js";

/** A chunk of a stream with all that is needed to read it: nothing before or after it is. */
export interface StreamChunk {
  readonly chunk: number;
  readonly start: ChunkStart;
  /** How many rows start in the chunk. */
  readonly rows: number;
  /** The byte before the chunk; a line feed before the first. */
  readonly before: number;
  /** The chunk's own bytes and those after it up to the next row. */
  readonly bytes: Uint8Array;
  /** How many of them are the chunk's own. */
  readonly own: number;
  /** Whether the chunk's own bytes have NUL among them, or characters that are not ASCII. */
  readonly special: boolean;
  /** Whether the data end with these bytes. */
  readonly last: boolean;
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly start: ChunkStart;
  readonly rows: number;
  readonly special: boolean;
}

/**
 * Cuts a stream into the plan's chunks and counts them on the way, in the calling thread: counting is ten times
 * faster than parsing, and a stream comes in order anyway.
 */
export class StreamChunks {
  readonly #counter: PieceCounter;
  readonly #pieces: AsyncGenerator<Uint8Array, void, undefined>;
  /** Pieces that were read beyond the chunks given so far, for the ends of rows. */
  readonly #ahead: Piece[] = [];
  #start: ChunkStart;
  #before = 0x0a;
  #chunk = 0;
  #ended = false;

  constructor(chunks: AsyncIterable<Uint8Array>, plan: ChunkPlan, kernels: Kernels) {
    this.#start = firstChunk(plan);
    this.#counter = new PieceCounter(kernels, plan.chunkBytes);
    this.#pieces = cut(chunks, plan.dataStart, plan.chunkBytes);
  }

  /**
   * The next chunk, undefined at the end. Where its last row does not end within `LARGEST_ROW` bytes it comes
   * without that row's end.
   */
  async next(): Promise<StreamChunk | undefined> {
    const ahead = this.#ahead;
    if (ahead.length === 0 && !(await this.#more())) return undefined;
    const piece = ahead[0]!;
    const parts = [piece.bytes];
    let tail = 0;
    let behind = 0;
    for (let i = 1; tail <= LARGEST_ROW; i++) {
      if (i >= ahead.length && !(await this.#more())) break;
      const { bytes, start } = ahead[i]!;
      const rowStart = this.#counter.rowStart(bytes, ahead[i - 1]!.bytes.at(-1)!, start.insideQuote);
      if (rowStart > 0) parts.push(bytes.subarray(0, rowStart));
      tail += rowStart;
      behind = bytes.length - rowStart;
      if (behind > 0) break;
    }
    ahead.shift();
    const chunk: StreamChunk = {
      chunk: this.#chunk++,
      start: piece.start,
      rows: piece.rows,
      before: this.#before,
      bytes: parts.length === 1 ? piece.bytes : Buffer.concat(parts),
      own: piece.bytes.length,
      special: piece.special,
      last: this.#ended && behind === 0,
    };
    this.#before = piece.bytes.at(-1)!;
    return chunk;
  }

  /** Where the chunk after the last one read would start; at the end of the stream its row number counts all rows. */
  get end(): ChunkStart {
    return this.#start;
  }

  /** All bytes after those that are the given chunks' own; `next` must not be called any more. */
  async *rest(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const piece of this.#ahead) yield piece.bytes;
    yield* this.#pieces;
  }

  /** Stops reading the stream. */
  async close(): Promise<void> {
    await this.#pieces.return();
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    const next = await this.#pieces.next();
    if (next.done) {
      this.#ended = true;
      return false;
    }
    const previous = this.#ahead.at(-1)?.bytes.at(-1) ?? this.#before;
    const count = this.#counter.count(next.value, previous);
    const start = this.#start;
    this.#start = startAfter(start, count);
    this.#ahead.push({
      bytes: next.value,
      start,
      rows: this.#start.firstRow - start.firstRow,
      special: count.special,
    });
    return true;
  }
}

/** Counts pieces in the kernels' memory. */
class PieceCounter {
  readonly #kernels: Kernels;
  readonly #data: number;

  constructor(kernels: Kernels, size: number) {
    this.#kernels = kernels;
    this.#data = kernels.alloc(size + 144) + 16;
  }

  count(bytes: Uint8Array, before: number): RowCount {
    this.#put(bytes, before);
    return this.#kernels.countRows(this.#data, bytes.length);
  }

  rowStart(bytes: Uint8Array, before: number, insideQuote: boolean): number {
    this.#put(bytes, before);
    return this.#kernels.findRowStart(this.#data, bytes.length, insideQuote);
  }

  #put(bytes: Uint8Array, before: number): void {
    const memory = this.#kernels.bytes;
    memory[this.#data - 1] = before;
    memory.set(bytes, this.#data);
    memory.fill(0, this.#data + bytes.length, this.#data + bytes.length + 2);
  }
}

/** The bytes from `start` on in pieces of exactly `size`, the last one shorter. */
async function* cut(
  chunks: AsyncIterable<Uint8Array>,
  start: number,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let skip = start;
  let piece = new Uint8Array(size);
  let filled = 0;
  for await (const chunk of chunks) {
    let from = Math.min(skip, chunk.length);
    skip -= from;
    while (from < chunk.length) {
      const count = Math.min(size - filled, chunk.length - from);
      piece.set(chunk.subarray(from, from + count), filled);
      filled += count;
      from += count;
      if (filled === size) {
        yield piece;
        piece = new Uint8Array(size);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}
