/** The rows of a request as columns of the model, whatever the dialect they came in. */
export interface Batch {
  readonly rows: number;
  /** The numeric input columns, row-major: rows × their number. */
  readonly numeric: Float64Array;
  /** The text input columns, one array of `rows` texts each, in the model's order; null is a missing cell. */
  readonly texts: readonly (readonly (string | null)[])[];
}

/** One input column of a request, by name: `rows` numbers, or `rows` texts. */
export type ColumnValues = Float64Array | readonly (string | null)[];
