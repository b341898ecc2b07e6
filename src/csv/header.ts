import { cellShape } from "../dataset/cell-shape.js";
import { DataError } from "../errors.js";
import { isDecimal, isMissing } from "../kernels/number.js";
import { option, wording } from "../wording.js";
import { type SampleRecord, sampleRecords } from "./sample.js";

/** A sample's records as a table: the names of its columns and its rows. */
interface Laid {
  readonly names: string[];
  /** Where each name stands. */
  readonly places: ReadonlyMap<string, number>;
  /** The columns, by position, for which the header has no name. */
  readonly unnamed: ReadonlySet<number>;
  readonly rows: readonly SampleRecord[];
  /** Where the rows begin, as an offset into the sample's text. */
  readonly dataStart: number;
  /** The record that names the columns; undefined where there is none, or it stands behind a `#`. */
  readonly header: SampleRecord | undefined;
  readonly notes: readonly string[];
}

/** What is known of a sample's records. */
interface Known {
  readonly header: boolean;
  readonly delimiter: string;
  readonly newline: "\n" | "\r";
  /** Whether quotes stand where they have no meaning, so that records may be cut wrongly. */
  readonly doubtful: boolean;
  /** A line behind a `#` right before the first record. */
  readonly commented: { readonly text: string; readonly line: number } | undefined;
  readonly preamble: readonly string[];
  readonly linesBefore: number;
  readonly file: string;
}

/** What pandas calls a column without a name when it reads a file, and writes when it writes one again. */
const MADE_UP = /^Unnamed: \d+$/;

/**
 * Holds the header against the rows. Where it is one cell short, the first column has no name, as R writes the names
 * of rows; or the last one, where it is empty in all rows, as of a delimiter at the end of every row. A record of units
 * (`m,kg,s`) between header and numbers is no row.
 *
 * @throws DataError where header and rows do not fit, or two columns have one name
 */
export function* layOutSteps(
  records: readonly SampleRecord[],
  known: Known,
): Generator<undefined, Laid, void> {
  const { file, linesBefore } = known;
  const notes = [...known.preamble];
  if (!known.header) {
    const made = records[0]!.cells.map((_, j) => `V${j + 1}`);
    const { names, places } = yield* columnNames(made, file, 1);
    return { names, places, unnamed: new Set(), rows: records, dataStart: 0, header: undefined, notes };
  }
  const behindSign = commentedHeader(records, known);
  if (behindSign !== undefined)
    notes.splice(0, Infinity, `the names of the columns stand behind the # of line ${known.commented!.line}`);
  const header = behindSign ?? records[0]!;
  let rows = behindSign === undefined ? records.slice(1) : records;
  const line = behindSign === undefined ? header.line + linesBefore : known.commented!.line;
  yield;
  if (behindSign === undefined) refuseTitle(records, known);
  yield;
  const cells = fitted(header.cells, rows, { ...known, line });
  const units = unitsOf(rows, cells.length);
  if (units !== undefined) {
    notes.push(`line ${units.line + linesBefore} holds units, and is no row: ${units.cells.join(", ")}`);
    rows = rows.slice(1);
  }
  if (cells.length > 1 && holdsValues(cells))
    notes.push(
      `line ${line} is taken for the header, though it holds numbers: ${cells.slice(0, 5).join(", ")}`,
    );
  yield;
  const unnamed = new Set(cells.flatMap((cell, j) => (cell === "" || MADE_UP.test(cell) ? [j] : [])));
  yield;
  const { names, places } = yield* columnNames(cells, file, line);
  return {
    names,
    places,
    unnamed,
    rows,
    dataStart: units?.end ?? (behindSign === undefined ? header.end : 0),
    header: behindSign === undefined ? header : undefined,
    notes,
  };
}

/** Whether a header may be a row: it holds numbers, and not only years, by which columns are called often. */
function holdsValues(cells: readonly string[]): boolean {
  const numbers = cells.filter((cell) => isDecimal(cell));
  return numbers.length > 0 && (numbers.length === cells.length || !numbers.every((cell) => YEAR.test(cell)));
}

const YEAR = /^(19|20)\d\d$/;

/** A line behind a `#` as the header: where it has as many cells as the record after it, and that one is a row. */
function commentedHeader(
  records: readonly SampleRecord[],
  { commented, delimiter, newline }: Known,
): SampleRecord | undefined {
  if (commented === undefined) return undefined;
  const [header] = sampleRecords(commented.text, delimiter, newline, true, 1).records;
  const first = records[0]!.cells;
  // A name of rows, or a delimiter at the end of the line, may be missing in one of the two.
  const fits = header !== undefined && Math.abs(header.cells.length - first.length) <= 1;
  return fits && first.some(looksNumeric) && !header.cells.some(looksNumeric) ? header : undefined;
}

/** Whether a cell is a number, in whatever writing. */
function looksNumeric(cell: string): boolean {
  return isDecimal(cell) || cellShape(cell).like === "number";
}

/** How many records a title above the header may take, with its empty lines. */
const TITLE_RECORDS = 5;

/**
 * Refuses a title that a spreadsheet has filled up with delimiters (`Report,,,`): most cells of the first line are empty,
 * and a line below it has a text in each, above numbers.
 */
function refuseTitle(records: readonly SampleRecord[], { file, linesBefore }: Known): void {
  const [first] = records;
  const columns = first!.cells.length;
  const given = (cells: readonly string[]) => cells.filter((cell) => cell !== "").length;
  if (columns < 2 || given(first!.cells) === 0 || 2 * given(first!.cells) > columns) return;
  const at = records.findIndex(({ cells }, i) => i > 0 && i <= TITLE_RECORDS && 2 * given(cells) > columns);
  const header = records[at];
  if (header === undefined || given(header.cells) < columns || header.cells.some(looksNumeric)) return;
  if (new Set(header.cells).size < columns) return;
  const rows = records.slice(at + 1, at + 20);
  if (!rows.some(({ cells }) => cells.length === columns && cells.some(looksNumeric))) return;
  const named = given(first!.cells) === 1 ? "1 of its cells has" : `${given(first!.cells)} of its cells have`;
  throw new DataError(
    `of ${columns} columns only ${named} a name, and line ${header.line + linesBefore} looks like the header: ` +
      header.cells.slice(0, 5).join(", "),
    {
      place: { file, line: first!.line + linesBefore },
      hint: wording`if what is before it is a title: ${option("skipRows", header.line + linesBefore - 1)}`,
    },
  );
}

/** The names as many as the rows have cells; an empty one where a column has none. */
function fitted(
  header: readonly string[],
  rows: readonly SampleRecord[],
  known: Known & { line: number },
): string[] {
  const names = header.length;
  if (rows.length === 0 || known.doubtful || rows.some(({ cells }) => cells.length === names))
    return [...header];
  const width = rows[0]!.cells.length;
  if (rows.every(({ cells }) => cells.length === width)) {
    if (width === names - 1 && header.at(-1) === "") return header.slice(0, -1);
    if (width === names + 1) {
      const ends = header.at(-1) === "";
      if (!ends && rows.every(({ cells }) => cells.at(-1) === "")) return [...header, ""];
      if (new Set(rows.map(({ cells }) => cells[0])).size === rows.length) return ["", ...header];
    }
  }
  throw misfit(header, rows, known);
}

function misfit(
  header: readonly string[],
  rows: readonly SampleRecord[],
  { file, line, linesBefore, delimiter }: Known & { line: number },
): DataError {
  const found = rows[0]!.cells.length;
  const wider = rows.findIndex(({ cells }) => cells.length > header.length);
  const expected = header.length === 1 ? "1 cell" : `${header.length} cells`;
  const title = wider >= 0 && header.length === 1;
  const at = title ? rows[wider]! : rows[0]!;
  return new DataError(`expected ${expected}, as in the header, found ${title ? at.cells.length : found}`, {
    place: { file, line: at.line + linesBefore },
    hint: title
      ? wording`if the header stands on that line, and what is before it is a title: ${option("skipRows", at.line + linesBefore - 1)}`
      : wording`the header is line ${line} and the delimiter ${JSON.stringify(delimiter)}; if they are not: ${option("skipRows")}, ${option("delimiter")}`,
  });
}

/** The first row, where it holds no number and all other rows do where one of them does. */
function unitsOf(rows: readonly SampleRecord[], columns: number): SampleRecord | undefined {
  const [first, ...rest] = rows;
  if (first === undefined || rest.length < 2 || columns < 2) return undefined;
  if (first.cells.some((cell) => looksNumeric(cell) || cell.length > 20)) return undefined;
  let units = 0;
  for (let j = 0; j < columns; j++) {
    const below = rest
      .map(({ cells }) => cells[j] ?? "")
      .filter((cell) => !isMissing(cell) && cellShape(cell).like !== "missing");
    if (below.length === 0 || !below.every(looksNumeric)) continue;
    const cell = first.cells[j] ?? "";
    if (cell === "") continue;
    if (isMissing(cell) || cellShape(cell).like !== "text") return undefined;
    units++;
  }
  return units > 1 ? first : undefined;
}

const NOT_ASCII = /[^ -~]/;

/** Names that are looked at between two pauses. */
const STRETCH = 1 << 14;

/** The columns' names, those without one called by their number, and where each stands. */
function* columnNames(
  cells: readonly string[],
  file: string,
  line: number,
): Generator<undefined, { names: string[]; places: ReadonlyMap<string, number> }, void> {
  const names: string[] = [];
  const places = new Map<string, number>();
  const nameless: number[] = [];
  for (const [j, cell] of cells.entries()) {
    if (j % STRETCH === STRETCH - 1) yield;
    // What is ASCII is composed.
    const name = NOT_ASCII.test(cell) ? cell.normalize("NFC") : cell;
    names.push(name);
    if (name === "") {
      nameless.push(j);
      continue;
    }
    // One look-up of each name tells: the map does not grow by one that is there.
    places.set(name, j);
    if (places.size + nameless.length <= j)
      throw new DataError(
        `two columns have this name, the ${ordinal(names.indexOf(name) + 1)} and the ${ordinal(j + 1)}`,
        {
          place: { file, line, column: name },
          hint: "rename one of them in the header",
        },
      );
  }
  for (const [i, j] of nameless.entries()) {
    if (i % STRETCH === STRETCH - 1) yield;
    let name = `V${j + 1}`;
    while (places.has(name)) name += "_";
    names[j] = name;
    places.set(name, j);
  }
  return { names, places };
}

/** 1st, 2nd, 3rd, 4th, … */
export function ordinal(n: number): string {
  const tail = n % 100;
  const suffix = tail > 10 && tail < 14 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${suffix}`;
}
