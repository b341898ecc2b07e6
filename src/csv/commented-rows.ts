import type { Dialect } from "./dialect.js";
import { sampleRecords } from "./sample.js";
import { SHEET_ERRORS } from "./sheet-errors.js";

/** A remark on comments of a file's head that may be rows: lines that have as many cells as those. */
export function commentedRows(
  head: Uint8Array,
  sign: string,
  { columns, dialect }: { readonly columns: readonly unknown[]; readonly dialect: Dialect },
): string[] {
  if (columns.length < 2) return [];
  const cellsOf = (line: string) =>
    dialect.delimiter === " " || (dialect.delimiter === "\t" && !line.includes("\t"))
      ? line.trim().split(/[ \t]+/)
      : (sampleRecords(line, dialect.delimiter, "\n", true, 1).records[0]?.cells ?? []);
  const rows = new TextDecoder()
    .decode(head)
    .split(/\r\n|\n|\r/)
    .flatMap((line, at) => {
      if (!line.startsWith(sign)) return [];
      const cells = cellsOf(line);
      const [error] = cells;
      // Errors of spreadsheets are cells, but for those between blanks.
      const isRow = cells.length > 1 && !/[ \t]/.test(line[error!.length] ?? "") && isSheetError(error!);
      return !isRow && cells.length === columns.length ? [at + 1] : [];
    });
  if (rows.length === 0) return [];
  const which =
    rows.length === 1
      ? `line ${rows[0]} begins with ${sign} and is`
      : `line ${rows[0]} and ${rows.length - 1} more begin with ${sign} and are`;
  return [`${which} passed over, with as many cells as a row; quote a first cell that begins so`];
}

function isSheetError(cell: string): boolean {
  return SHEET_ERRORS.some((error) => cell.toUpperCase() === `#${error}`);
}
