import { areDecimals, isDecimal } from "../kernels/number.js";
import { type CellShape, cellShape } from "./cell-shape.js";
import { type CellReader, cellReaders, type NumberFormat, PLAIN_FORMAT } from "./number-format.js";

/**
 * What a column holds, judged by a sample of rows:
 *
 * - `empty`: all cells are missing, or say so in a way that has not been asked for (`?`);
 * - `text`: the first cell that is not missing is a text, and texts are more than numbers, counted and by how many
 *   there are of them; or dates are most of them; or the user says so;
 * - `numeric`: otherwise, also where nearly all cells are a number and the same unit (`12.5 kg`), and not a few such
 *   sizes or doses. A column of numbers with a word among them is numeric, so that reading it is an error that
 *   names the cell: taken for text it would become a factor, or be left out, for the sake of one typing error. Numbers
 *   in another writing (`1,500`, `0,5`, `12 %`) count as numbers for the same reason.
 */
type ColumnKind = "numeric" | "text" | "empty";

/** A named column of a table, in file order. */
export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  /** Set where the file has no name for it: the name was made up. */
  readonly unnamed?: true;
  /** What dates the texts are, where that is what they are. */
  readonly dates?: "date" | "time" | "other";
  /** What stands for a missing value in a column without values. */
  readonly marker?: string;
  /**
   * Set for few different texts and no number among them in a head that is not the whole file: a number further down
   * is then no level but a mistake, as of a sensor that says "offline" until it measures.
   */
  readonly noNumbers?: true;
  /** Set where there are texts in a column of numbers: reading it is an error, unless as a factor. */
  readonly words?: true;
  /** What stands beside the number in every cell of a text column, such as `mg`. */
  readonly affix?: string;
  /** A number among the texts, as it stands in the sample. */
  readonly numberToo?: string;
}

/** How columns are judged. */
export interface JudgeOptions {
  format?: NumberFormat | undefined;
  /** Columns that are text whatever they look like. */
  text?: readonly string[] | undefined;
  /** Whether the sample is the whole table. */
  whole?: boolean | undefined;
  /** Where in the rows the first column stands; default: 0. */
  from?: number | undefined;
}

/** Rows of the sample from which on text without repetition is taken for names and not for levels. */
export const IDENTIFIER_ROWS = 20;

/** No more different numbers with a unit than this are sizes or doses, and levels. */
const FEW_MEASURES = 10;
/** The share of a column's cells that have the same unit where it is one of numbers with a unit. */
const MEASURED_SHARE = 0.9;

/** More different texts than this in the head are no list of states, so that numbers may follow. */
const FEW_TEXTS = 100;

/**
 * The kind of each column of a table, from the rows of a sample.
 *
 * A number too large for a double (`1e400`) leaves its column numeric, so that reading it is an error that
 * names the cell, rather than a column that silently turns to text.
 *
 * @param names the column names, p of them
 * @param rows the sample, n rows of p cells each; rows of another length count for the cells that they have
 */
export function inferColumns(
  names: readonly string[],
  rows: readonly (readonly string[])[],
  options: JudgeOptions = {},
): Column[] {
  const text = new Set(options.text);
  const readerOf = cellReaders(options.format ?? PLAIN_FORMAT);
  const { from = 0 } = options;
  return names.map((name, j) => {
    const judged = judge(rows, from + j, readerOf(name));
    if (text.has(name)) return { name, kind: "text" };
    const strict = judged.strict && options.whole === false ? { noNumbers: true as const } : {};
    return { name, ...judged.column, ...strict };
  });
}

function judge(
  rows: readonly (readonly string[])[],
  j: number,
  reader: CellReader,
): { column: Omit<Column, "name">; strict: boolean } {
  if (holdsPlainNumbers(rows, j, reader)) return { column: { kind: "numeric" }, strict: false };
  const numbers = new Tally();
  const words = new Tally();
  let measures: Map<string, Tally> | undefined;
  let dates: Map<"date" | "time" | "other", number> | undefined;
  let marker: string | undefined;
  let first: "number" | "word" | undefined;
  let dated = 0;
  let shapes = 0;
  for (const row of rows) {
    if (j >= row.length) continue;
    const cell = row[j]!;
    const shape = shapeOf(cell, reader);
    if (shape === undefined) continue;
    if (shape === "number") numbers.add(cell);
    else if (shape.like === "missing") marker ??= cell;
    else if (shape.like === "date") {
      dated++;
      dates ??= new Map();
      dates.set(shape.of, (dates.get(shape.of) ?? 0) + 1);
    } else if (shape.like === "number") {
      numbers.add(cell);
      shapes++;
    } else {
      words.add(cell);
      if (shape.like === "measure") {
        measures ??= new Map();
        const of = measures.get(shape.affix) ?? new Tally();
        measures.set(shape.affix, of);
        of.add(cell);
      }
    }
    if (shape === "number" || shape.like !== "missing")
      first ??= shape === "number" || shape.like === "number" ? "number" : "word";
  }
  if (dates !== undefined && dated > words.count + numbers.count) {
    const of = [...dates].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
    return { column: { kind: "text", dates: of }, strict: false };
  }
  if (first === undefined)
    return { column: marker === undefined ? { kind: "empty" } : { kind: "empty", marker }, strict: false };
  const given = words.count + dated + numbers.count;
  for (const [affix, { count, different }] of measures ?? []) {
    if (count >= MEASURED_SHARE * given && different > FEW_MEASURES)
      return { column: { kind: "numeric", words: true }, strict: false };
    if (count === given && different > 1) return { column: { kind: "text", affix }, strict: false };
  }
  const isText =
    first === "word" && words.count + dated > numbers.count && words.different + dated >= numbers.different;
  if (!isText)
    return {
      column: words.count + dated > 0 ? { kind: "numeric", words: true } : { kind: "numeric" },
      strict: false,
    };
  if (numbers.count > 0) return { column: { kind: "text", numberToo: numbers.first! }, strict: false };
  return { column: { kind: "text" }, strict: words.different <= FEW_TEXTS && shapes === 0 };
}

/** Whether a column has a number in every row: nothing has to be counted of it, as there may be a million. */
function holdsPlainNumbers(rows: readonly (readonly string[])[], j: number, reader: CellReader): boolean {
  if (reader.plain) {
    const cells: string[] = [];
    for (const row of rows) if (j < row.length) cells.push(row[j]!);
    if (cells.length > 0 && areDecimals(cells)) return true;
  }
  let some = false;
  for (const row of rows) {
    if (j >= row.length) continue;
    if (shapeOf(row[j]!, reader) !== "number") return false;
    some = true;
  }
  return some;
}

/** What a cell is: a number, nothing, or what it looks like. */
function shapeOf(cell: string, reader: CellReader): CellShape | "number" | undefined {
  if (reader.plain ? isDecimal(cell) : reader.isNumber(cell) && !reader.isMissing(cell)) return "number";
  if (reader.isMissing(cell)) return undefined;
  const shape = cellShape(cell);
  // With a decimal comma, a number with a point is one in another writing.
  return shape.like === "text" && isDecimal(cell) ? { like: "number" } : shape;
}

/** How many cells there are, and how many different ones. */
class Tally {
  // A file may have a million columns, which are judged one by one.
  #cells: string[] | undefined;

  /** How many there are. */
  get count(): number {
    return this.#cells?.length ?? 0;
  }

  get first(): string | undefined {
    return this.#cells?.[0];
  }

  add(cell: string): void {
    this.#cells ??= [];
    this.#cells.push(cell);
  }

  get different(): number {
    return new Set(this.#cells).size;
  }
}
