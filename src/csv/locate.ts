import { DataError } from "../errors.js";
import { type Row, readRows } from "./records.js";
import type { Table } from "./table.js";

/** Row `number` of a table, from 0; reads the table from its start, so it is for errors only. */
export async function findRow(table: Table, number: number): Promise<Row | undefined> {
  let seen = 0;
  for await (const batch of readRows(table)) {
    if (number < seen + batch.length) return batch[number - seen];
    seen += batch.length;
  }
  return undefined;
}

/**
 * An error that names a row, with the file and line of that row; as it is where it has a line already, and without
 * the line where the table cannot be read again.
 */
export async function withLine(table: Table, error: DataError): Promise<DataError> {
  const { row, line, file } = error.place;
  if (row === undefined || line !== undefined) return error;
  const found = table.source.repeatable ? await findRow(table, row).catch(() => undefined) : undefined;
  const place = { ...error.place, file: file ?? table.source.name, line: found?.line };
  return new DataError(error.problem, { place, hint: error.hint, cause: error.cause });
}
