import { readFast } from "./fast-lane.js";
import { Levels } from "./levels.js";
import { readReference } from "./reference-lane.js";
import type { Table } from "./table.js";

/** The columns to read, by position in the file; the others are not parsed. Plain data. */
export interface ColumnChoice {
  /** Columns to read as numbers, one `Float64Array` each, in this order. */
  readonly numeric: readonly number[];
  /** Columns to read as factors, one `Int32Array` of level codes each, in this order. */
  readonly factors: readonly number[];
  /** Whether to keep each row's bytes, for output that repeats them. */
  readonly text?: boolean;
}

/** Rows as they stand in the file, without line ends: row i is `bytes[ends[i − 1] or 0 .. ends[i]]`. */
export interface RowText {
  readonly bytes: Uint8Array;
  readonly ends: Int32Array;
}

/** The rows that start in one chunk of the file, as columns. */
export interface ColumnBlock {
  /** The chunk's number (`ChunkPlan`). */
  readonly chunk: number;
  /** The number of the first row in the file, from 0. */
  readonly firstRow: number;
  readonly rows: number;
  /** One array of `rows` doubles per numeric column chosen; a missing cell is NaN. */
  readonly numeric: readonly Float64Array[];
  /** One array of `rows` codes into `levels` per factor chosen; a missing cell is −1. */
  readonly codes: readonly Int32Array[];
  readonly text: RowText | undefined;
}

/** How to read columns. */
export interface ReadOptions {
  /** One dictionary per factor chosen, which grows as levels appear. */
  readonly levels?: readonly Levels[];
  /** Bytes per chunk; default 1 MiB. Tests make it tiny, so that every row meets a boundary. */
  readonly chunkBytes?: number;
  /** `reference` reads all through csv-parse; default `fast`, which leaves to csv-parse what it cannot read. */
  readonly lane?: "fast" | "reference";
}

/**
 * The chosen columns of a table in the calling thread, one block per chunk that has rows, in file order.
 *
 * @throws DataError, with line and column, for a cell of a numeric column that is neither a finite number nor
 * missing, a row with too many or too few cells, a quoted cell that is not closed, and a file that changes
 */
export function readColumns(
  table: Table,
  choice: ColumnChoice,
  options: ReadOptions = {},
): AsyncGenerator<ColumnBlock, void, undefined> {
  const levels = options.levels ?? choice.factors.map(() => new Levels());
  const reference = table.dialect.odd || options.lane === "reference";
  const read = reference ? readReference : readFast;
  return read(table, choice, levels, options.chunkBytes);
}
