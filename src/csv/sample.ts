import { DataError } from "../errors.js";
import { inOneGo, type Steps } from "../parallel/steps.js";

/** More cells in a line than this are no table that a model could be made of. */
const MOST_CELLS = 1 << 22;

/** A record of a sample: its cells with surrounding white space trimmed, and where it stands in the text. */
export interface SampleRecord {
  readonly cells: string[];
  /** Offsets into the sample's text, in UTF-16 units: of the record's first character, and past its line end. */
  readonly start: number;
  readonly end: number;
  /** The line on which the record starts, from 1. */
  readonly line: number;
}

/** The records at the head of a file, and whether its quoting follows RFC 4180 so far. */
export interface Sample {
  readonly records: SampleRecord[];
  /** A quoted cell has text after its closing quote. */
  readonly strayQuote: boolean;
  /** The text ends inside a quoted cell. */
  readonly openQuote: boolean;
}

/**
 * Splits the head of a file into records, well enough to judge dialect, header and column kinds by.
 *
 * It reads the same language as the csv-parse lane (blank lines skipped, white space around cells and quotes
 * trimmed, quotes doubled inside quoted cells), over text already in memory and without loading csv-parse,
 * which would take a tenth of the time of a small fit. What is irregular it reports, for csv-parse to explain.
 *
 * @param text the sample, without byte order mark
 * @param delimiter one character
 * @param newline `"\n"` (a `\r` before it is dropped) or `"\r"`
 * @param whole whether the text is the whole file; if not, the last record may be cut off and is left out
 * @param limit the most records to return
 */
export function sampleRecords(
  text: string,
  delimiter: string,
  newline: "\n" | "\r",
  whole: boolean,
  limit = Number.POSITIVE_INFINITY,
): Sample {
  return inOneGo(sampleSteps(text, delimiter, newline, whole, limit));
}

/**
 * `sampleRecords`, in steps: a record may have a million cells.
 *
 * @param file for the message of an error
 * @throws DataError for a line of more than 4,194,304 cells
 */
export function* sampleSteps(
  text: string,
  delimiter: string,
  newline: "\n" | "\r",
  whole: boolean,
  limit = Number.POSITIVE_INFINITY,
  file?: string,
): Steps<Sample> {
  const records: SampleRecord[] = [];
  let strayQuote = false;
  let openQuote = false;
  let position = 0;
  let line = 1;
  while (position < text.length && records.length < limit) {
    const newlineAt = text.indexOf(newline, position);
    const lineEnd = newlineAt < 0 ? text.length : newlineAt;
    const content = text.slice(position, lineEnd);
    let cells: string[];
    let end = newlineAt < 0 ? text.length : newlineAt + 1;
    let closed = newlineAt >= 0;
    let lines = 1;
    if (content.length > MOST_CELLS && hasMoreCells(content, delimiter, MOST_CELLS))
      throw new DataError(`the line has more than ${MOST_CELLS} cells`, {
        place: { file, line },
        hint: "check the delimiter, and that there is a row of data on each line",
      });
    if (!content.includes('"')) {
      const columns = records[0]?.cells.length;
      if (content === "" || content === "\r" || (columns !== 1 && isBlank(content, delimiter))) {
        position = end;
        line++;
        continue;
      }
      cells = content.split(delimiter);
      // In place, for there may be a million.
      for (let j = 0; j < cells.length; j++) cells[j] = cells[j]!.trim();
    } else {
      const quoted = quotedRecord(text, position, delimiter, newline);
      cells = quoted.cells;
      end = quoted.end;
      closed = quoted.closed;
      strayQuote ||= quoted.strayQuote;
      openQuote = quoted.openQuote;
      lines = quoted.lines;
    }
    if (closed || whole) records.push({ cells, start: position, end, line });
    position = end;
    line += lines;
    yield;
  }
  return { records, strayQuote, openQuote };
}

/** Whether a line, cut at its delimiters, has more than `most` cells. */
function hasMoreCells(content: string, delimiter: string, most: number): boolean {
  let cells = 1;
  for (let at = content.indexOf(delimiter); at >= 0; at = content.indexOf(delimiter, at + 1))
    if (++cells > most) return true;
  return false;
}

/**
 * Whether a line holds nothing but white space; a delimiter, tab included, makes it a record. Such a line is
 * skipped, except that in a table of one column only the empty line is: there, spaces are a missing cell.
 */
export function isBlank(content: string, delimiter: string): boolean {
  return content.trim() === "" && !content.includes(delimiter);
}

interface QuotedRecord {
  cells: string[];
  end: number;
  lines: number;
  closed: boolean;
  strayQuote: boolean;
  openQuote: boolean;
}

/** One record with quotes in it, read character by character. */
function quotedRecord(text: string, start: number, delimiter: string, newline: string): QuotedRecord {
  const cells: string[] = [];
  let strayQuote = false;
  let lines = 1;
  let i = start;
  const skipSpace = () => {
    while (i < text.length && text[i] !== delimiter && text[i] !== newline && text[i]!.trim() === "") i++;
  };
  for (;;) {
    skipSpace();
    let cell = "";
    if (text[i] === '"') {
      i++;
      for (;;) {
        const close = text.indexOf('"', i);
        if (close < 0) return { cells, end: text.length, lines, closed: false, strayQuote, openQuote: true };
        cell += text.slice(i, close);
        i = close + 1;
        if (text[i] !== '"') break;
        cell += '"';
        i++;
      }
      lines += cell.split(newline).length - 1;
      skipSpace();
      if (i < text.length && text[i] !== delimiter && text[i] !== newline) strayQuote = true;
    }
    const rest = i;
    while (i < text.length && text[i] !== delimiter && text[i] !== newline) i++;
    cells.push((cell + text.slice(rest, i)).trim());
    if (text[i] === delimiter && i < text.length) {
      i++;
      continue;
    }
    const closed = i < text.length;
    return { cells, end: closed ? i + 1 : i, lines, closed, strayQuote, openQuote: false };
  }
}
