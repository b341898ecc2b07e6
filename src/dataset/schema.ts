import { isDecimal, isMissing } from "../kernels/number.js";

/**
 * What a column holds, judged by a sample of rows: `empty` where all cells are missing; `numeric` where the first
 * cell that is not missing is a number, or at least half of them are; else `text`.
 *
 * A column of numbers with a word among them is numeric, so that reading it is an error that names the cell: taken
 * for text it would be left out of the fit for the sake of one typing error. Refused: all cells must be numbers,
 * for that reason.
 */
type ColumnKind = "numeric" | "text" | "empty";

/** A named column of a table, in file order. */
export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
}

/**
 * The kind of each column of a table, from the rows of a sample.
 *
 * A number too large for a double (`1e400`) leaves its column numeric, so that reading it is an error that
 * names the cell, rather than a column that silently turns to text.
 *
 * @param names the column names, p of them
 * @param rows the sample, n rows of p cells each; rows of another length count for the cells that they have
 */
export function inferColumns(names: readonly string[], rows: readonly (readonly string[])[]): Column[] {
  return names.map((name, j) => ({ name, kind: kindOf(rows, j) }));
}

function kindOf(rows: readonly (readonly string[])[], j: number): ColumnKind {
  let numbers = 0;
  let words = 0;
  let first: ColumnKind = "empty";
  for (const row of rows) {
    const cell = row[j];
    if (cell === undefined) continue;
    if (isDecimal(cell)) numbers++;
    else if (isMissing(cell)) continue;
    else words++;
    if (first === "empty") first = numbers > 0 ? "numeric" : "text";
  }
  return first === "text" && numbers >= words ? "numeric" : first;
}
