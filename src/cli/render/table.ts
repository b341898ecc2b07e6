import { STYLE_MARK } from "./colour.js";

/** A colour sequence, as it is and before it is printed. */
const STYLE = new RegExp(`(?:\\u001b|${STYLE_MARK})\\[[0-9;]*m`, "g");

/** How a column of a table is set. */
export type Align = "left" | "right";

/** The width of a text in terminal cells: escape sequences take none; combining marks none; wide characters two. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const c of text.replace(STYLE, "")) {
    const code = c.codePointAt(0)!;
    if (code >= 0x300 && code <= 0x36f) continue;
    width +=
      (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xffdc) || code > 0xffff ? 2 : 1;
  }
  return width;
}

/** Sets rows of cells in columns, two spaces apart; lines carry no trailing spaces. */
export function renderTable(rows: readonly (readonly string[])[], align: readonly Align[]): string {
  const widths = align.map((_, j) => Math.max(0, ...rows.map((row) => displayWidth(row[j] ?? ""))));
  return rows
    .map((row) =>
      align
        .map((side, j) => {
          const cell = row[j] ?? "";
          const pad = " ".repeat(widths[j]! - displayWidth(cell));
          return side === "left" ? cell + pad : pad + cell;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
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
