import { displayWidth as widthOf } from "../../display-width.js";
import { ended } from "../../stats/pauses.js";
import { STYLE_MARK } from "./colour.js";

/** A colour sequence, as it is and before it is printed. */
const STYLE = new RegExp(`(?:\\u001b|${STYLE_MARK})\\[[0-9;]*m`, "g");

/** How a column of a table is set. */
export type Align = "left" | "right";

/** The width of a text in terminal cells: escape sequences take none; combining marks none; wide characters two. */
export function displayWidth(text: string): number {
  return widthOf(text.replace(STYLE, ""));
}

/** Sets rows of cells in columns, two spaces apart; lines carry no trailing spaces. */
export function renderTable(rows: readonly (readonly string[])[], align: readonly Align[]): string {
  return ended(tableSteps(rows, align));
}

/** Rows that are set between two pauses. */
const STRETCH = 256;

/** `renderTable` with pauses: a hundred thousand rows take a second. */
export function* tableSteps(
  rows: readonly (readonly string[])[],
  align: readonly Align[],
): Generator<undefined, string, void> {
  const widths = align.map(() => 0);
  for (const [i, row] of rows.entries()) {
    align.forEach((_, j) => {
      widths[j] = Math.max(widths[j]!, displayWidth(row[j] ?? ""));
    });
    if (i % STRETCH === STRETCH - 1) yield;
  }
  const lines: string[] = [];
  for (const [i, row] of rows.entries()) {
    const cells = align.map((side, j) => {
      const cell = row[j] ?? "";
      const pad = " ".repeat(widths[j]! - displayWidth(cell));
      return side === "left" ? cell + pad : pad + cell;
    });
    lines.push(cells.join("  ").trimEnd());
    if (i % STRETCH === STRETCH - 1) yield;
  }
  return lines.join("\n");
}

/**
 * Breaks a text at spaces into lines of at most `columns`; groups set apart by three spaces stay together where they
 * can. Lines that fit stay as they are.
 */
export function wrap(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
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
