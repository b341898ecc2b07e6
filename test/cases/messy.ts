import fc from "fast-check";
import type { ReadingOptions } from "../../src/csv/reading-options.js";

/** A clean file, and the same table as somebody else's program would write it. */
export interface Messy {
  /** How it was made, for messages. */
  how: object;
  clean: string;
  bytes: Uint8Array;
  /** The options that a user who knows the file would give; without them it may be refused. */
  options: ReadingOptions;
}

const delimiters = [",", ";", "\t", "|", " "] as const;
const groupings = ["", ",", ".", " ", "\u00a0", "\u202f", "'"] as const;
const missingTexts = ["", "NA", "NaN", "?", ".", "-", "N/A", "#N/A", "None", "null", "\\N", "-999"] as const;
const encodings = ["utf-8", "bom", "windows-1252", "utf-16le", "utf-16be"] as const;
const newlines = ["\n", "\r\n", "\r", "\r\r\n"] as const;
const preambles = ["", "sep", "hash", "hash header", "title", "units", "blank lines"] as const;
const indexes = ["", "from 0", "from 1", "shuffled", "names", "short header"] as const;
const endings = ["", "newline", "blank lines", "ctrl-z", "trailing delimiter", "header again"] as const;
const towns = ["Köln", "Basel", "Genève", "Oslo"] as const;

const shape = fc.record({
  delimiter: fc.constantFrom(...delimiters),
  decimal: fc.constantFrom(".", ","),
  grouping: fc.constantFrom("", "", ...groupings),
  missing: fc.constantFrom(...missingTexts),
  encoding: fc.constantFrom("utf-8", "utf-8", ...encodings),
  newline: fc.constantFrom("\n", "\n", ...newlines),
  preamble: fc.constantFrom("", "", ...preambles),
  index: fc.constantFrom("", "", ...indexes),
  ending: fc.constantFrom("newline", ...endings),
  quoteAll: fc.boolean(),
  told: fc.boolean(),
});
type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

const row = fc.record({
  big: fc.integer({ min: 0, max: 2_000_000 }),
  small: fc.integer({ min: -500, max: 500 }),
  town: fc.constantFrom(...towns),
  noise: fc.integer({ min: -100, max: 100 }),
  gap: fc.constantFrom("", "", "", "", "big", "small"),
});
type Row = typeof row extends fc.Arbitrary<infer T> ? T : never;

/** Tables of a large number, a small one with a fraction, a town and a target, in as many writings as there are. */
export const messy: fc.Arbitrary<Messy> = fc
  .tuple(shape, fc.array(row, { minLength: 24, maxLength: 30 }))
  .map(([how, rows]) => ({ how, clean: cleanText(rows), ...dirty(how, rows) }));

const NAMES = ["big", "small", "town", "y"];

function values({ big, small, town, noise, gap }: Row): (number | string | undefined)[] {
  const y = big / 1000 + small / 8 + towns.indexOf(town) * 50 + noise;
  return [gap === "big" ? undefined : big, gap === "small" ? undefined : small / 8, town, y];
}

function cleanText(rows: readonly Row[]): string {
  const lines = rows.map((one) =>
    values(one)
      .map((value) => value ?? "")
      .join(","),
  );
  return `${[NAMES.join(","), ...lines].join("\n")}\n`;
}

function dirty(how: Shape, rows: readonly Row[]): { bytes: Uint8Array; options: ReadingOptions } {
  const { delimiter, decimal, grouping, missing, newline, told } = how;
  // A separator that is the decimal sign too would be no writing of anyone.
  const group = grouping === decimal ? "" : grouping;
  const number = (value: number): string => {
    const [whole, fraction] = Math.abs(value).toString().split(".");
    const grouped = whole!.replace(/\B(?=(\d{3})+$)/g, group);
    return `${value < 0 ? "-" : ""}${grouped}${fraction === undefined ? "" : decimal + fraction}`;
  };
  const quoted = (cell: string): string =>
    how.quoteAll || cell.includes(delimiter) || (delimiter === " " && /\s/.test(cell)) || cell === ""
      ? `"${cell}"`
      : cell;
  const named = how.index === "" || how.index === "short header" ? NAMES : ["", ...NAMES];
  // Every third row first, as a sample of a data frame would have them.
  const shuffled = [0, 1, 2].flatMap((k) => rows.map((_, i) => i).filter((i) => i % 3 === k));
  const order = rows.map((_, i) =>
    how.index === "from 1" ? i + 1 : how.index === "shuffled" ? shuffled[i] : i,
  );
  const indexOf = (i: number): string[] => {
    if (how.index === "") return [];
    return [how.index === "names" || how.index === "short header" ? `row ${i}` : String(order[i])];
  };
  const lines = rows.map((one, i) =>
    [
      ...indexOf(i),
      ...values(one).map((value) =>
        value === undefined ? missing : typeof value === "number" ? number(value) : value,
      ),
    ].map(quoted),
  );
  const header = named.map(quoted);
  const end = how.ending === "trailing delimiter" ? delimiter : "";
  const table = [header, ...lines].map((cells) => cells.join(delimiter) + end);
  if (how.ending === "header again") table.splice(10, 0, table[0]!);
  const before: string[] = [];
  if (how.preamble === "sep") before.push(`sep=${delimiter}`);
  if (how.preamble === "hash") before.push("# station 12", "# made in May");
  if (how.preamble === "title") before.push("Report of May", "");
  if (how.preamble === "blank lines") before.push("", "");
  if (how.preamble === "hash header") table[0] = `# ${table[0]}`;
  if (how.preamble === "units")
    table.splice(
      1,
      0,
      [...(how.index === "" ? [] : [""]), "EUR/a", "m", "name", "kg"].map(quoted).join(delimiter),
    );
  const last =
    { newline, "blank lines": newline.repeat(3), "ctrl-z": `${newline}\u001a` }[how.ending as string] ?? "";
  const text = [...before, ...table].join(newline) + last;
  const options: ReadingOptions = told
    ? {
        decimal,
        ...(group === "" ? {} : { thousands: group }),
        ...(missing === "" ? {} : { naValues: [missing] }),
        ...(how.preamble === "title" ? { skipRows: 2 } : {}),
        ...(how.encoding === "windows-1252" ? { encoding: "windows-1252" } : {}),
      }
    : {};
  return { bytes: encoded(text, how.encoding), options };
}

function encoded(text: string, encoding: (typeof encodings)[number]): Uint8Array {
  switch (encoding) {
    case "utf-8":
      return Buffer.from(text);
    case "bom":
      return Buffer.from(`\ufeff${text}`);
    case "windows-1252":
      // None of its own characters between 0x80 and 0x9f are in the texts; U+202F is in no such file.
      return Buffer.from(text.replaceAll("\u202f", "\u00a0"), "latin1");
    case "utf-16le":
      return Buffer.from(`\ufeff${text}`, "utf16le");
    case "utf-16be":
      return Buffer.from(`\ufeff${text}`, "utf16le").swap16();
  }
}
