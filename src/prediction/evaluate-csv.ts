import type { DialectOptions } from "../csv/dialect.js";
import { openSource } from "../csv/source.js";
import { readTable } from "../csv/table.js";
import { DataError, ModelError } from "../errors.js";
import type { LinearModel } from "../linear/model/model.js";
import type { ModelGroup } from "../linear/model/model-group.js";
import type { ScorePlan } from "../linear/model/score-job.js";
import type { UnseenPolicy } from "../linear/model/unseen.js";
import { scanScore } from "../linear/scan-score.js";
import type { ReadingControl } from "../scan/reading-control.js";
import type { PredictionMetrics } from "../stats/metrics.js";
import { matchColumns } from "./match-columns.js";

/** Options of `evaluateCsv`; all may be left out. */
export interface EvaluateCsvOptions extends DialectOptions, ReadingControl {
  /** What becomes of rows with levels that the training data did not have. Default: `fail`. */
  unseen?: UnseenPolicy | undefined;
}

/** The error of a model on a CSV. */
export interface CsvEvaluation {
  rows: number;
  /** Rows left out because a cell of the model's terms or target is missing. */
  dropped: number;
  metrics: PredictionMetrics;
}

/**
 * Measures the error of a model's predictions on a CSV file, or on standard input (`-`).
 *
 * @throws ModelError where the file lacks columns of the model, its target included; DataError for a bad cell, and
 * where no row is complete
 */
export async function evaluateCsv(
  model: LinearModel | ModelGroup,
  path: string,
  options: EvaluateCsvOptions = {},
): Promise<CsvEvaluation> {
  const source = await openSource(path, options.signal);
  try {
    const table = await readTable(source, options);
    const { layout, predictor } = matchColumns(model, table, { weights: true });
    if (!predictor.target)
      throw new ModelError(
        `${source.name}: the target ${JSON.stringify(model.target)} is missing or not numeric`,
        { hint: "evaluate compares predictions with it; goml predict does without" },
      );
    const { signal, onProgress, callerWorks, threads, unseen = "fail" } = options;
    const plan: ScorePlan = { predictor, unseen };
    const control = { threads, callerWorks, signal, onProgress };
    const { errors, rows } = await scanScore(table, layout, plan, control);
    if (errors.n === 0)
      throw new DataError(`no row is complete: each of ${rows} has a missing cell`, {
        place: { file: source.name },
      });
    return { rows, dropped: rows - errors.n, metrics: errors.metrics(model.rank) };
  } finally {
    await source.close();
  }
}
