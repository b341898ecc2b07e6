/** Values of one column over a block of rows: high parts, and low parts where they are double-double. */
export interface Values {
  hi: Float64Array;
  /** undefined where every low part is zero. */
  lo: Float64Array | undefined;
}

/** Evaluates an expression over the first `rows` rows of a block. */
export type Evaluate = (rows: number) => Values;

/** The texts of a column over a block of rows, and the number of its first row. */
export type ReadTexts = (column: string) => {
  codes: Int32Array;
  names: readonly string[];
  rowOf: (r: number) => number;
};
