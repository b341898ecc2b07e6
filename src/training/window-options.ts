/** Windows over rows in order of time. */
export interface WindowOptions {
  /** Rows of a window; of expanding ones, of the first. */
  rows: number;
  /** The column of time; the order of the rows where it is left out. */
  time?: string | undefined;
  /** Whether windows begin with the first row. Default: false, they roll. */
  expanding?: boolean | undefined;
  /** Rows from one window to the next. Default: 1. */
  step?: number | undefined;
}
