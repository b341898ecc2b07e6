import type { Need } from "../csv/partial-copy.js";
import type { ValueType } from "./value-type.js";

/** A column of a file, as its format describes it; plain data. */
export interface FileColumn {
  readonly name: string;
  readonly type: ValueType;
}

/** A file that holds columns of typed values, chunk by chunk. */
export interface ColumnFile<Leaf extends FileColumn = FileColumn> {
  readonly name: string;
  readonly path: string | undefined;
  readonly fd: number;
  /** Fetches bytes of a file that lies elsewhere, before they are read through the descriptor. */
  readonly need: Need | undefined;
  readonly columns: readonly Leaf[];
  /** The columns that have no one value in a row, with what they are. */
  readonly others: readonly { name: string; what: string }[];
  /** What is to be said of the file besides. */
  readonly notes?: readonly string[];
}

/** Some rows of a file that a thread reads at once, before columns are chosen. */
export interface FileChunk {
  /** The file, by its place among those of the table. */
  readonly file: number;
  /** The number of the chunk's first row in its file. */
  readonly fileRow: number;
  /** Its rows in the part of the file that they lie in, such as a row group. */
  readonly from: number;
  readonly to: number;
}

/** Chunks of more rows are cut: so many are enough to keep a thread busy, and few enough to share. */
export const CHUNK_ROWS = 1 << 17;
