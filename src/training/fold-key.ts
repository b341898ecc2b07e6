import type { Table } from "../csv/table.js";
import { quoteCell, UsageError } from "../errors.js";
import { namesOf } from "../sources/tables.js";
import { option, wording } from "../wording.js";
import { unknownColumn } from "./choose-columns.js";

/**
 * The column that rows are drawn into folds by, as the table names it; undefined where it is their numbers.
 *
 * @throws UsageError for a column that is not there, and for one of text: no two databases hash texts alike
 */
export function foldKey(table: Table, foldBy: string | undefined): string | undefined {
  if (foldBy === undefined) return undefined;
  const name = foldBy.normalize("NFC");
  const at = table.columns.findIndex((column) => column.name === name);
  if (at < 0)
    throw unknownColumn(
      name,
      table.columns.map((column) => column.name),
      namesOf(table),
    );
  if (table.columns[at]!.kind !== "text") return name;
  const example = table.sample.map((row) => row[at] ?? "").find((cell) => cell !== "");
  const shown = example === undefined ? "" : `, such as ${quoteCell(example)}`;
  throw new UsageError(
    wording`${option("foldBy", name)} takes a column of whole numbers, and this one holds text${shown}`,
    { hint: "give every value of it a number, in a column of its own" },
  );
}
