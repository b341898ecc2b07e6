import type { CsvError, Info, Parser } from "csv-parse";
import { DataError, quoteCell } from "../errors.js";
import { LineTracker, type RecordBytes } from "./line-starts.js";
import type { Table } from "./table.js";

/** A row of a table as text: one cell per column, where it starts, and its bytes with their line end. */
export interface Row extends RecordBytes {
  readonly cells: readonly string[];
}

const PIECE = 1 << 18;

/**
 * The rows of a table through csv-parse, in batches: the reference lane, and the lane for odd dialects.
 *
 * Blank lines are skipped. White space around a cell and outside its quotes is trimmed. A quote inside an
 * unquoted cell (`5" pipe`) is text. A row's line is the one that it starts on.
 *
 * @throws DataError at a row with more or fewer cells than the header, a quoted cell that is never closed, text
 * after a closing quote, and for a table without rows
 */
export async function* readRows(table: Table): AsyncGenerator<Row[], void, undefined> {
  const { parse } = await import("csv-parse");
  const { source, dialect } = table;
  const tracker = new LineTracker(
    table.dataStart,
    table.dataLine,
    dialect.newline,
    dialect.delimiter,
    table.columns.length,
  );
  let batch: Row[] = [];
  let failure: unknown;
  let any = false;
  const parser = parse({
    delimiter: dialect.delimiter,
    record_delimiter: dialect.newline === "\n" ? ["\r\n", "\n"] : ["\r"],
    quote: '"',
    escape: '"',
    trim: true,
    relax_quotes: true,
    relax_column_count: true,
    on_record: (cells: string[], info: Info) => {
      if (failure !== undefined) return null;
      const record = tracker.advance(table.dataStart + info.bytes);
      if (record === undefined) return null;
      if (cells.length !== table.columns.length) failure = raggedError(table, record.line, cells.length);
      else batch.push({ ...record, cells });
      return null;
    },
  });
  parser.on("error", () => {});
  const feed = async (piece: Uint8Array): Promise<void> => {
    tracker.add(piece);
    const error = await written((done) => parser.write(piece, done));
    failure ??= error;
  };
  for await (const piece of dataBytes(source.chunks(), table.dataStart)) {
    await feed(piece);
    if (batch.length > 0) {
      any = true;
      yield batch;
      batch = [];
    }
    if (failure !== undefined) throw explained(failure, table, tracker, parser);
  }
  const error = await written((done) => parser.end(done));
  failure ??= error;
  if (batch.length > 0) {
    any = true;
    yield batch;
  }
  if (failure !== undefined) throw explained(failure, table, tracker, parser);
  if (!any) throw noRowsError(table);
}

/** The error for a table whose rows are all missing. */
export function noRowsError(table: Table): DataError {
  const columns = table.columns.length;
  return new DataError(`the file has a header of ${columns} columns and no rows`, {
    place: { file: table.source.name },
    hint: "If the first line is data, say --no-header.",
  });
}

/** The error for a row whose number of cells is not that of the columns. */
function raggedError(table: Table, line: number, found: number): DataError {
  const expected = table.columns.length;
  const as = table.dialect.header ? "as in the header" : "as in the first row";
  const cells = expected === 1 ? "1 cell" : `${expected} cells`;
  return new DataError(`expected ${cells}, ${as}, found ${found}`, {
    place: { file: table.source.name, line },
    hint:
      found > expected
        ? "Quote cells that contain the delimiter, or name another one with --delimiter."
        : "Fill up the row, or name another delimiter with --delimiter.",
  });
}

/** The bytes from offset `start` on, in pieces small enough to keep batches small. */
async function* dataBytes(
  chunks: AsyncIterable<Uint8Array>,
  start: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let skip = start;
  for await (const chunk of chunks) {
    const from = Math.min(skip, chunk.length);
    skip -= from;
    for (let at = from; at < chunk.length; at += PIECE) yield chunk.subarray(at, at + PIECE);
  }
}

/** Waits for a write; the error that it ended with, if one. */
function written(write: (done: (error?: Error | null) => void) => void): Promise<unknown> {
  return new Promise((resolve) => write((error) => resolve(error ?? undefined)));
}

/** csv-parse's errors in our words, with the line on which the cell starts. */
function explained(failure: unknown, table: Table, tracker: LineTracker, parser: Parser): unknown {
  const error = failure as CsvError & { column?: number; bytes?: number };
  if (failure instanceof DataError || typeof error.code !== "string") return failure;
  const cell = tracker.cellAfter(table.dataStart + parser.info.bytes);
  const index = typeof error.column === "number" ? error.column : 0;
  const column = table.columns[index]?.name ?? `V${index + 1}`;
  const place = { file: table.source.name, line: cell.line, column, cell: cell.text };
  const hint = 'A quote inside a quoted cell is written twice: "say ""yes""".';
  if (error.code === "CSV_QUOTE_NOT_CLOSED") {
    return new DataError(`a quoted cell is never closed: ${quoteCell(cell.text)}`, { place, hint });
  }
  return new DataError(`text after a closing quote: ${quoteCell(cell.text)}`, {
    place,
    hint,
    cause: failure,
  });
}
