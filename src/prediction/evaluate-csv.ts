import { readingFor } from "../csv/kept-reading.js";
import type { ReadingOptions } from "../csv/reading-options.js";
import type { Source } from "../csv/source.js";
import { ofModel, type Table } from "../csv/table.js";
import { DataError, ModelError } from "../errors.js";
import { conformalPlan } from "../linear/conformal/conformal.js";
import type { Coverage } from "../linear/conformal/coverage.js";
import { unconnectedNotes } from "../linear/model/absorbed-effects.js";
import { LinearModel } from "../linear/model/model.js";
import type { ModelGroup } from "../linear/model/model-group.js";
import type { ScorePlan } from "../linear/model/score-job.js";
import type { UnseenPolicy } from "../linear/model/unseen.js";
import { scanScore } from "../linear/scan-score.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { ReadingControl } from "../scan/reading-control.js";
import { namesOf, readTables, withSources } from "../sources/tables.js";
import type { PredictionMetrics } from "../stats/metrics.js";
import { withModelLags } from "../training/model-lags.js";
import { knownEffectsSteps } from "./known-effects.js";
import { matchColumns } from "./match-columns.js";
import { isOwnFile, isTrainedOn } from "./own-file.js";

/** Options of `evaluateCsv`; all may be left out. */
export interface EvaluateCsvOptions extends ReadingOptions, ReadingControl {
  /** What becomes of rows with levels that the training data did not have. Default: `fail`. */
  unseen?: UnseenPolicy | undefined;
  /** The level of the conformal intervals whose coverage is told, where the model has them. Default: 0.95. */
  level?: number | undefined;
}

/** The error of a model on a CSV. */
export interface CsvEvaluation {
  rows: number;
  /** Rows left out because a cell of the model's terms or target is missing. */
  dropped: number;
  /** Complete rows without a prediction, for the model's aliased terms are not there what they were in training. */
  outside: number;
  /** Rows left out by the condition on rows: the one given, else that of the model. */
  excluded: number;
  metrics: PredictionMetrics;
  /** Remarks for the user. */
  notes: string[];
  /** The column by which the errors are weighted, where the data have it. */
  weights: string | undefined;
  /** How often the model's conformal intervals cover the target, where it has them and was not calibrated by these rows. */
  coverage?: Coverage | undefined;
}

/**
 * Measures the error of a model's predictions on a CSV file, on several, or on standard input (`-`).
 *
 * @throws ModelError where the file lacks columns of the model, its target included; DataError for a bad cell, and
 * where no row is complete
 *
 * @example
 * ```js
 * import { evaluateCsv, fitCsv } from "goml";
 *
 * const { model } = await fitCsv("data/boston.csv", { features: ["rm", "lstat"] });
 * const { metrics } = await evaluateCsv(model, "data/boston.csv");
 * console.log(metrics.n, metrics.rmse.toFixed(4)); // 506 5.5238
 * ```
 */
export async function evaluateCsv(
  model: LinearModel | ModelGroup,
  data: string | readonly string[],
  options: EvaluateCsvOptions = {},
): Promise<CsvEvaluation> {
  return withSources(data, options.signal, async (sources) => {
    const sameFile = isOwnFile(model, sources);
    const reading = readingFor(options, model.reading, { sameFile, where: true });
    const read = ofModel(await readTables(sources, reading));
    const { where } = reading;
    const { table, notes: lagNotes } = await withModelLags(model, read, sources, options);
    await withPauses(knownEffectsSteps(model), options);
    const { level = 0.95 } = options;
    const doubt = await withoutCoverage(model, table, sources);
    const conformal =
      doubt === undefined && model instanceof LinearModel
        ? conformalPlan(model.conformal!, model.intercept, level)
        : undefined;
    const { layout, predictor } = matchColumns(model, table, {
      weights: true,
      where,
      conformal: conformal !== undefined,
    });
    if (!predictor.target)
      throw new ModelError(
        `${namesOf(table)}: the target ${JSON.stringify(model.target)} is missing or not numeric`,
        { hint: "evaluate compares predictions with it; goml predict does without" },
      );
    const { signal, onProgress, callerWorks, threads, unseen = "fail" } = options;
    const plan: ScorePlan = { predictor, unseen, conformal };
    const control = { threads, callerWorks, signal, onProgress };
    const { errors, rows, excluded, outside, covered } = await scanScore(table, layout, plan, control);
    if (errors.n === 0)
      throw new DataError(
        rows === 0
          ? `all ${excluded} rows are left out by the condition on rows`
          : outside.rows > 0
            ? `no row has a prediction: ${outside.notes()[0]}`
            : `no row is complete: each of ${rows} has a missing cell`,
        { place: { file: namesOf(table) } },
      );
    const notes = [
      ...table.notes,
      ...lagNotes,
      ...(model instanceof LinearModel ? unconnectedNotes(model) : []),
    ];
    if (options.where === undefined && where !== undefined)
      notes.push(`only rows for which the model's own condition holds: ${where}`);
    notes.push(...outside.notes());
    if (doubt !== undefined && doubt !== "") notes.push(doubt);
    const kind = model instanceof LinearModel && layout.weight !== undefined ? model.weightsKind : undefined;
    const metrics = errors.metrics(model.parameters, kind);
    const dropped = rows - errors.n - outside.rows;
    const weights = layout.weight === undefined ? undefined : model.weightsColumn;
    return {
      rows: rows + excluded,
      dropped,
      outside: outside.rows,
      excluded,
      metrics,
      notes,
      weights,
      ...(conformal === undefined ? {} : { coverage: covered.coverage(level) }),
    };
  });
}

/**
 * Why no coverage is told of these rows, as a note that is empty where the model has no conformal intervals; undefined where
 * it is.
 */
async function withoutCoverage(
  model: LinearModel | ModelGroup,
  table: Table,
  sources: readonly Source[],
): Promise<string | undefined> {
  if (!(model instanceof LinearModel) || model.conformal === undefined) return "";
  const { by } = model.conformal;
  if (by !== undefined && !table.columns.some(({ name }) => name === by))
    return `the conformal intervals are calibrated by ${by}, which these data have not: how often they cover is not told`;
  if (sources.length === 1 && (await isTrainedOn(model.source, sources[0]!)))
    return "the conformal intervals are calibrated by these rows: how often they cover is told of others";
  return undefined;
}
