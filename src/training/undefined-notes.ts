import { placeOfRow } from "../csv/locate.js";
import type { Table } from "../csv/table.js";
import type { UndefinedRows } from "../dataset/formula/undefined-rows.js";

/** Remarks on rows that were left out because an expression has no value in them, with the first one's file and line. */
export async function undefinedNotes(table: Table, all: readonly UndefinedRows[]): Promise<string[]> {
  const notes: string[] = [];
  for (const { label, rows, first, values } of all) {
    if (first < 0) {
      notes.push(
        `${label} has no value in ${rows === 1 ? "1 row, which is" : `${rows} rows, which are`} left out`,
      );
      continue;
    }
    const { file, line, row } = await placeOfRow(table, first);
    const place = line === undefined ? `${file}, row ${row + 1}` : `${file}:${line}`;
    const where = values.map(([column, value]) => `${column} is ${value}`).join(", ");
    notes.push(
      `${label} has no value in ${rows === 1 ? "1 row, which is" : `${rows} rows, which are`} left out: ` +
        `${rows === 1 ? "" : "the first is "}${place}${where === "" ? "" : `, where ${where}`}`,
    );
  }
  return notes;
}
