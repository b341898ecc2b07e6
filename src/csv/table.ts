import { keepPlaces } from "../dataset/column-places.js";
import type { NumberFormat } from "../dataset/number-format.js";
import { type Column, inferColumns } from "../dataset/schema.js";
import { DataError } from "../errors.js";
import type { Steps } from "../parallel/steps.js";
import { withPauses } from "../parallel/with-pauses.js";
import { option, wording } from "../wording.js";
import { decoded, lineFeeds, tabsForBlanks, withoutComments } from "./byte-stages.js";
import type { Bytes } from "./bytes.js";
import type { TablePart } from "./chunks.js";
import { commentedRows } from "./commented-rows.js";
import { type Dialect, decodeSample, sniffText, utf32Error } from "./dialect.js";
import { earlyEndMark, endMarkError, withoutEndMark } from "./end-mark.js";
import { textKind } from "./file-kind.js";
import { layOutSteps } from "./header.js";
import { fromJsonLines, isJsonLines, keysOf, type TruthOf } from "./json-lines.js";
import { numberFormat } from "./number-format.js";
import { findStart } from "./preamble.js";
import type { ReadingOptions } from "./reading-options.js";
import { sampleSteps } from "./sample.js";
import type { Source } from "./source.js";
import type { TypedRows } from "./typed-rows.js";

const [LF, CR] = [0x0a, 0x0d];
const SAMPLE_SIZE = 1 << 17;
const LARGEST_HEADER = 1 << 26;
/** So many columns are judged between two pauses. */
const JUDGED_AT_A_TIME = 1 << 14;

/** A source whose dialect, columns and first row are known, before any row has been read for its values. */
export interface Table {
  readonly source: Source;
  readonly dialect: Dialect;
  /** How its numbers and missing values are written. */
  readonly format: NumberFormat;
  /** The columns in file order, each with the kind that the sample shows. */
  readonly columns: readonly Column[];
  /** The byte offset at which rows begin: after byte order mark and header. */
  readonly dataStart: number;
  /** The line, from 1, on which `dataStart` lies. */
  readonly dataLine: number;
  /** The header as it stands in the file, without line end; empty where there is none that names all columns. */
  readonly headerText: string;
  /** The rows of the sample, at most 128 KiB of the file, cells trimmed. */
  readonly sample: readonly (readonly string[])[];
  /** Whether the sample is the whole file. */
  readonly whole: boolean;
  /** Its rows, where they come as columns of typed values: `source` is then not read as text. */
  readonly typed?: TypedRows | undefined;
  /** Which of its rows are read, where they are not all. */
  readonly part?: TablePart | undefined;
  /** The table in which its rows go on, of the same columns by name. */
  readonly next?: Table | undefined;
  /** Columns that other rows give, by the numbers of all rows of this table and of those in which it goes on. */
  readonly lagged?: readonly LaggedColumn[] | undefined;
  /** The column that the table is read for, without which there would be no use in it. */
  readonly target?: string | undefined;
  /** Whether a model says what its columns hold, and no option can. */
  readonly ofModel?: true | undefined;
  /** What was passed over before the rows, for the user. */
  readonly notes: readonly string[];
  /** Remarks on columns, for who chooses among them. */
  readonly columnNotes?: readonly string[] | undefined;
}

/** A column that is in no file: what other rows have, in memory that threads share. */
export interface LaggedColumn {
  readonly name: string;
  readonly values: Float64Array<SharedArrayBuffer>;
}

/** A table and those in which its rows go on, in order. */
export function tablesOf(table: Table): Table[] {
  const tables: Table[] = [];
  for (let at: Table | undefined = table; at !== undefined; at = at.next) tables.push(at);
  return tables;
}

/** A table whose columns hold what a model says. */
export function ofModel(table: Table): Table {
  return { ...table, ofModel: true, next: table.next && ofModel(table.next) };
}

/** What a file needs before it can be read as a table: bytes rewritten. */
interface Rewriting {
  readonly stage: (bytes: Bytes) => Bytes;
  readonly options?: Partial<ReadingOptions>;
  /** Lines that the stage puts before those of the file. */
  readonly added?: number;
}

/**
 * Looks at the head of a source: encoding, what stands before the header, dialect, header, and the kinds of columns.
 *
 * A column without a name is called `V` and its position, from 1, as are all in a file without a header. Names are
 * compared in Unicode's composed form (NFC), so that an é is one however it was typed. JSON lines are read as rows whose
 * columns are the keys.
 *
 * @param truth how true and false of JSON are written in a column
 * @throws DataError if the file is empty, has a header and no rows, names a column twice, is not text or not UTF-8, or
 * has another number of cells in its rows than names; UsageError for options that contradict each other
 */
export async function readTable(
  source: Source,
  options: ReadingOptions = {},
  truth?: TruthOf,
): Promise<Table> {
  await decode(source, options.encoding);
  if (options.comment === undefined) return readTableUncommented(source, options, truth);
  const { bytes } = await source.peek(SAMPLE_SIZE);
  source.through(withoutComments(options.comment));
  const table = await readTableUncommented(source, options, truth);
  return { ...table, notes: [...table.notes, ...commentedRows(bytes, options.comment, table)] };
}

/** The same of a text whose bytes are UTF-8, and which has no comments any more. */
async function readTableUncommented(
  source: Source,
  options: ReadingOptions,
  truth: TruthOf | undefined,
): Promise<Table> {
  let asked = options;
  let added = 0;
  for (let size = SAMPLE_SIZE; ; size *= 4) {
    const { bytes, whole } = await source.peek(size);
    // Beyond the first sample there is no use in one that does not reach into the second line.
    const short = size > SAMPLE_SIZE && !whole && !hasLines(bytes, asked.header === false ? 1 : 2);
    const found = short
      ? undefined
      : await withPauses(tableSteps(source, bytes, whole, asked, { added, truth }), source);
    if (found !== undefined && "stage" in found) {
      source.through(found.stage);
      asked = { ...asked, ...found.options };
      added += found.added ?? 0;
      size = SAMPLE_SIZE / 4;
    } else if (found !== undefined) return found;
    if (size >= LARGEST_HEADER) {
      throw new DataError(`no complete row in the first ${size >> 20} MiB`, {
        place: { file: source.name, line: 1 },
        hint: "check for a quote that is never closed, and that the file is CSV",
      });
    }
  }
}

/** Whether bytes hold so many line ends. */
function hasLines(bytes: Uint8Array, lines: number): boolean {
  let at = -1;
  for (let found = 0; found < lines; found++) {
    const from = at + 1;
    at = bytes.indexOf(LF, from);
    if (at < 0) at = bytes.indexOf(CR, from);
    if (at < 0) return false;
  }
  return true;
}

/** How the CSV is written that JSON lines are made. */
const OF_JSON_LINES: ReadingOptions = {
  delimiter: ",",
  header: true,
  skipRows: undefined,
  comment: undefined,
  decimal: ".",
  thousands: undefined,
};

/** Puts a source that is not UTF-8 through a decoder: as asked, or by its byte order mark. */
async function decode(source: Source, encoding: string | undefined): Promise<void> {
  const { bytes } = await source.peek(64);
  const wide = utf32Error(bytes, source.name);
  if (wide !== undefined) throw wide;
  const [a, b] = bytes;
  const mark = a === 0xff && b === 0xfe ? "utf-16le" : a === 0xfe && b === 0xff ? "utf-16be" : undefined;
  const named = encoding?.toLowerCase();
  const chosen = mark !== undefined && (named === undefined || /^utf-?16/.test(named)) ? mark : named;
  if (chosen === undefined || chosen === "utf-8" || chosen === "utf8") return;
  source.through(decoded(chosen, source.name));
}

function* tableSteps(
  source: Source,
  bytes: Uint8Array,
  whole: boolean,
  options: ReadingOptions,
  { added, truth }: { added: number; truth: TruthOf | undefined },
): Steps<Table | Rewriting | undefined> {
  const file = source.name;
  const bom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const decodedText = decodeSample(bytes, file);
  yield;
  // A file of DOS ends with Ctrl-Z.
  const text = whole ? withoutEndMark(decodedText) : decodedText;
  const mark = earlyEndMark(text);
  if (mark !== undefined) throw endMarkError(file, text.slice(0, mark).split("\n").length - added);
  if (added === 0 && isJsonLines(text)) {
    const stage = fromJsonLines(keysOf(text), file, truth);
    return { stage, options: OF_JSON_LINES, added: 1 };
  }
  const other = textKind(text, file);
  if (other !== undefined) throw other;
  if (mixedLineEnds(text)) return { stage: lineFeeds };
  const format = numberFormat(options);
  const start = findStart(text, options, file);
  const { skipped } = start;
  const before = text.slice(0, skipped);
  const body = text.slice(skipped);
  const given = { ...options, delimiter: options.delimiter ?? start.delimiter };
  const sniffed = {
    ...sniffText(body, whole, given, options.decimal ?? (format.decimal === "," ? "," : undefined)),
    bom,
  };
  if (sniffed.blanks) return { stage: tabsForBlanks, options: { delimiter: "\t" } };
  yield;
  const sampled = yield* sampleSteps(body, sniffed.delimiter, sniffed.newline, whole, Infinity, file);
  const dialect = { ...sniffed, odd: sniffed.odd || sampled.strayQuote };
  const { records } = sampled;
  if (records.length < (dialect.header ? 2 : 1)) {
    if (!whole) return undefined;
    throw emptyTable(file, dialect.header ? records[0]?.cells : undefined, sampled.openQuote);
  }
  const linesBefore = before.split(dialect.newline).length - 1;
  const laid = yield* layOutSteps(records, {
    ...dialect,
    doubtful: sampled.openQuote || sampled.strayQuote,
    commented: start.commented,
    preamble: start.notes,
    linesBefore,
    file,
  });
  yield;
  const rows = laid.rows.map((record) => record.cells);
  if (rows.length === 0) {
    if (!whole) return undefined;
    throw emptyTable(file, laid.names, sampled.openQuote);
  }
  const offset = laid.dataStart;
  const columns: Column[] = [];
  for (let from = 0; from < laid.names.length; from += JUDGED_AT_A_TIME) {
    const names = laid.names.slice(from, from + JUDGED_AT_A_TIME);
    for (const column of inferColumns(names, rows, { format, text: options.text, whole, from }))
      columns.push(laid.unnamed.has(columns.length) ? { ...column, unnamed: true } : column);
    yield;
  }
  keepPlaces(columns, laid.places);
  return {
    source,
    dialect,
    format,
    columns,
    dataStart: (bom ? 3 : 0) + Buffer.byteLength(before) + Buffer.byteLength(body.slice(0, offset)),
    dataLine: linesBefore - added + body.slice(0, offset).split(dialect.newline).length,
    headerText: laid.header?.cells.length === columns.length ? lineOf(body, laid.header) : "",
    sample: rows,
    whole,
    notes: laid.notes,
  };
}

/** A record's text without its line end. */
function lineOf(text: string, { start, end }: { start: number; end: number }): string {
  return text.slice(start, end).replace(/[\r\n]+$/, "");
}

/** Whether lines of a text end in a lone CR, and others in LF: outside of quotes, where a CR is a character. */
function mixedLineEnds(text: string): boolean {
  if (!text.includes("\n")) return false;
  let quote = text.indexOf('"');
  let quoted = false;
  for (let at = text.indexOf("\r"); at >= 0 && at + 1 < text.length; at = text.indexOf("\r", at + 1)) {
    if (text[at + 1] === "\n") continue;
    for (; quote >= 0 && quote < at; quote = text.indexOf('"', quote + 1)) quoted = !quoted;
    if (!quoted) return true;
  }
  return false;
}

function emptyTable(file: string, cells: readonly string[] | undefined, openQuote: boolean): DataError {
  if (openQuote) {
    return new DataError("a quoted cell is never closed", {
      place: { file, line: 1 },
      hint: 'close the quote; a quote inside a quoted cell is written twice: "say ""yes"""',
    });
  }
  if (cells === undefined) {
    return new DataError("the file holds nothing but blank lines", {
      place: { file },
      hint: "expected CSV: a line of column names, then rows",
    });
  }
  return new NoRowsError(file, cells);
}

/** A file of a header and no rows: beside others it has none to add. */
export class NoRowsError extends DataError {
  /** @param names the header's cells */
  constructor(
    file: string,
    readonly names: readonly string[],
  ) {
    super(`the file has a header of ${names.length} columns and no rows`, {
      place: { file },
      hint: wording`if the first line is data, say ${option("header", false)}`,
    });
  }
}
