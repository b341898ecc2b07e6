import { parse } from "../csv/csv-parse-sync.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import type { NumberFormat } from "../dataset/number-format.js";
import { DataError, quoteCell } from "../errors.js";
import type { DatabaseValue } from "../sources/database/rowset.js";
import { option, type Wording, wording } from "../wording.js";
import { answerOf } from "./level-names.js";
import type { RowChoice } from "./row-sql.js";
import { sameRows } from "./same-rows.js";
import { statement } from "./statement.js";
import { planOf, type StatementPlan } from "./statement-plan.js";
import { type EngineSums, engineSums, momentsOf } from "./sum-in-engine.js";
import type { CellSums } from "./sums.js";

/** The answer to a printed query as it was kept: its header, and rows of texts. */
export interface Result {
  readonly file: string;
  readonly plan: StatementPlan;
  readonly names: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * Reads the CSV of an answer, whatever its delimiter and whatever stands before its header.
 *
 * @throws DataError where it is none, or of another version
 */
export function readResult(bytes: Uint8Array, file: string): Result {
  const text = new TextDecoder().decode(bytes);
  const refuse = (message: string, hint: Wording = FOREIGN) =>
    new DataError(message, { place: { file }, hint });
  for (const delimiter of [",", "\t", ";", "|"]) {
    let records: string[][];
    try {
      records = parse(text, { delimiter, relax_column_count: true, trim: true, skip_empty_lines: true });
    } catch {
      continue;
    }
    const at = records.findIndex((cells) => cells.some((cell) => cell.toLowerCase() === "goml"));
    if (at < 0 || records[at]!.length === 1) continue;
    const names = records[at]!.map((cell) => cell.toLowerCase());
    const rows = records.slice(at + 1);
    if (rows.length === 0)
      throw refuse("the answer has a header and no rows: no row of the table is complete, or it was cut");
    const ragged = rows.findIndex((row) => row.length !== names.length);
    if (ragged >= 0)
      throw refuse(
        `row ${ragged + 1} of the answer has ${rows[ragged]!.length} cells and the header ${names.length}: it was cut or changed`,
        AGAIN,
      );
    // A number that was cut is a number too: only what follows it tells that it is whole.
    if (!/[\r\n"]\s*$/.test(text))
      throw refuse(
        "the answer does not end with a line break: its last number may be cut off",
        "keep all of it; where nothing is missing, add a line break at its end",
      );
    const plan = planOf(rows[0]![names.indexOf("goml")]!);
    if (typeof plan === "string") throw refuse(plan, AGAIN);
    return { file, plan, names, rows };
  }
  throw refuse("this is no answer to a query that goml printed");
}

const FOREIGN =
  "print a query with goml sql print, run it where the rows are, and keep its answer as CSV with the header";
const AGAIN = "print the query once more, run it, and keep all of its answer";

/** The sums of an answer. @throws DataError where it is cut, torn or changed, and for what its counts refuse */
export function sumsOfResult(
  { file, plan, names, rows }: Result,
  how: { where: RowChoice["where"]; format: NumberFormat },
): EngineSums {
  const of = statement(plan, { ...how, source: "t", file });
  const refuse = (message: string, hint: Wording = AGAIN) =>
    new DataError(message, { place: { file }, hint });
  const { columns } = of;
  const expected = Object.values(columns).flat();
  const missing = expected.find((name) => !names.includes(name));
  if (missing !== undefined || names.length !== expected.length)
    throw refuse(
      missing === undefined
        ? `the answer has ${names.length} columns, expected ${expected.length}`
        : `the answer has no column ${missing}`,
    );
  const cell = (row: readonly string[], name: string) => row[names.indexOf(name)]!;
  const first = rows[0]!;
  const common = [...columns.head, ...columns.counts, ...columns.totals, ...columns.shifts].map((name) =>
    names.indexOf(name),
  );
  const odd = rows.findIndex((row) => common.some((at) => row[at] !== first[at]));
  if (odd >= 0) throw refuse(`rows 1 and ${odd + 1} are of different answers`);
  const claimed = Number(cell(first, "cells"));
  if (claimed !== rows.length)
    throw refuse(
      `the answer has ${rows.length} of its ${claimed} rows`,
      "many programs show or keep the first rows only: have them all written",
    );
  const number = (name: string, row = first): number | null => {
    const text = cell(row, name);
    if (/^(?:|null|\\N)$/i.test(text)) return null;
    const value = Number(text);
    if (Number.isNaN(value)) throw refuse(`expected a number in ${name}, found ${quoteCell(text)}`);
    return value;
  };
  const integer = (name: string, row: readonly string[]): bigint | null => {
    const text = cell(row, name);
    if (/^(?:|null|\\N)$/i.test(text)) return null;
    const [, whole] = /^(-?\d+)(?:\.0*)?$/.exec(text) ?? [];
    if (whole === undefined)
      throw refuse(
        `expected a whole number with all its digits in ${name}, found ${quoteCell(text)}`,
        "a program on the way has rounded it: keep the answer as CSV where it was made, and not by way of a spreadsheet",
      );
    return BigInt(whole);
  };
  const counts = of.counted.read([columns.counts.map((name) => number(name))]);
  if (!plan.exact && number("third") !== 1 / 3)
    throw refuse(
      `numbers of the answer have lost digits: a third is written as ${quoteCell(cell(first, "third"))}`,
      wording`keep it with all digits, or print the query with ${option("solver", "extended")}, whose sums are whole numbers`,
    );
  const numbers = of.row.values.map((_, i) => i);
  const [shifts, scales] = [numbers.map(() => 0), numbers.map(() => 0)];
  for (const i of numbers) {
    // What is there of no complete row is NULL.
    shifts[i] = Number(integer(`t${i}`, first) ?? 0n) * 2 ** Number(integer(`e${i}`, first) ?? 0n);
    if (plan.exact) scales[i] = Number(integer(`x${i}`, first) ?? 0n);
  }
  const folded = columns.keys[0] === "goml_fold" ? 1 : 0;
  const cells: CellSums[] = [];
  const met = new Set<string>();
  for (const row of rows) {
    const keys = columns.keys.map((name, k) => (k < folded ? number(name, row) : cell(row, name)));
    const key = JSON.stringify(keys);
    if (met.has(key))
      throw refuse(`the answer has a row twice: ${columns.keys.join(", ")} ${keys.join(", ")}`);
    met.add(key);
    const values: DatabaseValue[] = columns.sums.map((name, k) => {
      const whole = plan.exact ? k !== 3 || plan.weights === undefined : false;
      return whole ? integer(name, row) : number(name, row);
    });
    const sums = of.cells.read([...keys, ...values]);
    if (sums === undefined) continue;
    if ([...sums.b, ...sums.c].includes(null))
      throw refuse(
        "a sum is missing where there are rows: it was too large for the database, or is not in the answer",
        "divide the largest columns by a power of ten in a query, or look at the column in the answer",
      );
    cells.push(sums);
  }
  const complete = number("complete");
  const summed = cells.reduce((sum, { rows: n }) => sum + n, 0);
  if (summed !== complete)
    throw refuse(
      `the rows changed while the query ran: ${complete} at first, ${summed} in the sums`,
      "a query that draws rows at random gives others each time: make a table of it first",
    );
  if (plan.exact && counts.fractions > 0)
    throw refuse(
      "sums cannot be exact: the weights are no whole numbers",
      wording`print the query without ${option("solver", "extended")}`,
    );
  const choice = { ...of.choice, shifts, integers: plan.exact ? { bits: 0, scales } : undefined };
  const answer = answerOf(choice, cells, {
    spec: plan.spec as ModelSpec,
    shape: of.shape,
    row: of.row,
    format: how.format,
  });
  const spreads = numbers.map((i) => ({
    n: summed,
    mean: number(`m${i}`) ?? Number.NaN,
    deviation: number(`s${i}`) ?? Number.NaN,
  }));
  if (plan.weights === undefined && !sameRows(cells, choice, spreads, 1))
    throw refuse(
      "the rows changed while the query ran: the sums have other means than the first pass",
      "a query that draws numbers at random gives others each time: make a table of it first",
    );
  const moments = momentsOf(
    [answer],
    { spec: plan.spec, shape: of.shape, folds: plan.folds, extended: plan.exact },
    choice,
    file,
  );
  return engineSums(moments, counts, of.row);
}
