import { appendFileSync } from "node:fs";
import { escapeMarkdown, markdownRows } from "../../tables/markdown.js";
import { printError } from "./print.js";

/**
 * Adds Markdown to the summary of a step of GitHub Actions, the file that GITHUB_STEP_SUMMARY names; anywhere else it is
 * printed on standard error.
 */
export function stepSummary(markdown: string): void {
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (file === undefined || file === "") printError(`${markdown}\n`);
  else appendFileSync(file, `${markdown}\n`);
}

/**
 * A remark on a run of GitHub Actions, by a workflow command. It goes to standard error, which the runner reads as well,
 * so that standard output stays what was asked for.
 */
export function annotation(kind: "notice" | "warning" | "error", heading: string, message: string): void {
  const text = message.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  const property = heading
    .replaceAll("%", "%25")
    .replaceAll("\r", "%0D")
    .replaceAll("\n", "%0A")
    .replaceAll(":", "%3A")
    .replaceAll(",", "%2C");
  printError(`::${kind} title=${property}::${text}\n`);
}

/** A table in GitHub's Markdown; the first row is its head. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(escapeMarkdown));
  return markdownRows(cells, cells[0]?.map(() => "left" as const) ?? []);
}
