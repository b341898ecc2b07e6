import { cellReaders } from "../dataset/number-format.js";
import { cellError, numberAmongTexts } from "./cell-error.js";
import { CHUNK_BYTES, type ResumePoint } from "./chunks.js";
import type { ColumnBlock, ColumnChoice, RowText } from "./column-block.js";
import type { Levels } from "./levels.js";
import { type Row, readRows } from "./records.js";
import type { Table } from "./table.js";

/** A point to go on from, and the bytes from there. */
export interface Resume extends ResumePoint {
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * The chosen columns of a table through csv-parse: the same blocks as the fast lane, or an error that says what is
 * wrong with the data; the first error in the file, whatever it is.
 *
 * @param resume the first row of the chunk to begin with; default the first row of the table
 */
export async function* readReference(
  table: Table,
  choice: ColumnChoice,
  levels: readonly Levels[],
  chunkBytes = CHUNK_BYTES,
  resume?: Resume,
): AsyncGenerator<ColumnBlock, void, undefined> {
  let rows: Row[] = [];
  let chunk = 0;
  let firstRow = resume?.firstRow ?? 0;
  const batches = readRows(table, resume);
  let failure: { error: unknown } | undefined;
  try {
    for (;;) {
      // An error of a later row must not hide one of the rows that wait for the end of their chunk.
      const batch = await batches.next().catch((error: unknown) => {
        failure = { error };
      });
      if (!batch || batch.done) break;
      for (const row of batch.value) {
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
    const last = rows.length > 0 ? blockOf(table, choice, levels, chunk, firstRow, rows) : undefined;
    if (failure) throw failure.error;
    if (last) yield last;
  } finally {
    await batches.return();
  }
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
  const readerOf = cellReaders(table.format);
  const readers = choice.numeric.map((column) => readerOf(table.columns[column]!.name));
  rows.forEach((row, i) => {
    choice.numeric.forEach((column, j) => {
      const value = readers[j]!.number(row.cells[column]!);
      if (value === undefined) throw cellError(table, row.line, row.cells, column);
      numeric[j]![i] = value;
    });
    choice.factors.forEach((column, j) => {
      const code = levels[j]!.code(row.cells[column]!, firstRow + i);
      if (code === undefined) throw numberAmongTexts(table, row.line, column, row.cells[column]!);
      codes[j]![i] = code;
    });
  });
  const text = choice.text ? rowText(rows) : undefined;
  const { name } = choice;
  const rowNames = name === undefined ? undefined : rows.map((row) => row.cells[name]!);
  return { chunk, firstRow, rows: rows.length, numeric, codes, text, rowNames };
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
