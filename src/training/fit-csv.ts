import { availableParallelism } from "node:os";
import { type ColumnChoice, readColumns } from "../csv/columns.js";
import type { DialectOptions } from "../csv/dialect.js";
import { readRows } from "../csv/records.js";
import { openSource, type Source } from "../csv/source.js";
import { readTable, type Table } from "../csv/table.js";
import { DataError, InterruptedError, quoteCell } from "../errors.js";
import { isMissing } from "../kernels/reference/number.js";
import { extendedIsFree, needsExtended, type SolverChoice } from "../linear/ladder.js";
import { LinearModel, type Solver } from "../linear/model.js";
import type { Solution } from "../linear/solution.js";
import { type Regression, solve } from "../linear/solve.js";
import type { PredictionMetrics } from "../stats/metrics.js";
import { isHeldOut } from "./assignment.js";
import { type ColumnOptions, chooseColumns } from "./choose-columns.js";
import { checkEstimable } from "./estimable.js";
import type { MomentsPlan } from "./moments-job.js";
import { scanMoments, scanScore } from "./scan-moments.js";

/** Options of `fitCsv`; all may be left out. */
export interface FitCsvOptions extends ColumnOptions, DialectOptions {
  /** Whether to fit an intercept. Default: true. */
  intercept?: boolean | undefined;
  /** Rows with missing cells among the columns used: left out (default), or an error. */
  na?: "omit" | "fail" | undefined;
  /** The share of rows to hold out and report the error on, between 0 and 1. Default: none. */
  testSize?: number | undefined;
  /** The seed of the split. Default: 1. */
  seed?: number | undefined;
  /** How θ is found. Default: `auto`. */
  solver?: SolverChoice | undefined;
  /** Worker threads; 1 works on the calling thread, as does a small file. Default: the cores of this process. */
  threads?: number | undefined;
  /** Stops the work; the promise then rejects with InterruptedError. */
  signal?: AbortSignal | undefined;
  /** Told of bytes read, now and then. */
  onProgress?: ((progress: { read: number; total: number | undefined }) => void) | undefined;
}

/** A model fitted on a CSV, and what happened on the way. */
export interface CsvFit {
  model: LinearModel;
  /** Rows in the file. */
  rows: number;
  /** Rows left out for missing cells. */
  dropped: number;
  /** The error on the rows held out, if there were to be any. */
  test: PredictionMetrics | undefined;
  /** Remarks: columns left out, a solver that stepped in. */
  notes: string[];
  timing: { totalMs: number; scanMs: number; solveMs: number; threads: number };
}

/**
 * Fits a linear model to a CSV file, or to standard input (`-`), in one pass: y = Xθ over the complete rows.
 *
 * @throws DataError for a file that cannot be read or has a bad cell; UsageError for a column that is not there;
 * ModelError where nothing can be solved
 */
export async function fitCsv(path: string, options: FitCsvOptions = {}): Promise<CsvFit> {
  const source = await openSource(path, options.signal);
  try {
    return await fitSource(source, options);
  } finally {
    await source.close();
  }
}

async function fitSource(source: Source, options: FitCsvOptions): Promise<CsvFit> {
  const started = performance.now();
  const table = await readTable(source, options);
  const chosen = chooseColumns(table.columns, options, source.name);
  const { target, features: terms, notes } = chosen;
  const columns = [...terms, target];
  const regression: Regression = { target, terms, intercept: options.intercept ?? true };
  const choice = options.solver ?? "auto";
  const plan: MomentsPlan = {
    columns,
    extended: choice === "extended" || (choice === "auto" && extendedFirst(table, columns.length)),
    weighted: false,
    testSize: options.testSize ?? 0,
    folds: 1,
    seed: options.seed ?? 1,
  };
  // A stream can be read again only if it is kept: for rows held out, and where double turns out not to be enough.
  const again =
    plan.testSize > 0 || choice === "qr" || (choice === "auto" && !plan.extended) || options.na === "fail";
  if (!source.repeatable && again) await source.seekable();

  const timing = { totalMs: 0, scanMs: 0, solveMs: 0, threads: 1 };
  const timed = async <T>(what: "scanMs" | "solveMs", work: () => Promise<T> | T): Promise<T> => {
    const from = performance.now();
    const result = await work();
    timing[what] += performance.now() - from;
    return result;
  };
  const { signal, onProgress } = options;
  const control = { threads: options.threads ?? availableParallelism(), signal, onProgress };
  const tableChoice = numericChoice(table, columns);
  const { total, threads } = await timed("scanMs", () => scanMoments(table, tableChoice, plan, control));
  timing.threads = threads;
  let moments = total.merged();
  if (options.na === "fail" && total.firstDropped >= 0)
    throw await missingCell(table, columns, total.firstDropped);
  if (moments.n === 0)
    throw new DataError(`no row is complete: each of ${total.rows} has a missing cell in a column used`, {
      place: { file: source.name },
      hint: "leave sparse columns out with --exclude",
    });
  checkEstimable(moments, regression);
  let solver: Solver = plan.extended ? "extended" : "normal";
  let solution: Solution;
  if (choice === "qr") {
    const { solveQr } = await import("../linear/qr.js");
    const { X, y } = await timed("scanMs", () => readRowsInto(table, plan, options));
    solution = await timed("solveMs", () => solveQr(X, y, terms.length, regression.intercept));
    solver = "qr";
  } else {
    solution = await timed("solveMs", () => solve(moments, regression));
    if (choice === "auto" && solver === "normal" && needsExtended(solution)) {
      const again = await timed("scanMs", () =>
        scanMoments(table, tableChoice, { ...plan, extended: true }, control),
      );
      moments = again.total.merged();
      solution = await timed("solveMs", () => solve(moments, regression));
      solver = "extended";
      notes.push("double precision was not enough; moments were computed again in double-double");
    }
  }
  const model = LinearModel.of({
    ...regression,
    solver,
    solution,
    moments,
    source:
      source.fingerprint && source.path !== undefined
        ? { path: source.path, ...source.fingerprint }
        : undefined,
  });
  let test: PredictionMetrics | undefined;
  if (plan.testSize > 0) {
    const score = { weights: model.weights, testSize: plan.testSize, seed: plan.seed };
    const { errors } = await timed("scanMs", () => scanScore(table, tableChoice, score, control));
    test = errors.metrics(model.rank);
  }
  timing.totalMs = performance.now() - started;
  return { model, rows: total.rows, dropped: total.dropped, test, notes, timing };
}

/** The error for a row with a missing cell where `--na fail` refuses them. */
async function missingCell(table: Table, names: readonly string[], number: number): Promise<DataError> {
  let seen = 0;
  for await (const batch of readRows(table)) {
    const row = batch[number - seen];
    if (row === undefined) {
      seen += batch.length;
      continue;
    }
    const { numeric } = numericChoice(table, names);
    const at = numeric.findIndex((column) => isMissing(row.cells[column]!));
    const cell = row.cells[numeric[at]!]!;
    return new DataError(`expected a number, found ${cell === "" ? "an empty cell" : quoteCell(cell)}`, {
      place: { file: table.source.name, line: row.line, column: names[at]!, cell },
      hint: "rows with missing cells are dropped with --na omit",
    });
  }
  return new DataError(`row ${number + 1} has a missing cell`, { place: { file: table.source.name } });
}

/** Double-double at once where the whole file is in the sample and small. */
function extendedFirst(table: Table, p: number): boolean {
  return table.whole && extendedIsFree(table.sample.length, p);
}

/** The table's columns of these names, to be read as numbers in this order. */
function numericChoice(table: Table, names: readonly string[]): ColumnChoice {
  const at = new Map(table.columns.map((column, i) => [column.name, i]));
  return { numeric: names.map((name) => at.get(name)!), factors: [] };
}

/** The complete rows that are not held out, in memory: X row-major without the intercept's column, and y. */
async function readRowsInto(
  table: Table,
  plan: MomentsPlan,
  { signal }: FitCsvOptions,
): Promise<{ X: Float64Array; y: Float64Array }> {
  const X: number[] = [];
  const y: number[] = [];
  const p = plan.columns.length;
  for await (const block of readColumns(table, numericChoice(table, plan.columns))) {
    if (signal?.aborted) throw new InterruptedError();
    for (let r = 0; r < block.rows; r++) {
      if (isHeldOut(block.firstRow + r, plan.seed, plan.testSize)) continue;
      const row = block.numeric.map((column) => column[r]!);
      if (row.some(Number.isNaN)) continue;
      for (let j = 0; j < p - 1; j++) X.push(row[j]!);
      y.push(row[p - 1]!);
    }
  }
  return { X: Float64Array.from(X), y: Float64Array.from(y) };
}
