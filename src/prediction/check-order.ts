import { type Table, tablesOf } from "../csv/table.js";
import { DataError } from "../errors.js";
import { option, wording } from "../wording.js";

/** Throws DataError where rows that are to be kept as they stand would not fit under one header. */
export function checkOrder(table: Table): void {
  const order = ({ columns, dialect }: Table) =>
    JSON.stringify([dialect.delimiter, columns.map(({ name }) => name)]);
  const other = tablesOf(table).find((part) => order(part) !== order(table));
  if (other === undefined) return;
  throw new DataError("another order of columns, or another delimiter, than in the file before", {
    place: { file: other.source.name },
    hint: wording`${option("append")} keeps rows as they stand: name the files one by one`,
  });
}
