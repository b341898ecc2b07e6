import type { Levels } from "../csv/levels.js";

/**
 * Where a job finds the rows of a block, at most 128 of them: numeric columns in the kernels' memory, row r of
 * column j at `block` + 8(128 j + r), NaN where missing; factors as codes. `ChunkReader` is one.
 */
export interface BlockSource {
  readonly block: number;
  /** The number of the block's first row. */
  readonly firstRow: number;
  /** Whether a number in the block is missing. */
  readonly missing: boolean;
  readonly codes: readonly Int32Array[];
  readonly levels: readonly Levels[];
  /** Where in the kernels' memory the rows' bytes stand (`RowParser.spans`), 0 where they are elsewhere. */
  readonly spans: number;
  /** The bytes of row r as they stand in the file, without line end. */
  rowBytes(r: number): Uint8Array;
  /** The text that names row r, quotes undone; undefined where rows have no names. */
  rowName(r: number): string | undefined;
  /** Moves `count` of the block's rows to its start: row `rows[i]` becomes row i. */
  select(rows: Int32Array, count: number): void;
}
