/**
 * What takes rows from a `RowParser` in the kernels, where all of a block's are plain, so that nobody has to ask for each block: a
 * million rows are eight thousand of them. What it leaves comes as blocks do.
 */
export interface RowSink {
  /** Parses by the request at this address, and takes what it can. */
  parse(request: number): void;
  /** Before a block that starts with the row of this number; bytes up to `known` are text of ASCII for sure. */
  begin(row: number, known: number): void;
  /** How many rows the last parse has taken; before anything else is done with the block. */
  taken(): number;
}
