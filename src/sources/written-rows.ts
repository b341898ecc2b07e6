/** A column that is written: doubles, of which NaN is a missing value, or texts. */
export interface WrittenColumn {
  readonly name: string;
  readonly kind: "numbers" | "text";
}

/** Rows of some columns, as they come. */
export type WrittenRows = readonly (Float64Array | readonly string[])[];

/** Rows that are written together, as DuckDB writes them: enough to read fast, few enough to hold. */
export const GROUP_ROWS = 122_880;

/** Rows that wait to be written together. */
export class WaitingRows {
  readonly #columns: readonly WrittenColumn[];
  #pieces: WrittenRows[] = [];
  #rows = 0;

  constructor(columns: readonly WrittenColumn[]) {
    this.#columns = columns;
  }

  /** @returns how many wait */
  add(rows: WrittenRows, count: number): number {
    this.#pieces.push(rows);
    this.#rows += count;
    return this.#rows;
  }

  /** All that wait, which then do no longer. */
  take(): { columns: WrittenRows; rows: number } {
    const [pieces, rows] = [this.#pieces, this.#rows];
    this.#pieces = [];
    this.#rows = 0;
    const columns = this.#columns.map(({ kind }, j) => {
      const own = pieces.map((columns) => columns[j]!);
      return kind === "text" ? (own.flat() as string[]) : together(own as Float64Array[], rows);
    });
    return { columns, rows };
  }
}

function together(pieces: readonly Float64Array[], rows: number): Float64Array {
  const all = new Float64Array(rows);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
