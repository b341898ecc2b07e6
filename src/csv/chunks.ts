import type { RowCount } from "../kernels/kernels.js";

/** Bytes per chunk: a constant, because results must not depend on the machine. */
export const CHUNK_BYTES = 1 << 20;

/** The longest row that is read, in bytes; more than that is taken for a quote that is never closed. */
export const LARGEST_ROW = 1 << 26;

/**
 * How a table's bytes are cut: chunk k holds the rows that start at bytes
 * [dataStart + k·chunkBytes, dataStart + (k + 1)·chunkBytes). Plain data, so that it can go to a worker.
 */
export interface ChunkPlan {
  readonly dataStart: number;
  readonly dataLine: number;
  readonly chunkBytes: number;
  /** Where the data end, and the number of chunks that makes; infinite for a stream, before it has ended. */
  readonly size: number;
  readonly chunks: number;
  /** The number of the first row: not 0 where the table goes on another. */
  readonly firstRow: number;
}

/** The plan of a table whose data end at byte `size`. */
export function planChunks(
  table: { readonly dataStart: number; readonly dataLine: number },
  size = Number.POSITIVE_INFINITY,
  chunkBytes = CHUNK_BYTES,
  firstRow = 0,
): ChunkPlan {
  const { dataStart, dataLine } = table;
  const chunks = Math.ceil((size - dataStart) / chunkBytes);
  return { dataStart, dataLine, chunkBytes, size, chunks, firstRow };
}

/** What must be known of everything before a chunk to read it. */
export interface ChunkStart {
  /** The number, from 0, of the first row that starts in the chunk. */
  readonly firstRow: number;
  /** Line feeds between the start of the data and the chunk. */
  readonly lines: number;
  /** Whether the chunk's first byte stands within quotes. */
  readonly insideQuote: boolean;
}

/** The start of chunk 0. */
export function firstChunk({ firstRow }: { readonly firstRow: number }): ChunkStart {
  return { firstRow, lines: 0, insideQuote: false };
}

/** The start of the next chunk, from a chunk's own start and what was counted in it: a running total. */
export function startAfter(start: ChunkStart, count: RowCount): ChunkStart {
  return {
    firstRow: start.firstRow + (start.insideQuote ? count.rowsIfInside : count.rowsIfOutside),
    lines: start.lines + count.lines,
    insideQuote: start.insideQuote !== (count.quoteParity === 1),
  };
}

/** Where to go on reading: a row's number, the byte offset in the file at which it starts, and its line, from 1. */
export interface ResumePoint {
  readonly firstRow: number;
  readonly offset: number;
  readonly line: number;
}

/**
 * Thrown by the fast lane where it cannot read a row: an error in the data, or quoting that only csv-parse
 * understands. The csv-parse lane goes on from the first row of that chunk, with the same blocks or with an error
 * that says what is wrong; the chunks before it stand. Plain data, so that a worker can send it.
 */
export class LaneStop extends Error {
  readonly chunk: number;
  readonly resume: ResumePoint;

  constructor(chunk: number, resume: ResumePoint) {
    super(`the fast lane stops in chunk ${chunk}`);
    this.name = "LaneStop";
    this.chunk = chunk;
    this.resume = resume;
  }
}
