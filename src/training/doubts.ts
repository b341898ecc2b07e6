import { ordinal } from "../csv/header.js";
import { cellShape } from "../dataset/cell-shape.js";
import { placesOf } from "../dataset/column-places.js";
import type { FactorLevels } from "../dataset/formula/coding.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import { type CellReader, cellReaders, type NumberFormat, PLAIN_FORMAT } from "../dataset/number-format.js";
import { type Column, IDENTIFIER_ROWS } from "../dataset/schema.js";

/** What is often written for a missing number. */
const SENTINELS = new Set(["-9", "-99", "-999", "-9999", "-99999"]);

/** What is known of a table before it is read. */
interface KnownTable {
  readonly columns: readonly Column[];
  readonly sample: readonly (readonly string[])[];
  readonly format?: NumberFormat | undefined;
  readonly dialect?: { readonly delimiter: string } | undefined;
  readonly whole?: boolean | undefined;
  /** Some rows from behind the head. */
  readonly scattered?: readonly (readonly string[])[] | undefined;
}

const LEADING_ZERO = /^0\d/;
const DAY = /^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$/;

/** Whether a cell of digits may be something else than their number. */
function mayBeNone(cell: string): boolean {
  return SENTINELS.has(cell) || LEADING_ZERO.test(cell) || DAY.test(cell);
}

/** Remarks on columns of a model that may not be what they seem. */
export function doubts(spec: ModelSpec, table: KnownTable): string[] {
  const { format = PLAIN_FORMAT, dialect, scattered = [] } = table;
  const readerOf = cellReaders(format);
  const text = new Set(spec.text);
  // Of a million columns hardly one is doubtful: which are in the model is asked then.
  let numbers: ReadonlySet<string> | undefined;
  const isNumeric = (name: string) => {
    numbers ??= new Set(spec.numeric);
    return numbers.has(name);
  };
  const grouping = dialect?.delimiter === ";" && format.decimal === ".";
  return columnsOf(spec, table.columns).flatMap((at) => {
    const column = table.columns[at]!;
    const { name, unnamed } = column;
    const cells = () => table.sample.map((row) => row[at] ?? "");
    if (unnamed && (isNumeric(name) || text.has(name)))
      return [`the ${ordinal(at + 1)} column has no name, and is called ${name}`];
    const odd = table.sample.some((row) => mayBeNone(row[at] ?? ""));
    const late = scattered.some((row) => SENTINELS.has(row[at]!));
    if ((odd || late || grouping) && isNumeric(name))
      return [
        ...sentinel(name, [...cells(), ...scattered.map((row) => row[at]!)], readerOf(name)),
        ...code(name, cells()),
        ...(grouping ? grouped(name, cells()) : []),
      ];
    if (!text.has(name) || column.dates !== undefined) return [];
    if (column.numberToo !== undefined)
      return [`${name} is read as text, though it holds numbers too, such as ${column.numberToo}`];
    if (column.affix !== undefined)
      return [
        `${name} is read as text, such as ${table.sample[0]![at]}; to read its numbers, say so (strip ${column.affix})`,
      ];
    const different = new Set(cells());
    return [
      ...namibia(name, different),
      ...names(name, cells(), different),
      ...(table.whole ? sum(name, cells()) : []),
    ];
  });
}

/** The columns to look at: where a model has few of very many, these. */
function columnsOf({ numeric, text }: ModelSpec, columns: readonly Column[]): number[] {
  const used = [...numeric, ...text];
  if (4 * used.length > columns.length) return columns.map((_, at) => at);
  const places = placesOf(columns);
  const found = new Set(used.map((name) => places.get(name)).filter((at) => at !== undefined));
  return [...found].sort((a, b) => a - b);
}

/** More levels than these are no words that somebody typed. */
const MOST_COMPARED = 5000;

/**
 * Remarks on the levels that the factors of a model were found to have.
 *
 * @param asText columns that the user says to take as text
 */
export function levelDoubts(
  levels: FactorLevels,
  spec: ModelSpec,
  table: Pick<KnownTable, "columns" | "format">,
  asText: readonly string[] = [],
): string[] {
  const readerOf = cellReaders(table.format ?? PLAIN_FORMAT);
  const places = placesOf(table.columns);
  const factors = new Map(spec.variables.map((variable) => [variable.label, variable]));
  return Object.entries(levels).flatMap(([label, of]) => {
    const factor = factors.get(label);
    // A text column as it stands; factor(id) says that whatever is in it is a level.
    const chosen = factor?.kind !== "factor" || factor.label !== factor.column || asText.includes(label);
    const column = chosen ? undefined : table.columns[places.get(label) ?? -1];
    return [
      ...(of.length > MOST_COMPARED ? [] : [...lookAlikes(label, of), ...strangers(label, of)]),
      ...(column === undefined || column.numberToo !== undefined
        ? []
        : numbersAmong(label, of, readerOf(label))),
    ];
  });
}

/** Numbers among words, of which the head of the file had none. */
function numbersAmong(name: string, levels: readonly string[], reader: CellReader): string[] {
  // Sorted as they are, numbers stand before words.
  const found = levels
    .slice(0, MOST_COMPARED)
    .find((level) => DIGIT.test(level) && (reader.isNumber(level) || cellShape(level).like === "number"));
  return found === undefined
    ? []
    : [`${name} is read as text, though it holds numbers too, such as ${found}`];
}

const DIGIT = /\p{Nd}/u;

/** A number that looks as if it meant a missing value, unless it is said to. */
function sentinel(name: string, cells: readonly string[], reader: CellReader): string[] {
  const marked = new Set(cells.filter((cell) => SENTINELS.has(cell) && !reader.isMissing(cell)));
  const least = Math.min(...[...marked].map(Number));
  if (marked.size === 0 || cells.some((cell) => Number(cell) < least / 3 && Number(cell) !== least))
    return [];
  return [
    `${name} is ${least} in some rows and nowhere near it else; if that means a missing value, say so (na-values ${name}=${least})`,
  ];
}

/** Numbers that are written as codes or days are. */
function code(name: string, cells: readonly string[]): string[] {
  const given = cells.filter((cell) => cell !== "");
  const zeros = given.find((cell) => LEADING_ZERO.test(cell));
  const { length } = given[0] ?? "";
  if (zeros !== undefined && given.every((cell) => /^\d+$/.test(cell) && cell.length === length))
    return [
      `${name} is read as numbers, though they begin with zeros, such as ${zeros}; if they are codes, say so (text ${name})`,
    ];
  if (given.length > 1 && given.every((cell) => DAY.test(cell)))
    return [
      `${name} is read as numbers, such as ${given[0]}; if they are days, write them as ${given[0]!.replace(/(....)(..)(..)/, "$1-$2-$3")}, for as.Date(${name})`,
    ];
  return [];
}

/** Numbers of which each could as well have a point between thousands, in a file of semicolons. */
function grouped(name: string, cells: readonly string[]): string[] {
  const given = cells.filter((cell) => cell !== "");
  const all = given.length >= 5 && given.every((cell) => /^[+-]?(?:[1-9]\d{0,2}\.\d{3}|\d{1,3})$/.test(cell));
  if (!all || !given.some((cell) => cell.includes("."))) return [];
  return [
    `${name} is read with a decimal point, as in ${given.find((cell) => cell.includes("."))}; if that is a point between thousands, say so (thousands .)`,
  ];
}

function namibia(name: string, cells: ReadonlySet<string>): string[] {
  const codes = [...cells].filter((cell) => cell !== "" && cell !== "NA");
  return cells.has("NA") && codes.length > 0 && codes.every((code) => /^[A-Z]{2}$/.test(code))
    ? [
        `NA in ${name} is read as missing; if it is one of its codes, say that there only empty cells are (na-values ${name}=)`,
      ]
    : [];
}

/** Texts of which few come again, so that a coefficient of each says little. */
function names(name: string, cells: readonly string[], different: ReadonlySet<string>): string[] {
  const given = cells.filter((cell) => cell !== "").length;
  if (given < IDENTIFIER_ROWS || different.size <= given / 2) return [];
  return [
    `${name} has ${different.size} different texts in ${given} rows, and a coefficient for each; if they name the rows, leave it out (exclude ${name})`,
  ];
}

/** A last row that sums up those before it. */
function sum(name: string, cells: readonly string[]): string[] {
  const last = cells.at(-1) ?? "";
  if (!SUMS.test(last) || cells.indexOf(last) < cells.length - 1) return [];
  return [
    `the last row is ${JSON.stringify(last)} in ${name}; if it sums up the others, leave it out (where ${name} != "${last}")`,
  ];
}

const SUMS =
  /^(?:(?:grand |sub)?totals?|(?:grand )?sum|all|averages?|means?|summe|gesamt|insgesamt|somme|suma|totale|totaal)$/i;

/** What is hardly ever a word, and often written for a missing value. */
const NO_WORD = /^(?:[?.*]|-{1,3}|–|—|#n\/?a|\\n|\(null\)|<na>|n\/a|#(?:div\/0|value|ref|num|null)[!?]?)$/i;

/** Levels among words that are none: what may mean a missing value, and dates. */
function strangers(name: string, levels: readonly string[]): string[] {
  if (levels.length < 3) return [];
  const marker = levels.find((level) => NO_WORD.test(level));
  const dates = levels.filter((level) => cellShape(level).like === "date");
  return [
    ...(marker === undefined
      ? []
      : [
          `${name} has the level ${JSON.stringify(marker)}; if that means a missing value, say so (na-values ${name}=${marker})`,
        ]),
    ...(dates.length === 0 || dates.length === levels.length
      ? []
      : [`${name} is read as text, though it holds dates too, such as ${dates[0]}`]),
  ];
}

/** Two levels that a reader would take for one. */
function lookAlikes(name: string, levels: readonly string[]): string[] {
  const seen = new Map<string, string>();
  for (const level of levels) {
    const key = level
      .normalize("NFKC")
      .toLowerCase()
      .replace(/[\p{Cf}\s]/gu, "");
    const other = seen.get(key);
    if (other !== undefined && other !== level)
      return [
        `${name} has levels that differ only in case, in blanks or in what does not show: ${shown(other)}, ${shown(level)}`,
      ];
    seen.set(key, level);
  }
  return [];
}

function shown(level: string): string {
  return JSON.stringify(level).replace(
    /[\p{Cf}\u00a0\u2000-\u200a\u202f]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
}
