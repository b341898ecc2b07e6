import { shorten, displayWidth as widthOf } from "../../display-width.js";
import { ended } from "../../stats/pauses.js";
import { colour, STYLE_MARK, screen } from "./colour.js";
import { cutNames } from "./cut-names.js";

/** A colour sequence, as it is and before it is printed. */
const STYLE = new RegExp(`(?:\\u001b|${STYLE_MARK})\\[[0-9;]*m`, "g");

/** How a column of a table is set: names and texts to the left; numbers to the right, their decimal points below each other. */
export type Align = "left" | "right";

/** A table's head, if it has one, and its rows; a row of one cell, in a table of more, is a line of its own. */
export interface Table {
  titles?: readonly string[] | undefined;
  rows: readonly (readonly string[])[];
  align: readonly Align[];
  /** The column that names the rows (default: the first). */
  names?: number;
}

/** The width of a text in terminal cells: escape sequences take none; combining marks none; wide characters two. */
export function displayWidth(text: string): number {
  // What most texts are, and two thousandths of a second of a small fit.
  if (/^[ -~]*$/.test(text)) return text.length;
  return widthOf(text.replace(STYLE, ""));
}

/**
 * Sets rows of cells in columns, two spaces apart, in at most `room` columns: long names are cut in the middle, and a
 * table that is too wide even so is broken in parts, one below the other, each with the rows' names, as R does. Lines
 * carry no trailing spaces.
 */
export function renderTable(table: Table, room = screen.columns): string {
  return ended(tableSteps(table, room));
}

/** Rows that are set between two pauses. */
const STRETCH = 256;

/** The least widths to which the rows' names, other texts and titles of numbers are cut. */
const [LEAST_NAME, LEAST_TEXT, LEAST_TITLE] = [14, 16, 8];

/** `renderTable` with pauses: a hundred thousand rows take a second. */
export function* tableSteps(
  { titles, rows, align, names = 0 }: Table,
  room = screen.columns,
): Generator<undefined, string, void> {
  const columns = align.map((): Extent => ({ whole: 0, tail: 0, left: 0 }));
  for (const [i, row] of rows.entries()) {
    if (!alone(row, align)) for (const [j, side] of align.entries()) stretch(columns[j]!, row[j] ?? "", side);
    if (i % STRETCH === STRETCH - 1) yield;
  }
  const cells = columns.map(({ whole, tail, left }) => Math.max(left, whole + tail));
  const natural = cells.map((width, j) => Math.max(width, displayWidth(titles?.[j] ?? "")));
  const least = natural.map((width, j) => {
    if (align[j] === "right") return Math.max(cells[j]!, Math.min(width, LEAST_TITLE));
    // A text is cut only where it has no room even in a part of its own.
    const most = room - Math.min(natural[names]!, LEAST_NAME) - 2;
    return Math.min(width, j === names ? LEAST_NAME : Math.max(LEAST_TEXT, most));
  });
  const parts: { chosen: number[]; widths: number[] }[] = [];
  const all = align.map((_, j) => j);
  const fitting = widthsWithin(all, natural, least, room);
  if (fitting !== undefined) parts.push({ chosen: all, widths: fitting });
  else
    for (const chosen of inParts(titles ?? [], { least, room, repeated: align[0] === "left" ? [0] : [] }))
      parts.push({
        chosen,
        widths: widthsWithin(chosen, natural, least, room) ?? chosen.map((j) => least[j]!),
      });
  const lines: string[] = [];
  for (const { chosen, widths } of parts) {
    if (lines.length > 0) lines.push("");
    const cut = chosen.map((j, k) =>
      align[j] === "left" && columns[j]!.left > widths[k]!
        ? cutNames(
            rows.map((row) => (row[j] ?? "").replace(STYLE, "")),
            widths[k]!,
          )
        : undefined,
    );
    const line = (of: readonly string[], head: boolean) =>
      chosen
        .map((j, k) => {
          const cell = head ? (of[j] ?? "") : (cut[k]?.get(of[j]!) ?? of[j] ?? "");
          return set(cell, { width: widths[k]!, side: align[j]!, column: columns[j]!, head });
        })
        .join("  ")
        .trimEnd();
    if (titles !== undefined) lines.push(line(titles, true));
    for (const [i, row] of rows.entries()) {
      if (!alone(row, align)) lines.push(line(row, false));
      else if (chosen === parts[0]!.chosen) lines.push(row[0]!);
      if (i % STRETCH === STRETCH - 1) yield;
    }
  }
  return lines.join("\n");
}

function alone(row: readonly string[], align: readonly Align[]): boolean {
  return row.length === 1 && align.length > 1;
}

/** What a column of numbers takes before the point and from it on; `left`, what takes part in neither. */
interface Extent {
  whole: number;
  tail: number;
  left: number;
}

function stretch(column: Extent, cell: string, side: Align): void {
  const width = displayWidth(cell);
  const tail = side === "left" ? undefined : tailOf(cell);
  if (tail === undefined) column.left = Math.max(column.left, width);
  else {
    column.whole = Math.max(column.whole, width - tail);
    column.tail = Math.max(column.tail, tail);
  }
}

/** A number as tables have them, in parentheses or with a unit perhaps: its sign and whole part. */
const NUMBER = /^(\(?[<>≥≤±−+-]?[0-9]+(?:,[0-9]{3})*)(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?(?: ?[^\s0-9,]{1,3})?$/;

/** Characters of a number from its point on, or from its exponent; undefined of what begins with no digit, as NA. */
function tailOf(cell: string): number | undefined {
  const plain = cell.replace(STYLE, "");
  const [, whole] = NUMBER.exec(plain) ?? [];
  return whole === undefined ? undefined : displayWidth(plain) - whole.length;
}

/** A cell at its place in its column. */
function set(cell: string, at: { width: number; side: Align; column: Extent; head: boolean }): string {
  const { width, side, column, head } = at;
  const own = displayWidth(cell);
  const text = own > width ? shorten(cell.replace(STYLE, ""), width) : cell;
  const shown = head ? colour.dim(text) : text;
  const room = " ".repeat(Math.max(0, width - (own > width ? displayWidth(text) : own)));
  if (side === "left") return shown + room;
  const tail = head ? undefined : tailOf(cell);
  const after = tail === undefined ? 0 : Math.min(room.length, column.tail - tail);
  return room.slice(after) + shown + " ".repeat(after);
}

/** The widths of columns that fit: all above one level are cut to it, none below its least; undefined where none do. */
function widthsWithin(
  chosen: readonly number[],
  natural: readonly number[],
  least: readonly number[],
  room: number,
): number[] | undefined {
  const at = (level: number) => chosen.map((j) => Math.min(natural[j]!, Math.max(least[j]!, level)));
  const total = (level: number) => at(level).reduce((sum, width) => sum + width, 2 * (chosen.length - 1));
  let [low, high] = [0, Math.max(0, ...chosen.map((j) => natural[j]!))];
  if (total(high) <= room) return at(high);
  if (total(low) > room) return undefined;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (total(middle) <= room) low = middle;
    else high = middle;
  }
  return at(low);
}

/**
 * The columns of each part, the rows' names in each of them (`repeated`). A title without a name, as that of stars, stays with
 * the column before it.
 */
function inParts(
  titles: readonly string[],
  { least, room, repeated }: { least: readonly number[]; room: number; repeated: readonly number[] },
): number[][] {
  const parts: number[][] = [];
  let taken = Number.POSITIVE_INFINITY;
  for (let j = repeated.length; j < least.length; j++) {
    const group = [j];
    while (j + 1 < least.length && titles[j + 1] === "") group.push(++j);
    const width = group.reduce((sum, k) => sum + least[k]! + 2, 0);
    if (taken + width > room) {
      parts.push([...repeated]);
      taken = repeated.reduce((sum, k) => sum + least[k]! + 2, -2);
    }
    parts.at(-1)!.push(...group);
    taken += width;
  }
  return parts.length === 0 ? [[0]] : parts;
}

/**
 * Breaks a text at spaces into lines of at most `columns`; groups set apart by three spaces stay together where they
 * can. Lines that fit stay as they are.
 */
export function wrap(text: string, columns: number): string {
  if (columns === Number.POSITIVE_INFINITY || displayWidth(text) <= columns) return text;
  const groups = text.split("   ");
  const gap = groups.length > 1 ? "   " : " ";
  const lines: string[] = [];
  let line = "";
  for (const part of groups.length > 1 ? groups.map((group) => wrap(group, columns)) : text.split(" ")) {
    if (line !== "" && displayWidth(`${line}${gap}${part}`) > columns) {
      lines.push(line);
      line = part;
    } else line = line === "" ? part : `${line}${gap}${part}`;
  }
  return [...lines, line].join("\n");
}

/** Lines below each other, those that are too long broken at spaces, but not those of a table. */
export function setLines(lines: readonly string[], columns = screen.columns): string {
  return lines.map((line) => (line.includes("\n") ? line : wrap(line, columns))).join("\n");
}
