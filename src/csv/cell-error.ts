import { cellShape } from "../dataset/cell-shape.js";
import { DataError, quoteCell } from "../errors.js";
import { isDecimal } from "../kernels/number.js";
import { option, type Wording, wording } from "../wording.js";
import type { Table } from "./table.js";

/** The error for a cell of a numeric column that is neither a finite number nor missing; it says what would read it. */
export function cellError(table: Table, line: number, cells: readonly string[], at: number): DataError {
  const { name } = table.columns[at]!;
  const cell = cells[at]!;
  const place = { file: table.source.name, line, column: name, cell };
  if (table.dialect.header && repeatsHeader(table, cells))
    return new DataError("the header again, in the middle of the rows", {
      place: { file: table.source.name, line },
      hint: "files seem to have been put together with their headers: take the line out, or name the files one by one",
    });
  if (isDecimal(cell) && table.format.decimal === ".")
    return new DataError(`expected a finite number, found ${quoteCell(cell)}`, {
      place,
      hint: "the largest double is about 1.8e308; correct the cell or write NA",
    });
  const comma = table.format.decimal === "," ? "a number with a decimal comma" : "a number";
  return new DataError(`expected ${comma}, found ${quoteCell(cell)}${invisible(cell)}`, {
    place,
    hint: hintFor(table, name, cell),
  });
}

/** The error for a number in a column that had few texts and nothing else for a long way. */
export function numberAmongTexts(table: Table, line: number, column: number, cell: string): DataError {
  const { name } = table.columns[column]!;
  const before = table.sample.map((row) => row[column]!.trim()).find((text) => text !== "");
  return new DataError(`found the number ${quoteCell(cell)} in a column that held text up to here`, {
    place: { file: table.source.name, line, column: name, cell },
    hint: wording`to read it as text: ${option("text", [name])}; if ${quoteCell(before ?? "")} means a missing value: ${option("naValues", [before ?? ""])}; to fit without the column: ${option("exclude", [name])}`,
  });
}

function repeatsHeader(table: Table, cells: readonly string[]): boolean {
  return table.columns.every(({ name, unnamed }, j) => unnamed || cells[j]!.normalize("NFC") === name);
}

function hintFor(table: Table, name: string, cell: string): Wording {
  const isTarget = name === table.target;
  const { format } = table;
  if (format.decimal === "," && /^[+-]?\d{1,3}\.\d{3}$/.test(cell.trim()))
    return wording`if the point groups thousands: ${option("thousands", ".")}; for a file with decimal points: ${option("decimal", ".")}`;
  const asText: Wording =
    isTarget || table.ofModel ? "" : wording`; to take the column as text: ${option("text", [name])}`;
  const shape = cellShape(cell);
  const short = cell.trim().slice(0, 20);
  switch (shape.like) {
    case "number": {
      if (format.decimal === "," && isDecimal(cell))
        return wording`for a file with decimal points: ${option("decimal", ".")}`;
      if (shape.written !== undefined) return wording`write it as ${shape.written}${asText}`;
      const parts: Wording[] = [];
      if (shape.thousands !== undefined && shape.thousands !== format.thousands)
        parts.push(wording`${option("thousands", shape.thousands)}`);
      if (shape.decimal !== undefined && shape.decimal !== format.decimal)
        parts.push(wording`${option("decimal", ",")}`);
      if (shape.strip !== undefined) parts.push(wording`${option("strip", shape.strip)}`);
      const read = parts.reduce<Wording>((all, part, i) => (i === 0 ? part : wording`${all} ${part}`), "");
      if (shape.ambiguous)
        return wording`if the comma groups thousands: ${read}; if it is a decimal comma: ${option("decimal", ",")}${asText}`;
      if (parts.length === 0) return wording`correct the cell${asText}`;
      return wording`such numbers are read with ${read}${asText}`;
    }
    case "measure": {
      const others = unitsOf(table, name).filter((affix) => affix !== shape.affix);
      if (others.length > 0)
        return wording`other cells have ${others.map(quoteCell).join(", ")}: give all of them in one unit${asText}`;
      if (/^[<>≤≥±]$/.test(shape.affix))
        return wording`such a bound is no number: write NA or a value${asText}`;
      const strip = shape.affix === "=" ? ['="', '"'] : [shape.affix];
      if (LIKE_DIGITS.test(shape.affix))
        return wording`correct the cell: ${quoteCell(shape.affix)} is of letters that look like digits${asText}`;
      if (MULTIPLES.test(shape.affix))
        return wording`if ${quoteCell(shape.affix)} multiplies the number, write it out; if it is a unit to be passed over: ${option("strip", strip)}${asText}`;
      return wording`such numbers are read with ${option("strip", strip)}${asText}`;
    }
    case "missing":
      return wording`if ${quoteCell(cell)} means a missing value: ${option("naValues", [cell.trim()])}`;
    case "date":
      return wording`it looks like a date${asText}`;
    default:
      return format.decimal === "," && isDecimal(cell)
        ? wording`for a file with decimal points: ${option("decimal", ".")}`
        : wording`correct the cell, or write NA if the value is missing (${option("naValues", [short])} says so for all of them)${asText}${isTarget || table.ofModel ? "" : wording`; to fit without the column: ${option("exclude", [name])}`}`;
  }
}

/** Letters taken for 0 and 1, by people and by programs that read paper. */
const LIKE_DIGITS = /^[OoIl]+$/;

/** What stands for thousands, millions and more behind a number, in one language or another. */
const MULTIPLES = /^(?:[kmbgt]|mm|mn|bn|mio\.?|mrd\.?|tsd\.?|thousand|million|billion|cr|crore|lakh|万|亿)$/i;

/** What stands beside the numbers of a column, in its sample. */
function unitsOf(table: Table, name: string): string[] {
  const at = table.columns.findIndex((column) => column.name === name);
  const shapes = table.sample.map((row) => cellShape(row[at] ?? ""));
  return [...new Set(shapes.flatMap((shape) => (shape.like === "measure" ? [shape.affix] : [])))];
}

const NAMES: Record<string, string> = {
  "\u00a0": "U+00A0, a no-break space",
  "\u202f": "U+202F, a narrow no-break space",
  "\u2009": "U+2009, a thin space",
  "\u2007": "U+2007, a figure space",
  "\u200b": "U+200B, a zero-width space",
  "\ufeff": "U+FEFF, a byte order mark",
  "\u2212": "U+2212, a minus that is not the one of keyboards",
};

/** Names the character of a cell that does not show, or looks like another. */
function invisible(cell: string): string {
  const found = Object.keys(NAMES).find((character) => cell.includes(character));
  return found === undefined ? "" : ` (with ${NAMES[found]})`;
}
