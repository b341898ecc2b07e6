import { UsageError } from "../errors.js";
import { option, wording } from "../wording.js";
import type { ReadingOptions } from "./reading-options.js";
import { SHEET_ERRORS } from "./sheet-errors.js";

/** Where a table's header starts, and what was passed over before it. */
interface Start {
  /** Characters before the header, or before the first row where the header is `commented`. */
  readonly skipped: number;
  /** The delimiter that a line `sep=;` names. */
  readonly delimiter: string | undefined;
  /** The last line of those that begin with `#`, without it: it may be the header, as NumPy writes it. */
  readonly commented: { readonly text: string; readonly line: number } | undefined;
  /** The lines, from 1, of those that begin with `#`. */
  readonly notes: readonly string[];
}

/** Whether a line above the header is no part of the table; one that begins with a spreadsheet's error is a row. */
function isComment(line: string): boolean {
  if (!line.startsWith("#")) return false;
  const start = line.slice(1, 16).toUpperCase();
  return !SHEET_ERRORS.some((error) => start.startsWith(error));
}

/**
 * Finds where a text's table starts: after the lines that the user says to skip, a line `sep=;` (by which Excel knows
 * the delimiter), and lines that begin with `#`.
 */
export function findStart(text: string, options: ReadingOptions, file: string): Start {
  let at = 0;
  let line = 1;
  const next = (): string | undefined => {
    if (at >= text.length) return undefined;
    const end = /\r\n|\n|\r/g;
    end.lastIndex = at;
    const found = end.exec(text);
    const content = text.slice(at, found?.index ?? text.length);
    at = found === null ? text.length : found.index + found[0].length;
    line++;
    return content;
  };
  const peek = (): string => {
    const [from, number] = [at, line];
    const content = next() ?? "";
    [at, line] = [from, number];
    return content;
  };
  const skipRows = options.skipRows ?? 0;
  for (let i = 0; i < skipRows; i++)
    if (next() === undefined)
      throw new UsageError(wording`${option("skipRows", skipRows)}: ${file} has only ${i} lines`);
  const separator = /^"?sep=(.)"?\s*$/i.exec(peek());
  if (separator !== null) next();
  const first = line;
  let commented: Start["commented"];
  while (options.comment === undefined && isComment(peek()))
    commented = {
      text: next()!
        .slice(1)
        .replace(/^[ \t]+/, ""),
      line: line - 1,
    };
  if (at >= text.length && commented !== undefined)
    return { skipped: 0, delimiter: undefined, commented: undefined, notes: [] };
  const lines = commented?.line === first ? `line ${first} begins` : `lines ${first} to ${line - 1} begin`;
  const notes =
    commented === undefined
      ? []
      : [`${lines} with # and ${commented.line === first ? "is" : "are"} passed over`];
  return { skipped: at, delimiter: separator?.[1], commented, notes };
}
