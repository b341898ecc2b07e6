import { availableParallelism } from "node:os";
import { milliseconds } from "../clock.js";
import { CHUNK_BYTES } from "../csv/chunks.js";
import type { TruthOf } from "../csv/json-lines.js";
import { readingFor } from "../csv/kept-reading.js";
import type { ReadingOptions } from "../csv/reading-options.js";
import { Source } from "../csv/source.js";
import { ofModel } from "../csv/table.js";
import { openOutput } from "../csv/write.js";
import { truthWords } from "../dataset/record-cells.js";
import { ModelError, UsageError } from "../errors.js";
import { builtFile } from "../files/built-file.js";
import { refuseOverwriting } from "../files/same-file.js";
import { conformalPlan } from "../linear/conformal/conformal.js";
import { unconnectedNotes } from "../linear/model/absorbed-effects.js";
import type { PredictorPlan } from "../linear/model/block-predictor.js";
import type { GroupPredictorPlan } from "../linear/model/group-predictor.js";
import type { IntervalKind } from "../linear/model/interval.js";
import { intervalPlan } from "../linear/model/interval-plan.js";
import { LinearModel } from "../linear/model/model.js";
import { ModelGroup } from "../linear/model/model-group.js";
import { OutsideRows } from "../linear/model/row-space.js";
import type { UnseenPolicy } from "../linear/model/unseen.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { ReadingControl } from "../scan/reading-control.js";
import { scan } from "../scan/scan.js";
import type { ScanJob } from "../scan/scan-options.js";
import { columnFormatOf, openColumnOutput } from "../sources/column-output.js";
import { readTables, withSources } from "../sources/tables.js";
import { tCritical } from "../stats/distributions.js";
import { PredictionErrors, type PredictionMetrics } from "../stats/metrics.js";
import { withModelLags } from "../training/model-lags.js";
import { option, verb, wording } from "../wording.js";
import { checkOrder } from "./check-order.js";
import { contributionsOf } from "./contributions.js";
import { knownEffectsSteps } from "./known-effects.js";
import { matchColumns } from "./match-columns.js";
import { isOwnFile } from "./own-file.js";
import {
  PredictJob,
  type PredictPlan,
  type PredictResult,
  predictedNames,
  predictionHeader,
} from "./predict-job.js";
import type { MachineName } from "./predict-on-machine.js";

/** Options of `predictCsv`; all may be left out. */
export interface PredictCsvOptions extends ReadingOptions, ReadingControl {
  /** Worker threads; 0 (default) predicts on the calling thread. */
  threads?: number | undefined;
  /** The file to write; standard output where it is left out. */
  output?: string | undefined;
  /** Whether the input's own columns come before the prediction. */
  append?: boolean | undefined;
  /**
   * Whether texts of the input that spreadsheets take for formulas (beginning with = + - @, a tab or a line end) are written
   * in quotes behind an apostrophe; numbers stay as they are. Default: false, rows keep their bytes.
   */
  excelSafe?: boolean | undefined;
  /**
   * Adds columns `lower` and `upper`: of the mean of y, or of a new y; or of a new y by what conformal intervals were calibrated by.
   * Default: none.
   */
  interval?: IntervalKind | "conformal" | "none" | undefined;
  /** The level of the intervals. Default: 0.95. */
  level?: number | undefined;
  /** Adds a column `stdError`, the standard error of the fitted value. */
  stdError?: boolean | undefined;
  /**
   * Adds a column `base`, the mean prediction of the training rows, and one for each term: what it adds to it. Their sum is the
   * prediction. Default: false.
   */
  terms?: boolean | undefined;
  /** What becomes of rows with levels that the training data did not have. Default: `fail`. */
  unseen?: UnseenPolicy | undefined;
  /**
   * The models of other targets of the same fit: a column of predictions for each, which are called as the targets then, that of the
   * model first.
   */
  beside?: readonly LinearModel[] | undefined;
  /** Runs the model's expression graph on this machine instead; `threads` then are the go machine's workers. */
  machine?: MachineName | undefined;
}

/** What a prediction of a CSV amounted to. */
export interface CsvPrediction {
  rows: number;
  /** Rows with a missing cell, whose prediction is NA. */
  missing: number;
  /** Complete rows whose prediction is NA, for the model's aliased terms are not there what they were in training. */
  outside: number;
  /** Rows left out by the condition on rows, for which nothing is written. */
  excluded: number;
  /** Remarks for the user. */
  notes: string[];
  /** The error, where the file has the target; weighted where it has the model's weights too. */
  metrics: PredictionMetrics | undefined;
  timing: { totalMs: number; threads: number };
}

/** The number of threads that work is split over unless told otherwise: the cores that this process may use. */
export function defaultThreads(): number {
  return availableParallelism();
}

/**
 * Predicts every row of a CSV (a path, several, `-` for standard input, or an open source, which stays open) and writes the predictions as CSV, in order: the same bytes for any number of threads.
 *
 * @throws ModelError where the file lacks columns of the model; DataError for a bad cell or an output that cannot
 * be written, of which then nothing is left
 *
 * @example
 * ```js
 * import { fitCsv, predictCsv } from "goml";
 *
 * const { model } = await fitCsv("data/boston.csv", { features: ["rm", "lstat"] });
 * const { metrics } = await predictCsv(model, "data/boston.csv", { output: "predicted.csv" });
 * console.log(metrics.n, metrics.rmse.toFixed(4)); // 506 5.5238
 * ```
 */
export async function predictCsv(
  model: LinearModel | ModelGroup,
  data: string | readonly string[] | readonly Source[] | Source,
  options: PredictCsvOptions = {},
): Promise<CsvPrediction> {
  if (data instanceof Source) return predictSources(model, [data], options);
  if (typeof data !== "string" && isOpen(data)) return predictSources(model, data, options);
  return withSources(data, options.signal, (sources) => predictSources(model, sources, options));
}

function isOpen(data: readonly string[] | readonly Source[]): data is readonly Source[] {
  return data[0] instanceof Source;
}

async function predictSources(
  model: LinearModel | ModelGroup,
  sources: readonly Source[],
  options: PredictCsvOptions,
): Promise<CsvPrediction> {
  const started = milliseconds();
  const { interval = "none", level, stdError = false } = options;
  const bounds = interval !== "none";
  const { output: to = "-" } = options;
  refuseOverwriting(
    [{ path: to, what: "the predictions" }],
    sources.map(({ path }) => ({ path, what: "the data" })),
  );
  if (options.machine !== undefined && (bounds || stdError))
    throw new UsageError("the machines predict without intervals", {
      hint: wording`leave out ${option("machine")}, or ${option("interval")} and ${option("stdError")}`,
    });
  if (options.machine !== undefined && model instanceof LinearModel && model.absorbed !== undefined)
    throw new ModelError("the machines predict without absorbed effects", {
      hint: wording`leave ${option("machine")} out, or fit the factors as terms`,
    });
  if (model instanceof ModelGroup && options.machine !== undefined)
    throw new UsageError("the machines run one model, and these are models by group", {
      hint: wording`${verb("oneOfGroups")} gives the model of one group`,
    });
  if (options.terms && (model instanceof ModelGroup || options.machine !== undefined))
    throw new UsageError(
      model instanceof ModelGroup
        ? wording`${option("terms")} are those of one model, and these are models by group`
        : wording`the machines predict without ${option("terms")}`,
      model instanceof ModelGroup
        ? { hint: wording`${verb("oneOfGroups")} gives the model of one group` }
        : {},
    );
  const { beside = [] } = options;
  if (beside.length > 0 && (bounds || stdError || options.terms || options.machine !== undefined))
    throw new UsageError(
      wording`predictions of several models are without ${option("interval")}, ${option("stdError")}, ${option("terms")} and ${option("machine")}`,
      { hint: "predict by one of them" },
    );
  const reading = readingFor(options, model.reading, { sameFile: isOwnFile(model, sources), where: false });
  const read = ofModel(await readTables(sources, reading, truthOf(model)));
  const { table, notes: lagNotes } = await withModelLags(model, read, sources, options);
  const append = options.append ?? false;
  if (append) checkOrder(table);
  // A column that only the model names may be missing here, as it is for rows that have no names yet.
  const known = table.columns.some(({ name }) => name === reading.id?.normalize("NFC"));
  const id = options.id ?? (known ? reading.id : undefined);
  const conformal = interval === "conformal";
  if (conformal) checkConformal(model);
  const withErrors = (bounds && !conformal) || stdError;
  await withPauses(knownEffectsSteps(model, withErrors ? "intervals" : undefined), options);
  const { layout, predictor } = matchColumns(model, table, {
    text: append,
    weights: true,
    target: beside.length === 0,
    conformal,
    where: options.where,
    id,
  });
  for (const other of beside) await withPauses(knownEffectsSteps(other, undefined), options);
  const wanted = { interval: bounds && !conformal ? interval : ("confidence" as const), level };
  if (withErrors && model instanceof LinearModel && model.penalty === undefined)
    await withPauses(model.whiteningSteps(), options);
  const columns = columnFormatOf(options.output);
  const plan: PredictPlan = {
    predictor:
      withErrors && model instanceof ModelGroup
        ? { ...(predictor as GroupPredictorPlan), intervals: model.intervals(wanted) }
        : predictor,
    intervals:
      withErrors && model instanceof LinearModel ? intervalPlan(model, tCritical, wanted) : undefined,
    conformal:
      conformal && model instanceof LinearModel
        ? conformalPlan(model.conformal!, model.intercept, level ?? 0.95)
        : undefined,
    beside: beside.length === 0 ? undefined : besidePlan(model, predictor, beside),
    stdError,
    bounds,
    contributions: options.terms && model instanceof LinearModel ? contributionsOf(model) : undefined,
    unseen: options.unseen ?? "fail",
    append,
    excelSafe: options.excelSafe,
    id: append ? undefined : id,
    delimiter: append ? table.dialect.delimiter : ",",
    typed: columns !== undefined,
  };
  if (columns !== undefined && (append || options.machine !== undefined))
    throw new UsageError(wording`${columns} is written without ${option(append ? "append" : "machine")}`, {
      hint: wording`write CSV, or keep a column beside the predictions with ${option("id")}`,
    });
  const size = sources.reduce((sum, { plain }) => sum + (plain?.size ?? Number.NaN), 0);
  const output = openOutput(options.output);
  const threads = options.threads ?? 0;
  let used = Math.max(1, threads);
  const errors = new PredictionErrors();
  let rows = 0;
  let missing = 0;
  let unbounded = 0;
  const outside = new OutsideRows();
  let excluded = 0;
  try {
    const names = predictedNames(plan);
    const written = names.map((name, j) => ({
      name,
      kind: j === 0 && plan.id !== undefined ? ("text" as const) : ("numbers" as const),
    }));
    const typed = await openColumnOutput(output, written, options.output);
    let open = typed !== undefined || (await output.write(predictionHeader(plan, table)));
    if (open && options.machine !== undefined) {
      const { predictOnMachine } = await import("./predict-on-machine.js");
      const done = await predictOnMachine({
        table,
        layout,
        plan,
        predictor: predictor as PredictorPlan,
        output,
        machine: options.machine,
        workers: threads,
        chunkBytes: chunkBytes(size),
        signal: options.signal,
      });
      ({ rows, missing, excluded } = done);
      outside.absorb(done.outside);
      errors.absorb(done.errors);
    } else if (open) {
      const job: ScanJob<PredictPlan, PredictResult> = {
        plan,
        create: (view) => new PredictJob(view, plan),
        entry: builtFile("bundle/predict-worker.js"),
        collect: async (chunk) => {
          rows += chunk.rows;
          missing += chunk.missing;
          unbounded += chunk.unbounded;
          outside.absorb(chunk.outside);
          errors.absorb(PredictionErrors.of(chunk.errors));
          open = await (typed === undefined
            ? output.write(chunk.text)
            : typed.write(chunk.columns!, chunk.rows));
          return open;
        },
      };
      const { callerWorks, signal, onProgress } = options;
      ({ threads: used, excluded } = await scan(table, layout, job, {
        threads: Math.max(1, threads),
        inlineBytes: 0,
        chunkBytes: chunkBytes(size),
        window: 8 * Math.max(1, threads),
        callerWorks,
        signal,
        onProgress,
      }));
    }
    await typed?.finish();
    await output.commit();
  } catch (error) {
    output.abort();
    throw error;
  }
  const kind = model instanceof LinearModel && layout.weight !== undefined ? model.weightsKind : undefined;
  const notes = [
    ...table.notes,
    ...lagNotes,
    ...(model instanceof LinearModel ? unconnectedNotes(model) : []),
  ];
  if (options.where === undefined && model.reading?.where !== undefined)
    notes.push(`all rows are predicted; the model was trained on those for which ${model.reading.where}`);
  notes.push(...outside.notes());
  if (unbounded > 0)
    notes.push(
      `${unbounded} ${unbounded === 1 ? "interval is" : "intervals are"} unbounded: too few calibration rows${
        model instanceof LinearModel && model.conformal?.by !== undefined
          ? ` of the row's ${model.conformal.by}`
          : ""
      } for this level`,
    );
  return {
    rows,
    missing,
    outside: outside.rows,
    excluded,
    notes,
    metrics: errors.n > 0 ? errors.metrics(model.parameters, kind) : undefined,
    timing: { totalMs: milliseconds() - started, threads: used },
  };
}

/**
 * What predicting by several models needs.
 *
 * @throws UsageError for models by group; ModelError where one reads other columns than the first
 */
function besidePlan(
  model: LinearModel | ModelGroup,
  first: PredictPlan["predictor"],
  beside: readonly LinearModel[],
): PredictPlan["beside"] {
  if (model instanceof ModelGroup)
    throw new UsageError("predictions side by side are of models without groups");
  const read = ({ spec }: Pick<PredictorPlan, "spec">) => JSON.stringify([spec.numeric, spec.text]);
  const predictors = beside.map((other) => other.predictorPlan(false));
  const odd = predictors.findIndex((plan) => read(plan) !== read(first));
  if (odd >= 0)
    throw new ModelError(
      `the models of ${model.target} and ${beside[odd]!.target} read other columns: they are not of one fit`,
      { hint: "predict by each of them" },
    );
  return { predictors, names: [model, ...beside].map(({ target }) => target) };
}

/** @throws UsageError for models by group; ModelError where nothing was calibrated */
function checkConformal(model: LinearModel | ModelGroup): void {
  if (model instanceof ModelGroup)
    throw new UsageError("conformal intervals are those of one model, and these are models by group", {
      hint: wording`train one model of all rows, and calibrate by the groups: ${option("conformalBy")}`,
    });
  if (model.conformal === undefined)
    throw new ModelError("the model has no conformal intervals: nothing was calibrated when it was made", {
      hint: wording`train with ${option("conformal", "split")}, cv+ or jackknife+`,
    });
}

/** How a model's columns write true and false: as its levels do, and as numbers. */
function truthOf(model: LinearModel | ModelGroup): TruthOf {
  return (name) => {
    const column = model.records.columns.find((one) => one.name === name);
    return column?.kind === "numeric" ? ["0", "1"] : truthWords(column?.levels ?? []);
  };
}

/** Sixteen chunks of a small file, so that threads have something to share; each row is predicted alone anyway. */
function chunkBytes(size: number): number {
  if (!(size < 16 * CHUNK_BYTES)) return CHUNK_BYTES;
  return Math.max(4096, 2 ** Math.ceil(Math.log2(size / 16)));
}
