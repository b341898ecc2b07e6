import type { DataError } from "../errors.js";
import { type Row, readRows } from "./records.js";
import { type Table, tablesOf } from "./table.js";
import { numberInWhole } from "./table-part.js";

/**
 * Row `numbered` of a table, from 0, and the file that it is in; reads the table, and those in which it goes on, from the
 * start, so it is for errors only.
 */
export async function findRow(table: Table, numbered: number): Promise<(Row & { file: string }) | undefined> {
  const number = await numberInWhole(table, numbered);
  let seen = 0;
  for (const part of tablesOf(table)) {
    // What is no text has no lines: `typed.locate` tells where its rows are.
    if (part.typed !== undefined) return undefined;
    for await (const batch of readRows(part)) {
      if (number < seen + batch.length) return { ...batch[number - seen]!, file: part.source.name };
      seen += batch.length;
    }
  }
  return undefined;
}

/** The file of a row of typed columns and its number there; undefined where the row is one of a text. */
export function locateTyped(table: Table, number: number): { file: string; row: number } | undefined {
  let seen = 0;
  for (const { typed } of tablesOf(table)) {
    if (typed?.rows === undefined) return undefined;
    if (number < seen + typed.rows) return typed.locate(number - seen);
    seen += typed.rows;
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
  if (table.typed !== undefined)
    return file === undefined ? error.at({ ...error.place, ...locateTyped(table, row) }) : error;
  const repeatable = tablesOf(table).every(({ source }) => source.repeatable);
  const found = repeatable ? await findRow(table, row).catch(() => undefined) : undefined;
  const place = { ...error.place, file: file ?? found?.file ?? table.source.name, line: found?.line };
  return error.at(place);
}

/**
 * The lines, from 1, on which some rows start, in the order of `rows` (numbers from 0, ascending); undefined where the
 * table cannot be read again, and for several files, of which a line would not tell which. Without quotes in the data, line ends are counted; else csv-parse tells.
 */
export async function linesOfRows(table: Table, numbered: readonly number[]): Promise<number[] | undefined> {
  const before = await numberInWhole(table, 0);
  const rows = before === 0 ? numbered : numbered.map((row) => row + before);
  if (!table.source.repeatable || table.next !== undefined || table.typed !== undefined) return undefined;
  if (rows.length === 0) return [];
  const counted = await countedLines(table, rows);
  return counted?.lines.length === rows.length ? counted.lines : parsedLines(table, rows);
}

/**
 * The file and the line of row `number`, from 0; where the table cannot be read again, or is no text, its number in place of
 * the line.
 */
export async function placeOfRow(
  table: Table,
  numbered: number,
): Promise<{ file: string; line: number | undefined; row: number }> {
  const number = await numberInWhole(table, numbered);
  const typed = locateTyped(table, number);
  if (typed !== undefined) return { ...typed, line: undefined };
  const parts = tablesOf(table);
  const unknown = { file: table.source.name, line: undefined, row: number };
  if (parts.some(({ source, typed }) => !source.repeatable || typed !== undefined)) return unknown;
  let before = 0;
  for (const part of parts) {
    const counted = await countedLines(part, [number - before]);
    if (counted === undefined) break;
    if (counted.lines.length > 0) return { file: part.source.name, line: counted.lines[0], row: number };
    before += counted.rows;
  }
  const row = await findRow(table, numbered);
  return row === undefined ? unknown : { file: row.file, line: row.line, row: number };
}

const [LF, CR, QUOTE, SPACE, TAB] = [10, 13, 34, 32, 9];

/**
 * Lines by counting, empty ones left out as reading does, and how many rows were counted; undefined where, before the last
 * row, there is a quote or a line of white space, whose meaning depends on the dialect.
 */
async function countedLines(
  table: Table,
  rows: readonly number[],
): Promise<{ lines: number[]; rows: number } | undefined> {
  if (table.dialect.odd) return undefined;
  const lines: number[] = [];
  let [line, row, text, space] = [table.dataLine, 0, false, false];
  for await (const bytes of table.source.chunks(table.dataStart))
    for (const byte of bytes) {
      if (byte === QUOTE) return undefined;
      if (byte === LF) {
        if (space && !text) return undefined;
        line++;
        text = false;
        space = false;
      } else if (text || byte === CR) continue;
      else if (byte === SPACE || byte === TAB) space = true;
      else {
        text = true;
        if (rows[lines.length] === row++) lines.push(line);
        if (lines.length === rows.length) return { lines, rows: row };
      }
    }
  return { lines, rows: row };
}

async function parsedLines(table: Table, rows: readonly number[]): Promise<number[]> {
  const lines: number[] = [];
  let seen = 0;
  for await (const batch of readRows(table)) {
    for (; lines.length < rows.length && rows[lines.length]! < seen + batch.length; )
      lines.push(batch[rows[lines.length]! - seen]!.line);
    if (lines.length === rows.length) break;
    seen += batch.length;
  }
  return lines;
}
