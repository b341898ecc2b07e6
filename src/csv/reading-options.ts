import type { DialectOptions } from "./dialect.js";

/** How a table is to be read: what its text cannot tell by itself. All may be left out. */
export interface ReadingOptions extends DialectOptions {
  /** Lines to pass over before the header. */
  skipRows?: number | undefined;
  /** The character that begins a comment, which goes to the end of its line. Default: none. */
  comment?: string | undefined;
  /** The text's encoding, as `TextDecoder` names it. Default: UTF-8, or UTF-16 where a byte order mark says so. */
  encoding?: string | undefined;
  /** The character before a number's fraction. Default: a point; a comma where the thousands have points. */
  decimal?: "." | "," | undefined;
  /** The character between groups of digits; a space stands for no-break spaces too. Default: none. */
  thousands?: string | undefined;
  /** Texts to take off numbers, before and after: `%`, `$`, `EUR`. Default: none. */
  strip?: readonly string[] | undefined;
  /** Texts that mean a missing value, beside an empty cell, NA, N/A, NaN, nan, null and NULL. */
  naValues?: readonly string[] | undefined;
  /** The same in one column; an empty text says that in this column NA and the like are values. */
  naValuesIn?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Columns to take as text, whatever they look like. */
  text?: readonly string[] | undefined;
  /** Only rows for which this holds, in R's language: `age >= 18 & region != "N"`. The others are counted. */
  where?: string | undefined;
  /** Of a database: the table to read. Default: the only one that there is. */
  table?: string | undefined;
  /** Of a database: the query whose rows to read, in place of a table. */
  sql?: string | undefined;
  /** The column that names rows, in place of their numbers. */
  id?: string | undefined;
}
