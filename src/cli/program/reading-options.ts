import type { DialectOptions } from "../../csv/dialect.js";

/** The options of every command that reads a CSV, as commander gives them. */
export interface ReadingOptions {
  delimiter?: string;
  header: boolean;
}

/** What the library calls them; `\t` may be written for a tab. */
export function readingOptions(options: ReadingOptions): DialectOptions {
  const delimiter = options.delimiter === "\\t" ? "\t" : options.delimiter;
  return { delimiter, header: options.header };
}
