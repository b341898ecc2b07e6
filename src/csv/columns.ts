import { isMissing, parseCell } from "../dataset/cell.js";
import { DataError, quoteCell } from "../errors.js";
import { Levels } from "./levels.js";
import { type Row, readRows } from "./records.js";
import type { Table } from "./table.js";

/** Bytes per chunk: a constant, because results must not depend on the machine. */
export const CHUNK_BYTES = 1 << 20;

/** The columns to read, by position in the file; the others are not parsed. */
export interface ColumnChoice {
  /** Columns to read as numbers, one `Float64Array` each, in this order. */
  readonly numeric: readonly number[];
  /** Columns to read as factors, one `Int32Array` of level codes each, in this order. */
  readonly factors: readonly number[];
  /** Whether to keep each row's bytes, for output that repeats them. */
  readonly text?: boolean;
}

/** The rows as they stand in the file, without line ends: row i is `bytes[ends[i − 1] or 0 .. ends[i]]`. */
export interface RowText {
  readonly bytes: Uint8Array;
  readonly ends: Int32Array;
}

/** The rows that start in one chunk of the file, as columns. */
export interface ColumnBlock {
  /** The chunk's number: its rows start at bytes [chunk·CHUNK_BYTES, (chunk + 1)·CHUNK_BYTES) after the header. */
  readonly chunk: number;
  /** The number of the first row in the file, from 0. */
  readonly firstRow: number;
  readonly rows: number;
  /** One array of `rows` doubles per numeric column chosen; a missing cell is NaN. */
  readonly numeric: readonly Float64Array[];
  /** One array of `rows` codes into `levels` per factor chosen; a missing cell is −1. */
  readonly codes: readonly Int32Array[];
  readonly text: RowText | undefined;
}

/** How `readColumns` cuts a file; for tests, which make every row meet a boundary. */
export interface ChunkOptions {
  readonly chunkBytes?: number;
}

/**
 * The chosen columns of a table through the csv-parse lane, one block per chunk that has rows, in file order.
 *
 * @param levels one dictionary per factor chosen, which grows as levels appear
 * @throws DataError where a numeric column's cell is neither a finite number nor missing, and as `readRows`
 */
export async function* readColumns(
  table: Table,
  choice: ColumnChoice,
  levels: readonly Levels[] = choice.factors.map(() => new Levels()),
  options: ChunkOptions = {},
): AsyncGenerator<ColumnBlock, void, undefined> {
  const chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
  let rows: Row[] = [];
  let chunk = 0;
  let firstRow = 0;
  let failure: { error: unknown } | undefined;
  const batches = readRows(table);
  for (;;) {
    // An error of a later row must not hide one of the rows that wait for the end of their chunk.
    const batch = await batches.next().catch((error: unknown) => ({ done: true, value: undefined, error }));
    if ("error" in batch) failure = { error: batch.error };
    if (batch.done) break;
    for (const row of batch.value as Row[]) {
      const at = Math.floor((row.start - table.dataStart) / chunkBytes);
      if (at !== chunk && rows.length > 0) {
        yield blockOf(table, choice, levels, chunk, firstRow, rows);
        firstRow += rows.length;
        rows = [];
      }
      chunk = at;
      rows.push(row);
    }
  }
  if (rows.length > 0) {
    const last = blockOf(table, choice, levels, chunk, firstRow, rows);
    if (!failure) yield last;
  }
  if (failure) throw failure.error;
}

function blockOf(
  table: Table,
  choice: ColumnChoice,
  levels: readonly Levels[],
  chunk: number,
  firstRow: number,
  rows: readonly Row[],
): ColumnBlock {
  const numeric = choice.numeric.map(() => new Float64Array(rows.length));
  const codes = choice.factors.map(() => new Int32Array(rows.length));
  rows.forEach((row, i) => {
    choice.numeric.forEach((column, j) => {
      const value = parseCell(row.cells[column]!);
      if (value === undefined) throw cellError(table, row.line, column, row.cells[column]!);
      numeric[j]![i] = value;
    });
    choice.factors.forEach((column, j) => {
      const cell = row.cells[column]!.trim();
      codes[j]![i] = isMissing(cell) ? -1 : levels[j]!.code(cell);
    });
  });
  const text = choice.text ? rowText(rows) : undefined;
  return { chunk, firstRow, rows: rows.length, numeric, codes, text };
}

function rowText(rows: readonly Row[]): RowText {
  const ends = new Int32Array(rows.length);
  let length = 0;
  const pieces = rows.map(({ bytes }, i) => {
    let end = bytes.length;
    while (end > 0 && (bytes[end - 1] === 10 || bytes[end - 1] === 13)) end--;
    length += end;
    ends[i] = length;
    return bytes.subarray(0, end);
  });
  return { bytes: Buffer.concat(pieces, length), ends };
}

/** The error for a cell of a numeric column that is neither a finite number nor missing. */
function cellError(table: Table, line: number, column: number, cell: string): DataError {
  const name = table.columns[column]!.name;
  const place = { file: table.source.name, line, column: name, cell };
  const tooLarge = /^[+-]?[0-9.]+([eE][+-]?[0-9]+)?$/.test(cell.trim()) && !Number.isNaN(Number(cell));
  if (tooLarge) {
    return new DataError(`expected a finite number, found ${quoteCell(cell)}`, {
      place,
      hint: "The largest double is about 1.8e308; correct the cell or write NA.",
    });
  }
  return new DataError(`expected a number, found ${quoteCell(cell)}`, {
    place,
    hint: `Correct the cell, write NA for a missing value, or leave the column out with --exclude ${name}.`,
  });
}
