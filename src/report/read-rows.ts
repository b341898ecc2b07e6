import { ModelError } from "../errors.js";
import { LinearModel } from "../linear/model/model.js";
import type { ModelGroup } from "../linear/model/model-group.js";
import { withPauses } from "../parallel/with-pauses.js";
import { type Diagnosis, diagnoseCsv } from "../prediction/diagnose-csv.js";
import { diagnoseGroupsCsv, type GroupsDiagnosis } from "../prediction/diagnose-groups-csv.js";
import type { DiagnoseCsvOptions } from "../prediction/diagnosed-rows.js";
import { type PlottedRows, plotCsv } from "../prediction/plot-csv.js";

/** What the rows of a CSV showed of a model, or of models by group. */
export type ReadRows =
  | { kind: "diagnosed"; found: Diagnosis }
  | { kind: "groups"; found: GroupsDiagnosis }
  /** Where there are no leverages; and why, where that is not plain. */
  | { kind: "plain"; found: PlottedRows; why?: string };

/** Coordinates for which leverages can be had. */
const MOST_COORDINATES = 3000;

/**
 * Reads the rows behind a report, once: diagnosed where the fit has leverages, else by their residuals alone.
 *
 * @throws as `diagnoseCsv`
 */
export async function readRows(
  model: LinearModel | ModelGroup,
  data: string | readonly string[],
  options: DiagnoseCsvOptions,
): Promise<ReadRows> {
  const how = { ...options, plots: true };
  if (!(model instanceof LinearModel)) {
    const [first] = model.models.values();
    if (first!.penalty !== undefined) return { kind: "plain", found: await plotCsv(model, data, how) };
    return { kind: "groups", found: await diagnoseGroupsCsv(model, data, how) };
  }
  const plain = model.penalty !== undefined || !(model.dfResidual > 0) || model.rank > MOST_COORDINATES;
  if (plain) return { kind: "plain", found: await plotCsv(model, data, how) };
  try {
    await withPauses(model.withinPlanSteps("leverages"), options);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return { kind: "plain", found: await plotCsv(model, data, how), why: error.message };
  }
  return { kind: "diagnosed", found: await diagnoseCsv(model, data, how) };
}
