import { availableParallelism } from "node:os";
import type { ColumnChoice } from "../csv/columns.js";
import type { DialectOptions } from "../csv/dialect.js";
import { findRow } from "../csv/locate.js";
import { openSource, type Source } from "../csv/source.js";
import { readTable, type Table } from "../csv/table.js";
import { codedTerms } from "../dataset/formula/coding.js";
import { plainKeys } from "../dataset/formula/plain.js";
import { DataError, quoteCell, UsageError } from "../errors.js";
import { isMissing } from "../kernels/reference/number.js";
import type { CrossValidation } from "../linear/cross-validation.js";
import type { CrossValidatedPath } from "../linear/elastic-net.js";
import { checkEstimable } from "../linear/estimable.js";
import { extendedIsFree, needsExtended, type SolverChoice } from "../linear/ladder.js";
import { LinearModel, regressionOf, type Solver } from "../linear/model.js";
import { crossValidateWith, type PenaltyChoice, penalize } from "../linear/penalty.js";
import type { Solution } from "../linear/solution.js";
import { solve } from "../linear/solve.js";
import type { VcovType } from "../linear/vcov.js";
import { mergeFolds } from "../stats/merge-folds.js";
import type { PredictionMetrics } from "../stats/metrics.js";
import type { Moments } from "../stats/moments.js";
import { type ColumnOptions, chooseColumns } from "./choose-columns.js";
import { chosenFolds, chunkBytesFor, designWidth, foldsFor } from "./design-width.js";
import { checkCluster, estimateVcov } from "./estimate-vcov.js";
import type { DescentOptions } from "./gradient-descent.js";
import type { MomentsPlan } from "./moments-job.js";
import { type MomentsTotal, sortedLevels } from "./moments-result.js";
import { type ScanControl, scanMoments, scanScore } from "./scan-moments.js";
import { tableChoice } from "./table-choice.js";

/** Options of `fitCsv`; all may be left out. */
export interface FitCsvOptions extends ColumnOptions, DialectOptions {
  /** Rows with missing cells among the columns used: left out (default), or an error. */
  na?: "omit" | "fail" | undefined;
  /** The share of rows to hold out and report the error on, between 0 and 1. Default: none. */
  testSize?: number | undefined;
  /** Cross-validation folds, 1 for none. Default: 10, or none for designs of more than 500 columns. */
  folds?: number | undefined;
  /** The seed of the split and the folds. Default: 1. */
  seed?: number | undefined;
  /** Reference levels by factor. Default: each factor's first level in sorted order. */
  references?: Readonly<Record<string, string>> | undefined;
  /** How the covariance of θ is estimated; all but `iid` (default) read the data a second time. */
  vcov?: VcovType | undefined;
  /**
   * The λ of a penalty (ridge, unless `alpha` says otherwise), or `path`: chosen among a hundred by cross-validation.
   * θ then minimises {@link PENALTY_OBJECTIVE}. Default: none.
   */
  lambda?: number | "path" | undefined;
  /** The mix of the penalty, from 0 (ridge, default) to 1 (lasso). */
  alpha?: number | undefined;
  /**
   * The number of the file's first row where it is a shard of more: rows then fall into the folds, and are held out,
   * as they would in the whole. Default: 0.
   */
  firstRow?: number | undefined;
  /** How θ is found. Default: `auto`. */
  solver?: SolverChoice | undefined;
  /** How gradient descent goes, with the solver `gd`. */
  descent?: Omit<DescentOptions, "intercept" | "weights" | "signal"> | undefined;
  /** Worker threads; 1 works on the calling thread, as does a small file. Default: the cores of this process. */
  threads?: number | undefined;
  /** Whether the calling thread is one of them, which holds its event loop up now and then. Default: false. */
  callerWorks?: boolean | undefined;
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
  /** Rows left out for missing cells, or because an expression of the formula has no value. */
  dropped: number;
  /** The error on the rows held out, if there were to be any. */
  test: PredictionMetrics | undefined;
  /** The out-of-fold error on the rows of the fit. */
  cv: CrossValidation | undefined;
  /** The path on which λ was chosen. */
  path: CrossValidatedPath | undefined;
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
  const { spec, notes } = chooseColumns(table, options, source.name);
  const vcov = options.vcov ?? "iid";
  checkCluster(table, vcov, options.cluster);
  const width = designWidth(spec, table);
  const solver = options.solver ?? "auto";
  const extendedFirst = table.whole && extendedIsFree(table.sample.length, width);
  const plan: MomentsPlan = {
    spec,
    plain: plainKeys(spec),
    weighted: options.weights !== undefined,
    grouped: false,
    extended: solver === "extended" || (solver === "auto" && extendedFirst),
    testSize: options.testSize ?? 0,
    folds: chosenFolds(options.folds) ?? foldsFor(width),
    seed: options.seed ?? 1,
    firstRow: options.firstRow ?? 0,
  };
  const penalty = penaltyChoice(options);
  // A stream can be read again only if it is kept: for rows held out, a robust covariance, and where double turns out
  // not to be enough.
  const again =
    plan.testSize > 0 ||
    vcov !== "iid" ||
    solver === "qr" ||
    solver === "gd" ||
    (solver === "auto" && !plan.extended);
  if (!source.repeatable && (again || options.na === "fail")) await keep(source, options.onProgress);

  const timing = { totalMs: 0, scanMs: 0, solveMs: 0, threads: 1 };
  const timed = async <T>(what: "scanMs" | "solveMs", work: () => Promise<T> | T): Promise<T> => {
    const from = performance.now();
    const result = await work();
    timing[what] += performance.now() - from;
    return result;
  };
  const { signal, onProgress, callerWorks } = options;
  const threads = options.threads ?? availableParallelism();
  const control: ScanControl = {
    threads,
    callerWorks,
    signal,
    onProgress,
    chunkBytes: chunkBytesFor(width, plan.folds),
  };
  const choice = tableChoice(table, spec, options.weights);
  let scanned = await timed("scanMs", () => scanMoments(table, choice, plan, control));
  timing.threads = scanned.threads;
  await checkRows(table, choice, scanned.total, options);
  checkFactors(table, scanned.total);

  const levels = sortedLevels(spec, scanned.total);
  const references = options.references ?? {};
  const regression = regressionOf(spec, codedTerms(spec, levels, references));
  let moments = mergeFolds(scanned.total.folds);
  checkEstimable(moments, regression);
  const readAll = async () => {
    const { readDesign } = await import("./read-design.js");
    const parts = { spec, levels, references };
    return timed("scanMs", () => readDesign(table, choice, parts, plan, signal));
  };
  let used: Solver = plan.extended ? "extended" : "normal";
  let solution: Solution;
  if (solver === "qr") {
    const { solveQr } = await import("../linear/qr.js");
    const { X, y, weights } = await readAll();
    solution = await timed("solveMs", () => solveQr(X, y, regression.terms.length, spec.intercept, weights));
    used = "qr";
  } else {
    solution = await timed("solveMs", () => solve(moments, regression));
    if (solver === "auto" && used === "normal" && needsExtended(solution, moments as Moments, regression)) {
      scanned = await timed("scanMs", () => scanMoments(table, choice, { ...plan, extended: true }, control));
      moments = mergeFolds(scanned.total.folds);
      solution = await timed("solveMs", () => solve(moments, regression));
      used = "extended";
      notes.push("double precision was not enough: the moments were summed again in double-double");
    }
    if (solver === "gd") {
      const { solveByDescent } = await import("./solve-by-descent.js");
      const design = await readAll();
      const { intercept } = spec;
      const descent = await timed("solveMs", () =>
        solveByDescent(design, solution, { ...options.descent, intercept, signal }),
      );
      solution = descent.solution;
      notes.push(descent.note);
      used = "gd";
    }
  }
  const { total } = scanned;
  const folds = plan.folds > 1 ? total.folds : [];
  const penalized = await timed("solveMs", () =>
    penalty === undefined ? undefined : penalize(moments, folds, regression, solution, penalty),
  );
  const scan = {
    rows: total.rows,
    firstRow: plan.firstRow,
    testSize: plan.testSize > 0 ? plan.testSize : undefined,
    dropped: total.dropped,
    seed: plan.seed,
    test: null,
  };
  let model = LinearModel.of({
    spec,
    levels,
    references,
    solver: used,
    solution: penalized?.solution ?? solution,
    penalty: penalized?.penalty,
    moments,
    folds,
    weightsColumn: options.weights,
    source:
      source.fingerprint && source.path !== undefined
        ? { path: source.path, ...source.fingerprint }
        : undefined,
    scan,
  });
  if (vcov !== "iid") {
    const request = { ...plan, type: vcov, cluster: options.cluster };
    model = await timed("scanMs", () => estimateVcov(table, choice, model, request, control));
    notes.push(`the data were read a second time for the ${vcov} covariance`);
  }
  const cv = await timed("solveMs", () =>
    folds.filter((fold) => fold.n > 0).length > 1
      ? crossValidateWith(folds, regression, model.penalty)
      : undefined,
  );
  let test: PredictionMetrics | undefined;
  if (plan.testSize > 0) {
    const { weighted } = plan;
    const score = { predictor: model.predictorPlan(true), weighted, unseen: "na" as const, held: plan };
    const { errors } = await timed("scanMs", () => scanScore(table, choice, score, control));
    test = errors.metrics(model.rank);
    model = model.withScan({ ...scan, test });
  }
  timing.totalMs = performance.now() - started;
  return { model, rows: total.rows, dropped: total.dropped, test, cv, path: penalized?.path, notes, timing };
}

/** Copies a stream to a file that can be read again, and tells how far it has come. */
async function keep(source: Source, onProgress: FitCsvOptions["onProgress"]): Promise<void> {
  const timer = setInterval(() => onProgress?.(source.progress()), 100);
  try {
    await source.seekable();
  } finally {
    clearInterval(timer);
  }
}

/** The penalty that the options ask for; λ = 0 is none. */
export function penaltyChoice({
  lambda,
  alpha = 0,
  solver,
  vcov = "iid",
}: Pick<FitCsvOptions, "lambda" | "alpha" | "solver" | "vcov">): PenaltyChoice | undefined {
  if (lambda === undefined || lambda === 0) return undefined;
  if (solver === "qr" || solver === "gd")
    throw new UsageError(`a penalised fit is solved from moments, not by ${solver}`, {
      hint: "leave --solver out, or --lambda",
    });
  if (vcov !== "iid")
    throw new UsageError("a penalised fit has no standard errors", { hint: "leave --vcov out, or --lambda" });
  return { lambda, alpha };
}

/** Refuses missing cells under `--na fail`, and rows of which none is complete. */
export async function checkRows(
  table: Table,
  choice: ColumnChoice,
  total: MomentsTotal,
  options: Pick<FitCsvOptions, "na">,
): Promise<void> {
  if (options.na === "fail" && total.firstDropped >= 0)
    throw await missingCell(table, choice, total.firstDropped);
  if ([total.folds, ...total.groups.values()].some((folds) => folds.some((fold) => fold.n > 0))) return;
  const { rows, dropped, heldOut } = total;
  const place = { file: table.source.name };
  if (dropped === rows)
    throw new DataError(`no row is complete: each of ${rows} has a missing cell in a column used`, {
      place,
      hint: "leave sparse columns out with --exclude",
    });
  if (heldOut === rows - dropped)
    throw new DataError(`no row is left to fit: all ${heldOut} complete rows are held out`, {
      place,
      hint: "hold out fewer with --test-size",
    });
  throw new DataError(`no row is left to fit: all ${rows - dropped - heldOut} have weight 0`, {
    place,
    hint: "choose another column with --weights",
  });
}

/** Refuses factors that look like identifiers. */
function checkFactors(table: Table, total: MomentsTotal): void {
  for (const [label, names] of total.levels)
    if (names.size === total.rows - total.dropped && names.size > 1)
      throw new DataError(
        `the factor has ${names.size} levels in as many rows: it looks like an identifier`,
        {
          place: { file: table.source.name, column: label },
          hint: "leave the column out with --exclude",
        },
      );
}

/** The error for a row with a missing cell where `--na fail` refuses them. */
async function missingCell(table: Table, choice: ColumnChoice, number: number): Promise<DataError> {
  const row = await findRow(table, number);
  const read = [...choice.numeric, ...choice.factors];
  const at = read.find((column) => isMissing(row?.cells[column] ?? ""));
  const place = { file: table.source.name, row: number, line: row?.line };
  const hint = "rows with missing cells are dropped with --na omit";
  if (row === undefined || at === undefined)
    return new DataError("an expression of the formula has no value in this row", { place, hint });
  const cell = row.cells[at]!;
  const wanted = choice.numeric.includes(at) ? "a number" : "a level";
  return new DataError(
    `expected ${wanted}, found ${cell.trim() === "" ? "an empty cell" : quoteCell(cell)}`,
    {
      place: { ...place, column: table.columns[at]!.name, cell },
      hint,
    },
  );
}
