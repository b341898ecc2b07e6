import type { ReadingOptions } from "../../csv/reading-options.js";

/** The options of every command that reads a CSV, as commander gives them. */
export interface ReadingFlags {
  delimiter?: string;
  header: boolean;
  skipRows?: number;
  comment?: string;
  encoding?: string;
  decimal?: "." | ",";
  thousands?: string;
  strip?: string[];
  naValues?: string[];
  text?: string[];
  where?: string;
  table?: string;
  sql?: string;
  id?: string;
}

/** What the library calls them; `\t` may be written for a tab. What is not said is left out, for a model may know it. */
export function readingOptions(options: ReadingFlags): ReadingOptions {
  const {
    header,
    naValues,
    skipRows,
    comment,
    encoding,
    decimal,
    thousands,
    strip,
    text,
    where,
    table,
    sql,
    id,
  } = options;
  const delimiter = options.delimiter === "\\t" ? "\t" : options.delimiter;
  return {
    delimiter,
    header: header ? undefined : false,
    skipRows,
    comment,
    encoding,
    decimal,
    thousands,
    strip,
    text,
    where,
    table,
    sql,
    id,
    ...missingTexts(naValues),
  };
}

/** Texts that mean a missing value, anywhere or, as `column=text`, in one column. */
function missingTexts(given: readonly string[] | undefined): Pick<ReadingOptions, "naValues" | "naValuesIn"> {
  if (given === undefined) return {};
  const naValues: string[] = [];
  const naValuesIn: Record<string, string[]> = {};
  for (const text of given) {
    const at = text.indexOf("=");
    if (at < 1) naValues.push(text);
    else {
      const column = text.slice(0, at).normalize("NFC");
      naValuesIn[column] = [...(naValuesIn[column] ?? []), text.slice(at + 1)];
    }
  }
  return { naValues, naValuesIn };
}
