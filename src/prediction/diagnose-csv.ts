import { availableParallelism } from "node:os";
import { excelSafeField } from "../csv/excel-safe.js";
import { linesOfRows } from "../csv/locate.js";
import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import { freeNames, type Output, openOutput, quoteField } from "../csv/write.js";
import { DataError, ModelError, UsageError } from "../errors.js";
import { builtFile } from "../files/built-file.js";
import { type InfluenceLimits, influenceLimits } from "../linear/covariance/influence.js";
import { inverseRoot } from "../linear/covariance/whitening.js";
import type { LinearModel } from "../linear/model/model.js";
import type { Steps } from "../parallel/steps.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { RowLayout } from "../scan/row-layout.js";
import { scan } from "../scan/scan.js";
import type { ScanJob } from "../scan/scan-options.js";
import { withSources } from "../sources/tables.js";
import { tTwoSided } from "../stats/distributions.js";
import {
  durbinWatson,
  type JarqueBera,
  jarqueBera,
  type ResidualQuantiles,
  residualQuantilesSteps,
} from "../stats/residual-tests.js";
import { option, verb, wording } from "../wording.js";
import { AuxiliaryMoments, type AuxiliaryTest } from "./auxiliary-tests.js";
import { DiagnoseJob, type DiagnosePlan, type DiagnoseResult } from "./diagnose-job.js";
import { checkDiagnosable, type DiagnoseCsvOptions, openRows } from "./diagnosed-rows.js";
import {
  type Influential,
  InfluentialRows,
  type RowDiagnosis,
  type StandingOut,
} from "./influential-rows.js";
import { breuschGodfreySteps, whiteSteps } from "./kept-rows-tests.js";
import { PlotRows, type PlotSums } from "./plot-rows.js";
import { type PlottedTerm, plottedTerms } from "./plotted-terms.js";
import { resetPlan } from "./reset-plan.js";
import { measureNames } from "./row-measures.js";

/** A row that stands out, with its line in the file where that can be told. */
export type NamedRow = RowDiagnosis & { line: number | undefined };

/** What the residuals of a fit say about it. */
export interface Diagnosis {
  rows: number;
  /** Rows diagnosed: complete, and of positive weight. */
  n: number;
  dropped: number;
  /** Complete rows without a prediction, for the model's aliased terms are not there what they were in training. */
  outside: number;
  /** Rows left out by the condition on rows: the one given, else that of the model. */
  excluded: number;
  /** Rows that the fit held out: where the file is the very one that it was trained on. */
  heldOut: number;
  /** Whether the rows are those of the fit, by their number and residual sum of squares. */
  ofFit: boolean;
  rss: number;
  /** Of the residuals √w (y − ŷ), as are Durbin–Watson and Jarque–Bera. */
  quantiles: ResidualQuantiles;
  durbinWatson: { statistic: number; autocorrelation: number };
  jarqueBera: JarqueBera;
  /** Studentised (Koenker 1981), on the model's own columns, df1 their number; undefined where there are none, or effects are
   * absorbed. */
  breuschPagan: AuxiliaryTest | undefined;
  /** Squares and cubes of ŷ, F on df1 and df2; undefined where they add nothing to the columns, or effects are
   * absorbed. */
  reset: AuxiliaryTest | undefined;
  /** White's, on the columns, their squares and products, where it was asked for. */
  white?: AuxiliaryTest | undefined;
  /** Breusch and Godfrey's, of errors that correlate up to a lag, df1, in the order of the rows; where it was asked for. */
  breuschGodfrey?: AuxiliaryTest | undefined;
  limits: InfluenceLimits;
  /** How many rows are past each limit. */
  counts: StandingOut;
  /** Those past any, by falling Cook's distance; the first `top`. */
  standOut: NamedRow[];
  /** The largest |rstudent|, and its p-value as the largest of n (Bonferroni). */
  outlier: { row: NamedRow; p: number } | undefined;
  /** What plots are made of, and the terms of their panels, where that was asked for. */
  plots?: { sums: PlotSums; terms: readonly PlottedTerm[] };
}

/**
 * Measures how well a model fits the rows of a CSV (a path, several, or `-` for standard input): residuals, leverage and
 * influence of every row, tests of the residuals, and the rows that stand out. In one pass; what is kept are the
 * residuals, 8 bytes a row (24 while they are sorted).
 *
 * @throws ModelError where the file lacks columns of the model, its target included; DataError for a bad cell, and
 * where no row is complete
 *
 * @example
 * ```js
 * import { diagnoseCsv, fitCsv } from "goml";
 *
 * const { model } = await fitCsv("data/boston.csv");
 * const { breuschPagan, standOut } = await diagnoseCsv(model, "data/boston.csv");
 * console.log(breuschPagan.statistic.toFixed(3), standOut[0].row, standOut[0].rstudent.toFixed(2)); // 65.122 369 5.91
 * ```
 */
export async function diagnoseCsv(
  model: LinearModel,
  data: string | readonly string[],
  options: DiagnoseCsvOptions = {},
): Promise<Diagnosis> {
  return withSources(data, options.signal, (sources) => diagnoseSources(model, sources, options));
}

async function diagnoseSources(
  model: LinearModel,
  sources: readonly Source[],
  options: DiagnoseCsvOptions,
): Promise<Diagnosis> {
  checkDiagnosable(model);
  if (model.penalty !== undefined)
    throw new ModelError("a penalised fit's residuals have no leverages of this kind", {
      hint: wording`${verb("refit", option("lambda", 0))} gives the fit without the penalty`,
    });
  const { table, id, text, layout, held, predictor } = await openRows(model, sources, options);
  const { output: path, top: most = 10 } = options;
  if (!(model.dfResidual > 0))
    throw new ModelError(
      `${model.n} rows on ${model.parameters} coefficients leave no residuals to diagnose`,
      {
        hint: "train on more rows, or with fewer terms",
      },
    );
  const limits = influenceLimits(model);
  const whitening = await withPauses(model.whiteningSteps(), options);
  const { white = false, lags, dfbetas = false } = options;
  checkKept(model, { white, lags, dfbetas });
  const estimated = model.coefficientNames.filter((_, j) => !Number.isNaN(model.coefficients[j]!));
  const plan: DiagnosePlan = {
    predictor,
    whitening,
    keepRows: white || lags !== undefined,
    within: await withPauses(model.withinPlanSteps("the rows' influence"), options),
    scale: { n: model.n, rank: model.parameters, rss: model.rss },
    limits,
    reset: resetPlan(model),
    held,
    unseen: options.unseen ?? "fail",
    most,
    text:
      text === undefined || !dfbetas
        ? text
        : { ...text, dfbetas: { names: estimated, root: inverseRoot(whitening) } },
    named: id !== undefined,
    ...(options.plots ? { plots: { terms: plottedTerms(model).terms } } : {}),
  };
  const output = path === undefined ? undefined : openOutput(path);
  try {
    await output?.write(rowHeader(table, plan.text, id));
    const seen = await diagnoseRows(table, { layout, plan, output, options });
    await output?.commit();
    const { top, extreme } = seen.influential;
    const named = await nameRows(table, extreme === undefined ? top : [...top, extreme]);
    const found = await withPauses(diagnosisSteps(table, model, seen, limits, named), {
      signal: options.signal,
    });
    const { plots } = plan;
    if (seen.whitened !== undefined) {
      const rows = {
        values: seen.whitened,
        k: whitening.kept.length,
        residuals: seen.residuals,
        intercept: model.intercept,
      };
      if (white) found.white = await withPauses(whiteSteps(rows), { signal: options.signal });
      if (lags !== undefined)
        found.breuschGodfrey = await withPauses(breuschGodfreySteps(rows, lags), { signal: options.signal });
    }
    return plots === undefined ? found : { ...found, plots: { sums: seen.plots.take(), ...plots } };
  } catch (error) {
    output?.abort();
    throw error;
  }
}

/** The header of the rows' measures. */
export function rowHeader(table: Table, text: DiagnosePlan["text"], id: string | undefined): string {
  if (text === undefined) return "";
  const own = measureNames(text, id);
  const field = text.excelSafe ? excelSafeField : quoteField;
  const names = (list: readonly string[]) =>
    list.map((name) => field(name, text.delimiter)).join(text.delimiter);
  if (!text.append) return `${names(own)}\n`;
  const taken = table.columns.map(({ name }) => name);
  const before = table.headerText === "" || text.excelSafe ? names(taken) : table.headerText;
  return `${before}${text.delimiter}${names(freeNames(own, taken))}\n`;
}

/** What all chunks gave. */
interface Seen {
  rows: number;
  excluded: number;
  heldOut: number;
  outside: number;
  residuals: Float64Array;
  whitened: Float64Array | undefined;
  auxiliary: AuxiliaryMoments;
  influential: Influential<RowDiagnosis>;
  plots: PlotRows;
}

async function diagnoseRows(
  table: Table,
  work: {
    layout: RowLayout;
    plan: DiagnosePlan;
    output: Output | undefined;
    options: DiagnoseCsvOptions;
  },
): Promise<Seen> {
  const { layout, plan, output, options } = work;
  const parts: Float64Array[] = [];
  const columns: Float64Array[] = [];
  const auxiliary = new AuxiliaryMoments(plan.whitening.kept.length, plan.whitening.constant !== 0);
  const influential = new InfluentialRows<RowDiagnosis>(plan.most);
  const plots = new PlotRows(plan.plots?.terms.length ?? 0);
  let rows = 0;
  let heldOut = 0;
  let outside = 0;
  const job: ScanJob<DiagnosePlan, DiagnoseResult> = {
    plan,
    create: (view) => new DiagnoseJob(view, plan),
    entry: builtFile("bundle/diagnose-worker.js"),
    collect: (chunk, number) => {
      rows += chunk.rows;
      heldOut += chunk.heldOut;
      outside += chunk.outside.rows;
      parts.push(chunk.residuals);
      if (chunk.whitened !== undefined) columns.push(chunk.whitened);
      auxiliary.push(number, chunk);
      influential.merge(chunk.influential);
      if (chunk.plots !== undefined) plots.merge(chunk.plots);
      return chunk.text === undefined ? undefined : output?.write(chunk.text);
    },
  };
  const { signal, onProgress, callerWorks, threads = availableParallelism() } = options;
  const { excluded } = await scan(table, layout, job, {
    threads,
    callerWorks,
    window: 4 * threads,
    signal,
    onProgress,
  });
  const residuals = joined(parts);
  const whitened = plan.keepRows ? joined(columns) : undefined;
  return {
    rows,
    excluded,
    heldOut,
    outside,
    residuals,
    whitened,
    auxiliary,
    influential: influential.take(),
    plots,
  };
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Numbers of rows that are kept for tests that need all: 1 GB. */
const MOST_KEPT = 1 << 27;

/** @throws UsageError and ModelError for what a model's rows cannot be asked */
function checkKept(
  model: LinearModel,
  { white, lags, dfbetas }: { white: boolean; lags: number | undefined; dfbetas: boolean },
): void {
  if (lags !== undefined && !(Number.isSafeInteger(lags) && lags >= 1 && lags < model.n))
    throw new UsageError(`lags should be an integer from 1 to ${model.n - 1}, got ${lags}`);
  if (model.absorbed !== undefined && (white || lags !== undefined || dfbetas))
    throw new ModelError(
      "tests on the columns, and what rows do to coefficients, do not go with absorbed effects",
      {
        hint: "fit the factors as terms",
      },
    );
  if (!white && lags === undefined) return;
  if (model.weightsColumn !== undefined)
    throw new ModelError("White's and Breusch and Godfrey's tests are of fits without weights");
  const numbers = model.n * (model.terms.length ** (white ? 2 : 1) + (lags ?? 0));
  if (numbers > MOST_KEPT)
    throw new ModelError(
      `${model.n} rows of ${model.terms.length} columns are too many to keep for these tests`,
    );
}

function* diagnosisSteps(
  table: Table,
  model: LinearModel,
  seen: Seen,
  limits: InfluenceLimits,
  named: ReadonlyMap<number, NamedRow>,
): Steps<Diagnosis> {
  const { rows, excluded, heldOut, outside, residuals, auxiliary } = seen;
  const { counts, top, extreme } = seen.influential;
  const n = residuals.length;
  if (n === 0)
    throw new DataError(`no row is complete: each of ${rows} has a missing cell`, {
      place: { file: table.source.name },
    });
  const rss = residuals.reduce((sum, e) => sum + e * e, 0);
  // Auxiliary regressions on absorbed effects would need moments of their own.
  const whole = model.absorbed === undefined;
  yield;
  const quantiles = yield* residualQuantilesSteps(residuals);
  yield;
  const tests = { durbinWatson: durbinWatson(residuals), jarqueBera: jarqueBera(residuals) };
  yield;
  return {
    rows: rows + excluded,
    n,
    dropped: rows - heldOut - n - outside,
    outside,
    excluded,
    heldOut,
    ofFit: n === model.n && Math.abs(rss - model.rss) <= 1e-6 * model.rss,
    rss,
    quantiles,
    ...tests,
    breuschPagan: whole ? yield* auxiliary.breuschPaganSteps(rss, model.rss / model.n) : undefined,
    reset: whole ? yield* auxiliary.resetSteps() : undefined,
    limits,
    counts,
    standOut: top.map((row) => named.get(row.row)!),
    outlier: extreme && {
      row: named.get(extreme.row)!,
      p: Math.min(1, n * tTwoSided(extreme.rstudent, model.dfResidual - 1)),
    },
  };
}

/** The rows with their lines, by number. */
export async function nameRows(table: Table, rows: readonly RowDiagnosis[]): Promise<Map<number, NamedRow>> {
  const numbers = [...new Set(rows.map(({ row }) => row))].sort((a, b) => a - b);
  const lines = await linesOfRows(
    table,
    numbers.map((number) => number - 1),
  );
  const lineOf = new Map(numbers.map((number, i) => [number, lines?.[i]]));
  return new Map(rows.map((row) => [row.row, { ...row, line: lineOf.get(row.row) }]));
}
