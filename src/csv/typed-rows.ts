import type { Condition } from "../dataset/formula/condition.js";
import type { ColumnBlock, ColumnChoice } from "./column-block.js";
import type { Levels } from "./levels.js";

/**
 * The rows of a table that come as columns of typed values, and not as text: the narrow waist at which a source of such
 * meets what reads tables. It hands over the same blocks as text does: doubles, NaN where missing, and codes of levels.
 */
export interface TypedRows {
  /** How many rows there are, where that is known before they are read. */
  readonly rows: number | undefined;
  /** What the rows come from, for messages. */
  readonly names: readonly string[];
  /**
   * The chunks that any thread can read by itself, as plain data, with what `choice` needs of them alone; undefined where
   * rows come in order only.
   */
  chunks?(choice: ColumnChoice, where: Condition | undefined): TypedChunks;
  /** The rows of chunks [from, to) alone, where there are chunks. */
  part?(from: number, to: number): TypedRows;
  /** Fetches what `chunks` of the same arguments will read, where it is not there yet. */
  ready?(choice: ColumnChoice, where: Condition | undefined): Promise<void>;
  /** All rows in order, in the calling thread. */
  blocks(choice: ColumnChoice, levels: readonly Levels[]): AsyncGenerator<ColumnBlock, void, undefined>;
  /** The file of a row, by its number from 0 in the table, and its number there. */
  locate(row: number): { file: string; row: number };
}

/** Chunks of typed columns; plain data, so that it can go to a worker. `spec` is for whoever opens the format. */
export interface TypedChunks {
  readonly format: string;
  readonly spec: unknown;
  /** The rows of each chunk. */
  readonly rows: readonly number[];
  /** Whether no row of a chunk can be one for which the condition holds, by what the format says of its values. */
  readonly pruned: readonly boolean[];
  /** About how many bytes the values take in memory. */
  readonly bytes: number;
}

/** Where the numbers of a chunk go: rows of the column at place `j` of those chosen. */
export interface NumberRoom {
  column(j: number, rows: number): Float64Array;
  /** Whether none of the rows that were written there is NaN or infinite. */
  allFinite(j: number, rows: number): boolean;
}

/** What reads chunks in one thread, once it is open. */
export interface ChunkDecoder {
  /**
   * The rows of a chunk; `firstRow` is left to the caller.
   *
   * @param room where numbers go; arrays of their own where it is not given
   */
  read(chunk: number, choice: ColumnChoice, levels: readonly Levels[], room?: NumberRoom): ColumnBlock;
}
