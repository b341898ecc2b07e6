import type { ReadingOptions } from "../../csv/reading-options.js";
import type { Source } from "../../csv/source.js";
import { readTable, type Table } from "../../csv/table.js";
import type { Column } from "../../dataset/schema.js";
import { DataError } from "../../errors.js";
import { withTextsJudged } from "../typed-texts.js";

/** A column that a server writes as CSV, and what the values of its type are. */
export interface AnswerColumn {
  readonly name: string;
  readonly kind: "number" | "date" | "time" | "truth" | "text";
}

/**
 * The table of a server's answer, which is CSV with a header; what the server says of types goes before what the text looks
 * like.
 *
 * @throws DataError where a name cannot be read back from the header
 */
export async function readCsvAnswer(
  source: Source,
  columns: readonly AnswerColumn[],
  options: ReadingOptions,
): Promise<Table> {
  const found = await readTable(source, {
    ...options,
    delimiter: ",",
    header: true,
    decimal: ".",
    thousands: undefined,
    skipRows: undefined,
    comment: undefined,
    encoding: undefined,
  });
  const odd = columns.findIndex(({ name }, j) => found.columns[j]?.name !== name.normalize("NFC"));
  if (odd >= 0 || found.columns.length !== columns.length)
    throw new DataError("the names of the columns cannot stand in the header of a CSV", {
      place: { file: source.name, column: columns[Math.max(0, odd)]!.name },
      hint: 'name them anew in a query: SELECT "#id" AS id',
    });
  const asked = new Set(options.text);
  return {
    ...found,
    columns: withTextsJudged(
      found.columns.map((column, j) => judged(column, columns[j]!, asked)),
      ({ name }, j) => !asked.has(name) && columns[j]!.kind === "text",
      found.sample,
      found.format,
    ),
  };
}

function judged({ name }: Column, { kind }: AnswerColumn, asked: ReadonlySet<string>): Column {
  if (asked.has(name)) return { name, kind: "text" };
  if (kind === "number") return { name, kind: "numeric" };
  return kind === "date" || kind === "time" ? { name, kind: "text", dates: kind } : { name, kind: "text" };
}
