import type { Table } from "../csv/table.js";
import { builtFile } from "../files/built-file.js";
import type { RowLayout } from "../scan/row-layout.js";
import { scan } from "../scan/scan.js";
import type { ScanControl, ScanJob } from "../scan/scan-options.js";
import { PredictionErrors } from "../stats/metrics.js";
import { CoverageCount } from "./conformal/coverage.js";
import { OutsideRows } from "./model/row-space.js";
import { createScoreJob, type ScorePlan, type ScoreResult } from "./model/score-job.js";

/** The errors of a model's predictions on a table's rows, and the number of rows. */
export async function scanScore(
  table: Table,
  layout: RowLayout,
  plan: ScorePlan,
  control: ScanControl,
): Promise<{
  errors: PredictionErrors;
  rows: number;
  excluded: number;
  outside: OutsideRows;
  covered: CoverageCount;
}> {
  const errors = new PredictionErrors();
  const covered = new CoverageCount();
  const outside = new OutsideRows();
  let rows = 0;
  const job: ScanJob<ScorePlan, ScoreResult> = {
    plan,
    create: createScoreJob,
    entry: builtFile("bundle/score-worker.js"),
    collect: (result) => {
      rows += result.rows;
      errors.absorb(PredictionErrors.of(result.errors));
      outside.absorb(result.outside);
      if (result.covered !== undefined) covered.absorb(result.covered);
      return undefined;
    },
  };
  const { excluded } = await scan(table, layout, job, control);
  return { errors, rows, excluded, outside, covered };
}
