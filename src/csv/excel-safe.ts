import { cellShape } from "../dataset/cell-shape.js";
import { isDecimal } from "../kernels/number.js";
import { quoteField } from "./write.js";

/**
 * With what a cell begins that spreadsheets take for a formula, also in full width and behind blanks: OWASP, "CSV
 * Injection" (https://owasp.org/www-community/attacks/CSV_Injection).
 */
const FORMULA = /^ *[=+\-@\t\r\n＝＋－＠]/;

/** Whether a spreadsheet would compute a cell: a number, in whatever writing, it only reads. */
function isFormula(cell: string): boolean {
  return FORMULA.test(cell) && !isDecimal(cell) && cellShape(cell).like !== "number";
}

/** A cell as CSV writes it, such that no spreadsheet takes it for a formula: then in quotes, behind an apostrophe. */
export function excelSafeField(text: string, delimiter: string): string {
  return isFormula(text) ? `"'${text.replaceAll('"', '""')}"` : quoteField(text, delimiter);
}

/** A row of CSV with its formulas made texts; all other cells, and numbers among them, stay as they are written. */
export function excelSafeRow(row: string, delimiter: string): string {
  let safe = "";
  for (let at = 0; ; at++) {
    const end = cellEnd(row, at, delimiter);
    const cell = row.slice(at, end);
    const content = contentOf(cell);
    safe += isFormula(content) ? excelSafeField(content, delimiter) : cell;
    if (end >= row.length) return safe;
    safe += delimiter;
    at = end;
  }
}

/** Where the cell that begins at a place ends: before the delimiter outside of quotes. */
function cellEnd(row: string, from: number, delimiter: string): number {
  let at = from;
  while (row[at] === " ") at++;
  if (row[at] === '"')
    for (at = row.indexOf('"', at + 1); at >= 0 && row[at + 1] === '"'; at = row.indexOf('"', at + 2));
  const end = at < 0 ? -1 : row.indexOf(delimiter, at);
  return end < 0 ? row.length : end;
}

/** What a cell says, without the quotes around it. */
function contentOf(cell: string): string {
  const quoted = /^ *"(.*)" *\r?$/s.exec(cell);
  return quoted === null ? cell : quoted[1]!.replaceAll('""', '"');
}
