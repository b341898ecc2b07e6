import type { SetCell, SetTable } from "./set-table.js";

/** A text as it stands in Markdown: signs that would mark it up are escaped, lines are made one. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|~#$]/g, "\\$&").replace(/\s+/g, " ");
}

/** A table in GitHub's Markdown of cells that are escaped already; the first row is its head. */
export function markdownRows(
  rows: readonly (readonly string[])[],
  align: readonly ("left" | "right")[],
): string {
  const [head, ...body] = rows.map((row) => `| ${row.join(" | ")} |`);
  const rule = `|${align.map((side) => (side === "left" ? " --- " : " ---: ")).join("|")}|`;
  return [head, rule, ...body].join("\n");
}

/** A table of models in Markdown, as GitHub and pandoc read it. */
export function tableMarkdown({ names, targets, parts, notes }: SetTable, title?: string): string {
  const cell = ({ text, stars }: SetCell) => escapeMarkdown(`${text}${stars}`);
  const body = parts.flatMap((part) =>
    part.flatMap(({ label, cells, beneath }) => [
      [escapeMarkdown(label), ...cells.map(cell)],
      ...(beneath === undefined ? [] : [["", ...beneath.map(escapeMarkdown)]]),
    ]),
  );
  const rows = [["", ...names.map(escapeMarkdown)], ["target", ...targets.map(escapeMarkdown)], ...body];
  const table = markdownRows(
    rows,
    rows[0]!.map((_, j) => (j === 0 ? "left" : "right")),
  );
  const above = title === undefined ? "" : `**${escapeMarkdown(title)}**\n\n`;
  const below = notes.length === 0 ? "" : `\n${notes.map((note) => escapeMarkdown(note)).join(" ")}\n`;
  return `${above}${table}\n${below}`;
}
