import { availableParallelism } from "node:os";
import { readingFor } from "../csv/kept-reading.js";
import { linesOfRows } from "../csv/locate.js";
import type { ReadingOptions } from "../csv/reading-options.js";
import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import { freeNames, type Output, openOutput, quoteField } from "../csv/write.js";
import { DataError, ModelError } from "../errors.js";
import { refuseOverwriting } from "../files/same-file.js";
import { type InfluenceLimits, influenceLimits } from "../linear/covariance/influence.js";
import type { LinearModel } from "../linear/model/model.js";
import type { UnseenPolicy } from "../linear/model/unseen.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { ReadingControl } from "../scan/reading-control.js";
import type { RowLayout } from "../scan/row-layout.js";
import { scan } from "../scan/scan.js";
import type { ScanJob } from "../scan/scan-options.js";
import { namesOf, readTables, withSources } from "../sources/tables.js";
import { tTwoSided } from "../stats/distributions.js";
import {
  durbinWatson,
  type JarqueBera,
  jarqueBera,
  type ResidualQuantiles,
  residualQuantiles,
} from "../stats/residual-tests.js";
import { option, verb, wording } from "../wording.js";
import { AuxiliaryMoments, type AuxiliaryTest } from "./auxiliary-tests.js";
import { checkOrder } from "./check-order.js";
import {
  byInfluence,
  DiagnoseJob,
  type DiagnosePlan,
  type DiagnoseResult,
  ROW_COLUMNS,
  type RowDiagnosis,
  type StandingOut,
} from "./diagnose-job.js";
import { matchColumns } from "./match-columns.js";
import { isOwnFile, isTrainedOn } from "./own-file.js";
import { resetPlan } from "./reset-plan.js";

/** Options of `diagnoseCsv`; all may be left out. */
export interface DiagnoseCsvOptions extends ReadingOptions, ReadingControl {
  /** Where to write the measures of every row, as CSV. Default: nowhere. */
  output?: string | undefined;
  /** Whether the input's own columns come before them. */
  append?: boolean | undefined;
  /** How many of the rows that stand out to name. Default: 10. */
  top?: number | undefined;
  /** What becomes of rows with levels that the training data did not have. Default: `fail`. */
  unseen?: UnseenPolicy | undefined;
}

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
  limits: InfluenceLimits;
  /** How many rows are past each limit. */
  counts: StandingOut;
  /** Those past any, by falling Cook's distance; the first `top`. */
  standOut: NamedRow[];
  /** The largest |rstudent|, and its p-value as the largest of n (Bonferroni). */
  outlier: { row: NamedRow; p: number } | undefined;
}

/**
 * Measures how well a model fits the rows of a CSV (a path, several, or `-` for standard input): residuals, leverage and
 * influence of every row, tests of the residuals, and the rows that stand out. In one pass; what is kept are the
 * residuals, 8 bytes a row (24 while they are sorted).
 *
 * @throws ModelError where the file lacks columns of the model, its target included; DataError for a bad cell, and
 * where no row is complete
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
  refuseOverwriting(
    [{ path: options.output, what: "the rows' measures" }],
    sources.map(({ path }) => ({ path, what: "the data" })),
  );
  if (model.penalty !== undefined)
    throw new ModelError("a penalised fit's residuals have no leverages of this kind", {
      hint: wording`${verb("refit", option("lambda", 0))} gives the fit without the penalty`,
    });
  const sameFile = isOwnFile(model, sources);
  const reading = readingFor(options, model.reading, { sameFile, where: true });
  const table = await readTables(sources, reading);
  const name = namesOf(table);
  const known = table.columns.some((column) => column.name === reading.id?.normalize("NFC"));
  const id = options.id ?? (known ? reading.id : undefined);
  const { output: path, append = false, top: most = 10 } = options;
  if (append) checkOrder(table);
  const text = path === undefined ? undefined : { append, delimiter: append ? table.dialect.delimiter : "," };
  const { layout, predictor } = matchColumns(model, table, {
    text: text !== undefined && append,
    weights: true,
    where: reading.where,
    id,
  });
  if (!predictor.target)
    throw new ModelError(`${name}: the target ${JSON.stringify(model.target)} is missing or not numeric`, {
      hint: "diagnose compares predictions with it",
    });
  if (model.weightsColumn !== undefined && layout.weight === undefined)
    throw new ModelError(
      `${name}: the weights ${JSON.stringify(model.weightsColumn)} are missing or not numeric`,
      { hint: "the model was fitted with them" },
    );
  if (!(model.dfResidual > 0))
    throw new ModelError(
      `${model.n} rows on ${model.parameters} coefficients leave no residuals to diagnose`,
      {
        hint: "train on more rows, or with fewer terms",
      },
    );
  const limits = influenceLimits(model);
  const plan: DiagnosePlan = {
    predictor,
    whitening: await withPauses(model.whiteningSteps(), options),
    within: model.withinPlan("the rows' influence"),
    scale: { n: model.n, rank: model.parameters, rss: model.rss },
    limits,
    reset: resetPlan(model),
    held: sources.length === 1 ? await heldOut(model, sources[0]!) : undefined,
    unseen: options.unseen ?? "fail",
    most,
    text,
    named: id !== undefined,
  };
  const output = path === undefined ? undefined : openOutput(path);
  try {
    await output?.write(rowHeader(table, text, id));
    const seen = await diagnoseRows(table, { layout, plan, output, options });
    await output?.commit();
    return await diagnosisOf(table, model, seen, limits);
  } catch (error) {
    output?.abort();
    throw error;
  }
}

/** The header of the rows' measures. */
export function rowHeader(table: Table, text: DiagnosePlan["text"], id: string | undefined): string {
  if (text === undefined) return "";
  const own = [id ?? ROW_COLUMNS[0]!, ...ROW_COLUMNS.slice(1)];
  const names = (list: readonly string[]) =>
    list.map((name) => quoteField(name, text.delimiter)).join(text.delimiter);
  if (!text.append) return `${names(own)}\n`;
  const taken = table.columns.map(({ name }) => name);
  const before = table.headerText === "" ? names(taken) : table.headerText;
  return `${before}${text.delimiter}${names(freeNames(own, taken))}\n`;
}

/** Which rows of its own file a model was not fitted on. */
export async function heldOut(
  { scan, source: trained }: Pick<LinearModel, "scan" | "source">,
  source: Source,
): Promise<DiagnosePlan["held"]> {
  if (scan?.testSize === undefined || !(await isTrainedOn(trained, source))) return undefined;
  return { testSize: scan.testSize, seed: scan.seed, firstRow: scan.firstRow };
}

/** What all chunks gave. */
interface Seen {
  rows: number;
  excluded: number;
  heldOut: number;
  outside: number;
  residuals: Float64Array;
  auxiliary: AuxiliaryMoments;
  counts: StandingOut;
  top: RowDiagnosis[];
  extreme: RowDiagnosis | undefined;
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
  const auxiliary = new AuxiliaryMoments(plan.whitening.kept.length, plan.whitening.constant !== 0);
  const counts: StandingOut = { rstudent: 0, leverage: 0, cooks: 0, dffits: 0, any: 0 };
  let rows = 0;
  let heldOut = 0;
  let outside = 0;
  let top: RowDiagnosis[] = [];
  let extreme: RowDiagnosis | undefined;
  const job: ScanJob<DiagnosePlan, DiagnoseResult> = {
    plan,
    create: (view) => new DiagnoseJob(view, plan),
    entry: new URL("../../dist/bundle/diagnose-worker.js", import.meta.url),
    collect: (chunk, number) => {
      rows += chunk.rows;
      heldOut += chunk.heldOut;
      outside += chunk.outside.rows;
      parts.push(chunk.residuals);
      auxiliary.push(number, chunk);
      for (const name of Object.keys(counts) as (keyof StandingOut)[]) counts[name] += chunk.counts[name];
      top = [...top, ...chunk.top].sort(byInfluence).slice(0, plan.most);
      if (
        chunk.extreme !== undefined &&
        !(Math.abs(chunk.extreme.rstudent) <= Math.abs(extreme?.rstudent ?? 0))
      )
        extreme = chunk.extreme;
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
  const residuals = new Float64Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    residuals.set(part, at);
    at += part.length;
  }
  return { rows, excluded, heldOut, outside, residuals, auxiliary, counts, top, extreme };
}

async function diagnosisOf(
  table: Table,
  model: LinearModel,
  seen: Seen,
  limits: InfluenceLimits,
): Promise<Diagnosis> {
  const { rows, excluded, heldOut, outside, residuals, auxiliary, counts, top, extreme } = seen;
  const n = residuals.length;
  if (n === 0)
    throw new DataError(`no row is complete: each of ${rows} has a missing cell`, {
      place: { file: table.source.name },
    });
  const rss = residuals.reduce((sum, e) => sum + e * e, 0);
  // Auxiliary regressions on absorbed effects would need moments of their own.
  const whole = model.absorbed === undefined;
  const named = await nameRows(table, extreme === undefined ? top : [...top, extreme]);
  return {
    rows: rows + excluded,
    n,
    dropped: rows - heldOut - n - outside,
    outside,
    excluded,
    heldOut,
    ofFit: n === model.n && Math.abs(rss - model.rss) <= 1e-6 * model.rss,
    rss,
    quantiles: residualQuantiles(residuals),
    durbinWatson: durbinWatson(residuals),
    jarqueBera: jarqueBera(residuals),
    breuschPagan: whole ? auxiliary.breuschPagan(rss, model.rss / model.n) : undefined,
    reset: whole ? auxiliary.reset() : undefined,
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
