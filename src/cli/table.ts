/** How a column of a table is set. */
export type Align = "left" | "right";

/** The width of a text in terminal cells: escape sequences take none; combining marks none; wide characters two. */
export function displayWidth(text: string): number {
  let width = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character starts a colour sequence
  for (const c of text.replace(/\u001b\[[0-9;]*m/g, "")) {
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
