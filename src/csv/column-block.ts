/** The columns to read, by position in the file; the others are not parsed. Plain data. */
export interface ColumnChoice {
  /** Columns to read as numbers, one `Float64Array` each, in this order. */
  readonly numeric: readonly number[];
  /** Columns to read as factors, one `Int32Array` of level codes each, in this order. */
  readonly factors: readonly number[];
  /** Whether to keep each row's bytes, for output that repeats them. */
  readonly text?: boolean;
  /** The column whose cells name the rows, where that is none of the others. */
  readonly name?: number | undefined;
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
  /** Whether each numeric column has a value in every row; where nothing is said of that, nobody has looked. */
  readonly filled?: readonly boolean[] | undefined;
  /** One array of `rows` codes into `levels` per factor chosen; a missing cell is −1. */
  readonly codes: readonly Int32Array[];
  readonly text: RowText | undefined;
  /** The cells of the choice's `name`. */
  readonly rowNames?: readonly string[] | undefined;
  /** The rows' numbers, where some between were left out. */
  readonly rowNumbers?: Float64Array | undefined;
}
