import { type Column, inferColumns } from "../dataset/schema.js";
import { DataError } from "../errors.js";
import { option, wording } from "../wording.js";
import { type Dialect, type DialectOptions, decodeSample, sniffDialect } from "./dialect.js";
import { sampleRecords } from "./sample.js";
import type { Source } from "./source.js";

const SAMPLE_SIZE = 1 << 17;
const LARGEST_HEADER = 1 << 26;

/** A source whose dialect, columns and first row are known, before any row has been read for its values. */
export interface Table {
  readonly source: Source;
  readonly dialect: Dialect;
  /** The columns in file order, each with the kind that the sample shows. */
  readonly columns: readonly Column[];
  /** The byte offset at which rows begin: after byte order mark and header. */
  readonly dataStart: number;
  /** The line, from 1, on which `dataStart` lies. */
  readonly dataLine: number;
  /** The header as it stands in the file, without line end; empty where there is none. */
  readonly headerText: string;
  /** The rows of the sample, at most 128 KiB of the file, cells trimmed. */
  readonly sample: readonly (readonly string[])[];
  /** Whether the sample is the whole file. */
  readonly whole: boolean;
}

/**
 * Looks at the head of a source: dialect, header, and the kinds of columns.
 *
 * A column without a name is called `x` and its position, from 1, as are all in a file without a header.
 *
 * @throws DataError if the file is empty, has a header and no rows, names a column twice, or is not UTF-8 text
 */
export async function readTable(source: Source, options: DialectOptions = {}): Promise<Table> {
  for (let size = SAMPLE_SIZE; ; size *= 4) {
    const { bytes, whole } = await source.peek(size);
    const table = tableFrom(source, bytes, whole, options);
    if (table) return table;
    if (size >= LARGEST_HEADER) {
      throw new DataError(`no complete row in the first ${size >> 20} MiB`, {
        place: { file: source.name, line: 1 },
        hint: "check for a quote that is never closed, and that the file is CSV",
      });
    }
  }
}

function tableFrom(
  source: Source,
  bytes: Uint8Array,
  whole: boolean,
  options: DialectOptions,
): Table | undefined {
  const file = source.name;
  const sniffed = sniffDialect(bytes, whole, options, file);
  const text = decodeSample(bytes, file);
  const sampled = sampleRecords(text, sniffed.delimiter, sniffed.newline, whole);
  const dialect = { ...sniffed, odd: sniffed.odd || sampled.strayQuote };
  const { records } = sampled;
  const first = records[0];
  const header = dialect.header ? first : undefined;
  const row = dialect.header ? records[1] : first;
  if (!row && !whole) return undefined;
  if (!row) throw emptyTable(file, header?.cells.length, sampled.openQuote);
  const rows = (dialect.header ? records.slice(1) : records).map((record) => record.cells);
  return build(source, dialect, text, header, row.cells.length, rows, whole);
}

function build(
  source: Source,
  dialect: Dialect,
  text: string,
  header: { cells: string[]; start: number; end: number; line: number } | undefined,
  width: number,
  rows: string[][],
  whole: boolean,
): Table {
  const names = header
    ? columnNames(header.cells, source.name, header.line)
    : Array.from({ length: width }, (_, j) => `x${j + 1}`);
  const before = header ? text.slice(0, header.end) : "";
  return {
    source,
    dialect,
    columns: inferColumns(names, rows),
    dataStart: (dialect.bom ? 3 : 0) + Buffer.byteLength(before),
    dataLine: before.split(dialect.newline).length,
    headerText: header ? text.slice(header.start, header.end).replace(/[\r\n]+$/, "") : "",
    sample: rows,
    whole,
  };
}

function emptyTable(file: string, cells: number | undefined, openQuote: boolean): DataError {
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
  return new DataError(`the file has a header of ${cells} columns and no rows`, {
    place: { file },
    hint: wording`if the first line is data, say ${option("header", false)}`,
  });
}

function columnNames(cells: readonly string[], file: string, line: number): string[] {
  const positions = new Map<string, number>();
  return cells.map((cell, j) => {
    const name = cell === "" ? `x${j + 1}` : cell;
    const other = positions.get(name);
    if (other !== undefined) {
      throw new DataError(`two columns have this name, the ${ordinal(other + 1)} and the ${ordinal(j + 1)}`, {
        place: { file, line, column: name },
        hint: "rename one of them in the header",
      });
    }
    positions.set(name, j);
    return name;
  });
}

function ordinal(n: number): string {
  const tail = n % 100;
  const suffix = tail > 10 && tail < 14 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${suffix}`;
}
