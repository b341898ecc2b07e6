/**
 * Rows of a table as raw columns, in the order of the spec's lists: what formulas are evaluated on.
 */
export interface RawBlock {
  /** One array per column of `spec.numeric`; NaN where a cell is missing. */
  numeric: readonly Float64Array[];
  /** One array of level codes per column of `spec.text`; −1 where a cell is missing. */
  codes: readonly Int32Array[];
  /** For each column of `spec.text`, the names that its codes stand for; they may grow from block to block. */
  levels: readonly (readonly string[])[];
  /** Each row's group, as a code into `names`; −1 where it is missing. */
  group?: { codes: Int32Array; names: readonly string[] } | undefined;
  /** The rows' weights, NaN where missing. */
  weights?: Float64Array | undefined;
  /** The number of the block's first row in the data, from 0, for messages. */
  firstRow?: number | undefined;
  /** The numbers of the block's rows, where they do not follow one another. */
  rowNumbers?: ArrayLike<number> | undefined;
}

/** The number of row r of a raw block in the data, from 0. */
export function rowNumber({ firstRow = 0, rowNumbers }: RawBlock, r: number): number {
  return rowNumbers?.[r] ?? firstRow + r;
}
