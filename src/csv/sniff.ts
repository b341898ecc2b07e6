import { cellShape } from "../dataset/cell-shape.js";
import { isDecimal, isMissing } from "../kernels/number.js";
import type { Sample } from "./sample.js";

/** Lines of the head that are cut at blanks. */
const LINES = 100;
const CANDIDATES = [",", ";", "\t", "|"];

/** How well a delimiter cuts a sample. */
interface Cut {
  delimiter: string;
  blanks: boolean;
  score: number;
  cells: number;
  /** Whether it cuts the first record too. */
  header: boolean;
}

/**
 * The delimiter of a text, from its head, quoted cells respected: among `,` `;` tab `|` and runs of blanks, the one
 * with the largest product of two shares: of records that have as many cells as most, and of good cells in them. A
 * number is good, one in another writing and a date nearly so, a text half; a text in which another delimiter stands
 * is bad, for `15,0;30,7` cut at its commas is `15`, `0;30`, `7`. Ties go to more cells, then to the order above. One
 * that cuts the first record goes before one that does not.
 */
export function sniffDelimiter(
  text: string,
  read: (delimiter: string) => Sample,
  given: string | undefined,
  decimal: "." | "," | undefined,
): { delimiter: string; blanks: boolean } {
  if (given !== undefined) {
    if (given !== " ") return { delimiter: given, blanks: false };
    const widths = read(" ").records.map(({ cells }) => cells.length);
    const even = widths.every((width) => width === widths[0]);
    return even ? { delimiter: " ", blanks: false } : { delimiter: "\t", blanks: true };
  }
  const present = CANDIDATES.filter((delimiter) => text.includes(delimiter));
  if (present.length === 1) {
    const [only] = present as [string];
    const widths = read(only).records.map(({ cells }) => cells.length);
    if (widths[0]! > 1 && widths.every((width) => width === widths[0]))
      return { delimiter: only, blanks: false };
  }
  const cuts = present.map((delimiter) =>
    cutOf(
      read(delimiter).records.map(({ cells }) => cells),
      delimiter,
      decimal,
    ),
  );
  const lines = text
    .split(/[\r\n]+/, LINES)
    .filter((line) => line.trim() !== "")
    .map(blankCells);
  const spaced = cutOf(lines, " ", decimal);
  // Where tabs cut well, blanks are part of cells.
  const tabbed = cuts.some(({ delimiter, cells, score }) => delimiter === "\t" && cells > 1 && score > 0.4);
  if (!tabbed && spaced.cells > 1 && hasNumbers(lines, spaced.cells)) cuts.push({ ...spaced, blanks: true });
  const able = cuts.filter(({ cells }) => cells > 1);
  const first = able.some(({ header }) => header) ? able.filter(({ header }) => header) : able;
  first.sort((a, b) => b.score - a.score || b.cells - a.cells);
  const [best] = first;
  if (best === undefined) return { delimiter: present[0] ?? ",", blanks: false };
  return best.blanks ? { delimiter: "\t", blanks: true } : { delimiter: best.delimiter, blanks: false };
}

function cutOf(records: readonly (readonly string[])[], delimiter: string, decimal: string | undefined): Cut {
  const widths = new Map<number, number>();
  for (const { length } of records) widths.set(length, (widths.get(length) ?? 0) + 1);
  const [cells, count] = [...widths].reduce((most, one) => (one[1] > most[1] ? one : most), [1, 0]);
  const others = CANDIDATES.filter((other) => other !== delimiter);
  let good = 0;
  let judged = 0;
  // The first record, as a rule the header, says nothing about cells.
  for (const record of records.length > 1 ? records.slice(1) : records) {
    if (record.length !== cells) continue;
    for (const cell of record) good += goodness(cell, others, decimal);
    judged += record.length;
  }
  const score = records.length === 0 || judged === 0 ? 0 : (count / records.length) * (good / judged);
  return { delimiter, blanks: false, score, cells, header: (records[0]?.length ?? 1) > 1 };
}

function goodness(cell: string, others: readonly string[], decimal: string | undefined): number {
  if (isDecimal(cell)) return decimal === "," && cell.includes(".") ? 0.5 : 1;
  if (isMissing(cell)) return 0.9;
  const { like } = cellShape(cell);
  if (like === "number") return decimal === "," ? 1 : 0.9;
  if (like === "date") return 0.9;
  if (others.some((other) => cell.includes(other))) return 0;
  return /\d[ \t]+[-+.\d]/.test(cell) ? 0.2 : 0.5;
}

/** The cells of a line between blanks, those in quotes whole. */
function blankCells(line: string): string[] {
  const cells = line.match(/"(?:[^"]|"")*"|[^\s"]+/g) ?? [];
  return cells.map((cell) => (cell.startsWith('"') ? cell.slice(1, -1) : cell));
}

/** Whether some column of a text cut at blanks holds nothing but numbers, so that it is no prose. */
function hasNumbers(records: readonly (readonly string[])[], cells: number): boolean {
  // The first two may be a header and units.
  const body = records.slice(records.length > 3 ? 2 : 1);
  const rows = body.filter(({ length }) => length === cells);
  if (rows.length < 0.95 * body.length || rows.length === 0) return false;
  return Array.from({ length: cells }, (_, j) => j).some((j) =>
    rows.every((row) => isDecimal(row[j]!) || isMissing(row[j]!) || cellShape(row[j]!).like === "number"),
  );
}
