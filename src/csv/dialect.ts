import { DataError, UsageError } from "../errors.js";
import { option, wording } from "../wording.js";
import { binaryKind, shellWord } from "./file-kind.js";
import type { Sample } from "./sample.js";
import { sampleRecords } from "./sample.js";
import { sniffDelimiter } from "./sniff.js";

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
  /** Whether runs of blanks stand between cells, which have to be made single tabs first. */
  readonly blanks: boolean;
}

/** What the user has said about a file's dialect; the rest is found out. */
export interface DialectOptions {
  delimiter?: string | undefined;
  header?: boolean | undefined;
}

// A delimiter shows in a few dozen rows; a quoted cell of free text may be long.
const SNIFF_CHARACTERS = 64 * 1024;
const SNIFF_RECORDS = 100;

/**
 * Finds the dialect of a file from its head: the delimiter by `sniffDelimiter`, unless it is given.
 *
 * @param sample the first bytes of the file
 * @param whole whether they are all of it
 * @param decimal the character before a number's fraction, where it is known
 * @throws DataError for binary data and text that is not UTF-8; UsageError for a delimiter that is not one ASCII
 * character
 */
export function sniffDialect(
  sample: Uint8Array,
  whole: boolean,
  options: DialectOptions = {},
  file?: string,
  decimal?: "." | ",",
): Dialect {
  const bom = sample[0] === 0xef && sample[1] === 0xbb && sample[2] === 0xbf;
  return { ...sniffText(decodeSample(sample, file), whole, options, decimal), bom };
}

/** The dialect of a text without byte order mark. */
export function sniffText(
  all: string,
  whole: boolean,
  options: DialectOptions = {},
  decimal?: "." | ",",
): Omit<Dialect, "bom"> {
  const text = all.slice(0, SNIFF_CHARACTERS);
  const complete = whole && text.length === all.length;
  const newline = text.includes("\n") || !text.includes("\r") ? "\n" : "\r";
  const read = (delimiter: string): Sample =>
    sampleRecords(text, delimiter, newline, complete, SNIFF_RECORDS);
  const given = options.delimiter === undefined ? undefined : checkDelimiter(options.delimiter);
  const { delimiter, blanks } = sniffDelimiter(text, read, given, decimal);
  const chosen = read(delimiter);
  return {
    delimiter,
    header: options.header ?? true,
    newline,
    odd: newline === "\r" || chosen.strayQuote,
    blanks,
  };
}

/**
 * The sample as text, without byte order mark; a character cut off at its end is dropped.
 *
 * @throws DataError where it is not UTF-8 text
 */
export function decodeSample(sample: Uint8Array, file?: string): string {
  const place = { file };
  const other = binaryKind(sample, file);
  if (other !== undefined) throw other;
  if ((sample[0] === 0xff && sample[1] === 0xfe) || (sample[0] === 0xfe && sample[1] === 0xff))
    throw new DataError("the text is UTF-16, expected UTF-8", { place, hint: "convert it to UTF-8" });
  const nul = sample.indexOf(0);
  if (nul >= 0) {
    const line = Buffer.from(sample.subarray(0, nul)).toString("latin1").split("\n").length;
    throw nulError(looksWide(sample), file, line);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(sample, { stream: true });
  } catch {
    const lines = new TextDecoder("utf-8").decode(sample).split("\n");
    const line = lines.findIndex((text) => text.includes("\ufffd")) + 1;
    throw notUtf8Error(file, line > 0 ? line : undefined);
  }
}

/** The error for a text in UTF-32, told by its byte order mark or by three NULs in every four bytes. */
export function utf32Error(head: Uint8Array, file: string | undefined): DataError | undefined {
  const units = Math.min(16, head.length >> 2);
  const all = (of: (unit: Uint8Array) => boolean) =>
    units > 1 && Array.from({ length: units }, (_, i) => head.subarray(4 * i, 4 * i + 4)).every(of);
  const little = all(([a, , c, d]) => c === 0 && d === 0 && a !== 0);
  const big = all(([a, b, , d]) => a === 0 && b === 0 && d !== 0);
  if (!little && !big) return undefined;
  const marked = little ? head[0] === 0xff && head[1] === 0xfe : head[2] === 0xfe && head[3] === 0xff;
  const path = file === undefined || file === "standard input" ? "" : ` ${shellWord(file)}`;
  return new DataError("the text is UTF-32, expected UTF-8", {
    place: { file },
    hint: `read the output of: iconv -f UTF-32${marked ? "" : little ? "LE" : "BE"} -t UTF-8${path}`,
  });
}

/** Whether every second byte of a text is NUL: UTF-16 without its mark. */
function looksWide(sample: Uint8Array): boolean {
  let zeros = 0;
  for (let i = 1; i < Math.min(sample.length, 64); i += 2)
    if (sample[i] === 0 || sample[i - 1] === 0) zeros++;
  return sample.length >= 4 && zeros >= Math.floor(Math.min(sample.length, 64) / 2) - 1;
}

/** The error for a NUL in a text. */
export function nulError(wide: boolean, file: string | undefined, line: number): DataError {
  return new DataError("a NUL (zero byte) in the text", {
    place: { file, line },
    hint: wide
      ? wording`it looks like UTF-16: ${option("encoding", "utf-16")}`
      : "the file is damaged, or not a text file; export the data as CSV in UTF-8",
  });
}

/** The error for bytes that are no UTF-8. */
export function notUtf8Error(file: string | undefined, line: number | undefined): DataError {
  return new DataError("the text is not valid UTF-8", {
    place: { file, line },
    hint: wording`name its encoding, as ${option("encoding", "windows-1252")} or ${option("encoding", "latin1")}, or convert it to UTF-8`,
  });
}

function checkDelimiter(given: string): string {
  const delimiter = given === "\\t" || given === "tab" ? "\t" : given === "space" ? " " : given;
  if (!/^[\t -~]$/.test(delimiter) || /["0-9A-Za-z.+-]/.test(delimiter)) {
    throw new UsageError(`delimiter ${JSON.stringify(given)} is not one ASCII character`, {
      hint: "use one of , ; tab | or another single character that no number or quote contains",
    });
  }
  return delimiter;
}
