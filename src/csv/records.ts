import { isUtf8 } from "node:buffer";
import { setImmediate as nextTick } from "node:timers/promises";
import type { CsvError, Info } from "csv-parse";
import { DataError, quoteCell } from "../errors.js";
import { option, type Wording, wording } from "../wording.js";
import { LARGEST_ROW } from "./chunks.js";
import { notUtf8Error, nulError } from "./dialect.js";
import { CTRL_Z, endMarkError, withoutEndMark } from "./end-mark.js";
import { LineTracker, type RecordBytes } from "./line-starts.js";
import type { Table } from "./table.js";

/** A row of a table as text: one cell per column, where it starts, and its bytes with their line end. */
export interface Row extends RecordBytes {
  readonly cells: readonly string[];
}

/** Bytes of a table from the start of a row on, and where that row stands. */
export interface RowsFrom {
  readonly offset: number;
  readonly line: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

// Small enough that the rows of a piece, as objects, are a few megabytes.
const PIECE = 1 << 18;

/** All rows of a table. */
function tableRows(table: Table): RowsFrom {
  return { offset: table.dataStart, line: table.dataLine, bytes: table.source.chunks(table.dataStart) };
}

/**
 * The rows of a table through csv-parse, in batches: the reference lane, and the lane for odd dialects.
 *
 * Blank lines are skipped. White space around a cell and outside its quotes is trimmed. A quote inside an
 * unquoted cell (`5" pipe`) is text. A row's line is the one that it starts on.
 *
 * @throws DataError at a row with more or fewer cells than the header, a quoted cell that is never closed, text
 * after a closing quote, a NUL, bytes that are not UTF-8, and for a table without rows
 */
export async function* readRows(
  table: Table,
  from: RowsFrom = tableRows(table),
): AsyncGenerator<Row[], void, undefined> {
  const { parse } = await import("./csv-parse.js");
  const { dialect } = table;
  const tracker = new LineTracker(
    from.offset,
    from.line,
    dialect.newline,
    dialect.delimiter,
    table.columns.length,
  );
  let batch: Row[] = [];
  let failure: unknown;
  let any = false;
  // The line of the end mark of DOS.
  let ended: number | undefined;
  const parser = parse({
    delimiter: dialect.delimiter,
    record_delimiter: dialect.newline === "\n" ? ["\r\n", "\n"] : ["\r"],
    quote: '"',
    escape: '"',
    trim: true,
    relax_quotes: true,
    relax_column_count: true,
    max_record_size: LARGEST_ROW,
    on_record: (cells: string[], info: Info) => {
      if (failure !== undefined) return null;
      const record = tracker.advance(from.offset + info.bytes);
      if (record === undefined) return null;
      const mark = record.bytes.indexOf(CTRL_Z);
      const goesOn = mark >= 0 && !isEndMark(record.bytes.subarray(mark));
      if (goesOn || (ended !== undefined && mark !== 0)) {
        failure ??= endMarkError(table.source.name, ended ?? record.line);
        return null;
      }
      if (mark >= 0) {
        ended ??= record.line;
        if (mark === 0) return null;
        cells.push(withoutEndMark(cells.pop()!));
      }
      failure = textError(table, record);
      if (failure !== undefined) return null;
      if (cells.length !== table.columns.length) failure = raggedError(table, record, cells.length);
      else batch.push({ ...record, cells });
      return null;
    },
  });
  parser.on("error", () => {});
  const feed = async (piece: Uint8Array): Promise<void> => {
    tracker.add(piece);
    const error = await written((done) => parser.write(piece, done));
    failure ??= error;
    // That took no turn of the event loop, in which signals are heard.
    await nextTick();
  };
  for await (const bytes of from.bytes) {
    for (let at = 0; at < bytes.length && failure === undefined; at += PIECE) {
      await feed(bytes.subarray(at, at + PIECE));
    }
    if (batch.length > 0) {
      any = true;
      yield batch;
      batch = [];
    }
    if (failure !== undefined) throw explained(failure, table, tracker, from.offset + parser.info.bytes);
  }
  const error = await written((done) => parser.end(done));
  failure ??= error;
  const rest = failure === undefined ? tracker.rest() : undefined;
  if (rest) batch.push({ ...rest, cells: [""] });
  if (batch.length > 0) {
    any = true;
    yield batch;
  }
  if (failure !== undefined) throw explained(failure, table, tracker, from.offset + parser.info.bytes);
  if (!any && from.offset === table.dataStart) throw noRowsError(table);
}

/** The error for a table whose rows are all missing. */
export function noRowsError(table: Table): DataError {
  return new DataError(`the file has a header of ${table.columns.length} columns and no rows`, {
    place: { file: table.source.name },
    hint: wording`if the first line is data, say ${option("header", false)}`,
  });
}

const [LF, CR] = [0x0a, 0x0d];

/** Whether bytes are nothing but the end mark of a DOS file, and line ends. */
function isEndMark(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === CTRL_Z || byte === LF || byte === CR);
}

/** The error for a record that is no text. */
function textError(table: Table, { bytes, line }: RecordBytes): DataError | undefined {
  const { name } = table.source;
  if (bytes.includes(0)) return nulError(false, name, line);
  return isUtf8(bytes) ? undefined : notUtf8Error(name, line);
}

/** The error for a row whose number of cells is not that of the columns. */
function raggedError(table: Table, { line, bytes }: RecordBytes, found: number): DataError {
  const expected = table.columns.length;
  const as = table.dialect.header ? "as in the header" : "as in the first row";
  const cells = expected === 1 ? "1 cell" : `${expected} cells`;
  const text = Buffer.from(bytes).toString().trim();
  const hint = (): Wording => {
    if (text.startsWith("#"))
      return wording`lines that begin with # are passed over with ${option("comment", "#")}`;
    if (bytes.subarray(0, -2).includes(CR) && found > expected)
      return "a CR stands alone in this line, where others end in a line feed: it may be two lines";
    if (found === 1 && expected > 1 && /\p{L}/u.test(text))
      return wording`if the line is a note and no row, take it out; else fill up the row, or name another delimiter with ${option("delimiter")}`;
    return found > expected
      ? wording`quote cells that contain the delimiter, or name another one with ${option("delimiter")}`
      : wording`fill up the row, or name another delimiter with ${option("delimiter")}`;
  };
  return new DataError(`expected ${cells}, ${as}, found ${found}`, {
    place: { file: table.source.name, line },
    hint: hint(),
  });
}

/** Waits for a write; the error that it ended with, if one. */
function written(write: (done: (error?: Error | null) => void) => void): Promise<unknown> {
  return new Promise((resolve) => write((error) => resolve(error ?? undefined)));
}

/** csv-parse's errors in our words, with the line on which the cell starts. */
function explained(failure: unknown, table: Table, tracker: LineTracker, cellStart: number): unknown {
  const error = failure as CsvError & { column?: number };
  if (failure instanceof DataError || typeof error.code !== "string") return failure;
  const cell = tracker.cellAfter(cellStart);
  const index = typeof error.column === "number" ? error.column : 0;
  const column = table.columns[index]?.name ?? `V${index + 1}`;
  const place = { file: table.source.name, line: cell.line, column, cell: cell.text };
  const hint = 'a quote inside a quoted cell is written twice: "say ""yes"""';
  if (error.code === "CSV_MAX_RECORD_SIZE") {
    return new DataError(
      `a row longer than ${LARGEST_ROW >> 20} MiB, more than is read: it begins with ${quoteCell(cell.text)}`,
      { place, hint: `if a quote is not closed there, close it (${hint}); else take the long text out` },
    );
  }
  if (error.code === "CSV_QUOTE_NOT_CLOSED") {
    return new DataError(`a quoted cell is never closed: ${quoteCell(cell.text)}`, { place, hint });
  }
  return new DataError(`text after a closing quote: ${quoteCell(cell.text)}`, {
    place,
    hint,
    cause: failure,
  });
}
