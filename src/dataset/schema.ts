import { isDecimal, isMissing } from "../kernels/reference/number.js";

/**
 * What a column holds, judged by a sample of rows: `numeric` where every cell that is not missing reads as
 * a number, `text` where one does not, `empty` where all are missing.
 */
export type ColumnKind = "numeric" | "text" | "empty";

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
  let kind: ColumnKind = "empty";
  for (const row of rows) {
    const cell = row[j];
    if (cell === undefined) continue;
    if (isDecimal(cell)) kind = "numeric";
    else if (!isMissing(cell)) return "text";
  }
  return kind;
}
