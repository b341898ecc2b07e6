import { DataError, UsageError } from "../errors.js";
import { type Sample, sampleRecords } from "./sample.js";

/** How a file writes its records. Text is UTF-8, quotes are `"`, doubled inside a quoted cell. */
export interface Dialect {
  /** One ASCII character. */
  readonly delimiter: string;
  /** Whether the first record names the columns. */
  readonly header: boolean;
  /** Whether the file starts with a UTF-8 byte order mark. */
  readonly bom: boolean;
  /** What ends a line: `"\n"`, with or without `\r` before it, or `"\r"` alone. */
  readonly newline: "\n" | "\r";
  /** Only the csv-parse lane reads it: lines end in `\r` alone, or quotes stand where RFC 4180 has none. */
  readonly odd: boolean;
}

/** What the user has said about a file's dialect; the rest is found out. */
export interface DialectOptions {
  delimiter?: string | undefined;
  header?: boolean | undefined;
}

const CANDIDATES = [",", ";", "\t", "|"];
// A delimiter shows in a few dozen rows; a quoted cell of free text may be long.
const SNIFF_CHARACTERS = 64 * 1024;
const SNIFF_RECORDS = 100;

/**
 * Finds the dialect of a file from its head.
 *
 * The delimiter is the candidate (`,` `;` tab `|`) that cuts the largest share of records into as many cells as
 * the first, quoted cells respected; ties go to more cells, then to the order above.
 *
 * @param sample the first bytes of the file
 * @param whole whether they are all of it
 * @throws DataError for UTF-16, binary data and text that is not UTF-8; UsageError for a delimiter that is not
 * one ASCII character
 */
export function sniffDialect(
  sample: Uint8Array,
  whole: boolean,
  options: DialectOptions = {},
  file?: string,
): Dialect {
  const bom = sample[0] === 0xef && sample[1] === 0xbb && sample[2] === 0xbf;
  const text = decodeSample(sample, file).slice(0, SNIFF_CHARACTERS);
  const complete = whole && text.length <= SNIFF_CHARACTERS;
  const newline = text.includes("\n") || !text.includes("\r") ? "\n" : "\r";
  const read = (delimiter: string): Sample =>
    sampleRecords(text, delimiter, newline, complete, SNIFF_RECORDS);
  const delimiter =
    options.delimiter === undefined ? sniffDelimiter(text, read) : checkDelimiter(options.delimiter);
  const chosen = read(delimiter);
  return {
    delimiter,
    header: options.header ?? true,
    bom,
    newline,
    odd: newline === "\r" || chosen.strayQuote,
  };
}

/**
 * The sample as text, without byte order mark; a character cut off at its end is dropped.
 *
 * @throws DataError where it is not UTF-8 text
 */
export function decodeSample(sample: Uint8Array, file?: string): string {
  const place = { file };
  if ((sample[0] === 0xff && sample[1] === 0xfe) || (sample[0] === 0xfe && sample[1] === 0xff)) {
    throw new DataError("the file is UTF-16, expected UTF-8", {
      place,
      hint: "convert it first: iconv -f UTF-16 -t UTF-8",
    });
  }
  const nul = sample.indexOf(0);
  if (nul >= 0) {
    const kind = binaryKind(sample);
    throw new DataError(`not a text file (${kind ?? `a zero byte at offset ${nul}`}), expected CSV`, {
      place,
      hint: "export the data as CSV in UTF-8",
    });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(sample, { stream: true });
  } catch {
    const lines = new TextDecoder("utf-8").decode(sample).split("\n");
    const line = lines.findIndex((text) => text.includes("\ufffd")) + 1;
    throw new DataError("the text is not valid UTF-8", {
      place: { file, line: line > 0 ? line : undefined },
      hint: "convert it first, from Windows-1252 for example: iconv -f WINDOWS-1252 -t UTF-8",
    });
  }
}

function binaryKind(sample: Uint8Array): string | undefined {
  const magic = String.fromCharCode(...sample.subarray(0, 4));
  if (magic.startsWith("PK")) return "a zip archive or an Excel workbook";
  if (magic === "PAR1") return "a Parquet file";
  return undefined;
}

function checkDelimiter(given: string): string {
  const delimiter = given === "\\t" || given === "tab" ? "\t" : given;
  if (!/^[\t -~]$/.test(delimiter) || /["0-9A-Za-z.+-]/.test(delimiter)) {
    throw new UsageError(`delimiter ${JSON.stringify(given)} is not one ASCII character`, {
      hint: "use one of , ; tab | or another single character that no number or quote contains",
    });
  }
  return delimiter;
}

function sniffDelimiter(text: string, read: (delimiter: string) => Sample): string {
  const present = CANDIDATES.filter((delimiter) => text.includes(delimiter));
  if (present.length < 2) return present[0] ?? ",";
  let best = ",";
  let bestShare = 0;
  let bestCells = 1;
  for (const delimiter of present) {
    const { records } = read(delimiter);
    const cells = records[0]?.cells.length ?? 1;
    if (cells < 2) continue;
    const share = records.filter((record) => record.cells.length === cells).length / records.length;
    if (share > bestShare || (share === bestShare && cells > bestCells)) {
      best = delimiter;
      bestShare = share;
      bestCells = cells;
    }
  }
  return best;
}
