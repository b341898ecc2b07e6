import { availableParallelism } from "node:os";
import { CHUNK_BYTES } from "../csv/chunks.js";
import type { DialectOptions } from "../csv/dialect.js";
import { openSource, type Source } from "../csv/source.js";
import { readTable } from "../csv/table.js";
import { openOutput, quoteField } from "../csv/write.js";
import { UsageError } from "../errors.js";
import type { PredictorPlan } from "../linear/model/block-predictor.js";
import type { IntervalKind } from "../linear/model/interval.js";
import { intervalPlan } from "../linear/model/interval-plan.js";
import type { LinearModel } from "../linear/model/model.js";
import { ModelGroup } from "../linear/model/model-group.js";
import type { UnseenPolicy } from "../linear/model/unseen.js";
import type { ReadingControl } from "../scan/reading-control.js";
import { scan } from "../scan/scan.js";
import type { ScanJob } from "../scan/scan-options.js";
import { PredictionErrors, type PredictionMetrics } from "../stats/metrics.js";
import { option, verb, wording } from "../wording.js";
import { matchColumns } from "./match-columns.js";
import { PredictJob, type PredictPlan, type PredictResult, predictionHeader } from "./predict-job.js";
import type { MachineName } from "./predict-on-machine.js";

/** Options of `predictCsv`; all may be left out. */
export interface PredictCsvOptions extends DialectOptions, ReadingControl {
  /** Worker threads; 0 (default) predicts on the calling thread. */
  threads?: number | undefined;
  /** The file to write; standard output where it is left out. */
  output?: string | undefined;
  /** Whether the input's own columns come before the prediction. */
  append?: boolean | undefined;
  /** Adds columns `lower` and `upper`: of the mean of y, or of a new y. Default: none. */
  interval?: IntervalKind | "none" | undefined;
  /** The level of the intervals. Default: 0.95. */
  level?: number | undefined;
  /** Adds a column `stdError`, the standard error of the fitted value. */
  stdError?: boolean | undefined;
  /** What becomes of rows with levels that the training data did not have. Default: `fail`. */
  unseen?: UnseenPolicy | undefined;
  /** Runs the model's expression graph on this machine instead; `threads` then are the go machine's workers. */
  machine?: MachineName | undefined;
}

/** What a prediction of a CSV amounted to. */
export interface CsvPrediction {
  rows: number;
  /** Rows with a missing cell, whose prediction is NA. */
  missing: number;
  /** The error, where the file has the target. */
  metrics: PredictionMetrics | undefined;
  timing: { totalMs: number; threads: number };
}

/** The number of threads that work is split over unless told otherwise: the cores that this process may use. */
export function defaultThreads(): number {
  return availableParallelism();
}

/**
 * Predicts every row of a CSV (a path, `-` for standard input, or an open source, which stays open) and writes the predictions as CSV, in order: the same bytes for any number of threads.
 *
 * @throws ModelError where the file lacks columns of the model; DataError for a bad cell or an output that cannot
 * be written, of which then nothing is left
 */
export async function predictCsv(
  model: LinearModel | ModelGroup,
  data: string | Source,
  options: PredictCsvOptions = {},
): Promise<CsvPrediction> {
  if (typeof data !== "string") return predictSource(model, data, options);
  const source = await openSource(data, options.signal);
  try {
    return await predictSource(model, source, options);
  } finally {
    await source.close();
  }
}

async function predictSource(
  model: LinearModel | ModelGroup,
  source: Source,
  options: PredictCsvOptions,
): Promise<CsvPrediction> {
  const started = performance.now();
  const { interval = "none", level, stdError = false } = options;
  const bounds = interval !== "none";
  if (options.machine !== undefined && (bounds || stdError))
    throw new UsageError("the machines predict without intervals", {
      hint: wording`leave out ${option("machine")}, or ${option("interval")} and ${option("stdError")}`,
    });
  if (model instanceof ModelGroup && (options.machine !== undefined || bounds || stdError))
    throw new UsageError("models by group predict without intervals, and not on the machines", {
      hint: wording`${verb("oneOfGroups")} gives the model of one group`,
    });
  const table = await readTable(source, options);
  const append = options.append ?? false;
  const { layout, predictor } = matchColumns(model, table, { text: append });
  const plan: PredictPlan = {
    predictor,
    intervals:
      (bounds || stdError) && !(model instanceof ModelGroup)
        ? intervalPlan(model, { interval: bounds ? interval : "confidence", level })
        : undefined,
    stdError,
    bounds,
    unseen: options.unseen ?? "fail",
    append,
    delimiter: append ? table.dialect.delimiter : ",",
  };
  const names = table.columns.map(({ name }) => quoteField(name, plan.delimiter)).join(plan.delimiter);
  const output = openOutput(options.output);
  const threads = options.threads ?? 0;
  let used = Math.max(1, threads);
  const errors = new PredictionErrors();
  let rows = 0;
  let missing = 0;
  try {
    let open = await output.write(predictionHeader(plan, table.headerText === "" ? names : table.headerText));
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
        chunkBytes: chunkBytes(source.plain?.size),
        signal: options.signal,
      });
      ({ rows, missing } = done);
      errors.absorb(done.errors);
    } else if (open) {
      const job: ScanJob<PredictPlan, PredictResult> = {
        plan,
        create: (view) => new PredictJob(view, plan),
        entry: new URL("../../dist/bundle/predict-worker.js", import.meta.url),
        collect: async (chunk) => {
          rows += chunk.rows;
          missing += chunk.missing;
          errors.absorb(PredictionErrors.of(chunk.errors));
          open = await output.write(chunk.text);
          return open;
        },
      };
      const { callerWorks, signal, onProgress } = options;
      ({ threads: used } = await scan(table, layout, job, {
        threads: Math.max(1, threads),
        inlineBytes: 0,
        chunkBytes: chunkBytes(source.plain?.size),
        window: 8 * Math.max(1, threads),
        callerWorks,
        signal,
        onProgress,
      }));
    }
    await output.commit();
  } catch (error) {
    output.abort();
    throw error;
  }
  return {
    rows,
    missing,
    metrics: errors.n > 0 ? errors.metrics(model.rank) : undefined,
    timing: { totalMs: performance.now() - started, threads: used },
  };
}

/** Sixteen chunks of a small file, so that threads have something to share; each row is predicted alone anyway. */
function chunkBytes(size: number | undefined): number {
  if (size === undefined || size >= 16 * CHUNK_BYTES) return CHUNK_BYTES;
  return Math.max(4096, 2 ** Math.ceil(Math.log2(size / 16)));
}
