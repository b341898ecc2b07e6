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
  /** Where the data end; infinite for a stream, before it has ended. */
  readonly size: number;
  /** Before which byte rows start: `size`, but where a part of a table is read. Its last row may end behind it. */
  readonly limit: number;
  readonly chunks: number;
  /** Where a part is read: what is known of the bytes before `dataStart`, and whether that is within the table's data. */
  readonly part?: (Pick<TablePart, "before" | "linewise"> & { readonly within: boolean }) | undefined;
  /** The number of the first row: not 0 where the table goes on another. */
  readonly firstRow: number;
}

/** The plan of a table, or of a part of it, whose data end at byte `size`. */
export function planChunks(
  table: {
    readonly dataStart: number;
    readonly dataLine: number;
    readonly part?: TablePart | undefined;
  },
  size = Number.POSITIVE_INFINITY,
  chunkBytes = CHUNK_BYTES,
  firstRow = 0,
): ChunkPlan {
  const { dataLine, part } = table;
  const dataStart = part?.start ?? table.dataStart;
  const limit = part?.end ?? size;
  const chunks = Math.ceil((limit - dataStart) / chunkBytes);
  return {
    dataStart,
    dataLine,
    chunkBytes,
    size,
    limit,
    chunks,
    firstRow,
    part: part && {
      before: part.before,
      linewise: part.linewise,
      within: dataStart > table.dataStart,
    },
  };
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

/**
 * The rows of a table that are read, where they are not all: those that start at bytes [start, end) of its source, which is
 * a plain file. Of a table without any, both are the same.
 */
export interface TablePart {
  readonly start: number;
  readonly end: number;
  /** What lies between the table's first row and `start`. Of a table without rows in the part `firstRow` is its rows. */
  readonly before: ChunkStart;
  /**
   * Whether nothing was counted before `start`, and every line is taken for a row: `start` and `end` are those of lines then,
   * `before` is 0, and rows are numbered from the part's first. A cell that spans lines is refused by whoever reads where it starts, so of all parts of a file
   * that has one, one is.
   */
  readonly linewise: boolean;
}

const NOTHING: ChunkStart = { firstRow: 0, lines: 0, insideQuote: false };

/** The start of chunk 0. */
export function firstChunk({ firstRow, part }: Pick<ChunkPlan, "firstRow" | "part">): ChunkStart {
  const { before } = part ?? { before: NOTHING };
  return { ...before, firstRow: firstRow + before.firstRow };
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
