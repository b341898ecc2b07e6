import type { ColumnChoice } from "../csv/column-block.js";
import { withLine } from "../csv/locate.js";
import type { Table } from "../csv/table.js";
import { DataError, UsageError } from "../errors.js";
import { clusteredVcov, robustVcov } from "../linear/covariance/meat.js";
import type { VcovType } from "../linear/covariance/vcov.js";
import type { LinearModel } from "../linear/model/model.js";
import { scan } from "../scan/scan.js";
import type { ScanControl } from "../scan/scan-options.js";
import { MergeTree } from "../stats/merge-tree.js";
import { unknownColumn } from "./choose-columns.js";
import { ENTRY } from "./scan-moments.js";
import type { TrainingPlan } from "./training-job.js";
import { type ClusterColumn, VcovJob, type VcovPlan, type VcovResult, VcovTotal } from "./vcov-job.js";

/** Which covariance to estimate, and on which rows. */
export interface VcovRequest {
  type: Exclude<VcovType, "iid">;
  /** The column whose values say which rows belong together; for `cluster`. */
  cluster: string | undefined;
  testSize: number;
  seed: number;
  firstRow: number;
  weighted: boolean;
}

/** Throws UsageError where `cluster` and its column do not come together, or there is no such column. */
export function checkCluster(table: Table, type: VcovType, cluster: string | undefined): void {
  if (type === "cluster" && cluster === undefined)
    throw new UsageError("a clustered covariance needs the column of the groups", {
      hint: "name it with --cluster",
    });
  if (cluster === undefined) return;
  if (type !== "cluster")
    throw new UsageError(`--cluster ${cluster} has no part in --vcov ${type}`, {
      hint: "use --vcov cluster, or leave --cluster out",
    });
  const names = table.columns.map(({ name }) => name);
  if (!names.includes(cluster)) throw unknownColumn(cluster, names, table.source.name);
}

/**
 * A fitted model with its covariance estimated in a second pass over its rows, by the sandwich (XᵀWX)⁻¹M(XᵀWX)⁻¹:
 *
 * - hc0: M = Σ (we)²xxᵀ (White 1980); hc1: hc0 times n/(n − p); hc2: each e² divided by 1 − h; hc3: by (1 − h)²
 *   (MacKinnon & White 1985; R's `sandwich::vcovHC`);
 * - cluster: M = Σ_g (Σ_{i∈g} wex)(Σ_{i∈g} wex)ᵀ, times G/(G − 1) · (n − 1)/(n − p) (Liang & Zeger 1986; CR1, which
 *   is `sandwich::vcovCL`'s default for `lm`, and Stata's).
 *
 * @param choice the raw columns of the model's spec, target and weights among them
 * @throws ModelError for hc2 and hc3 where a row has leverage 1, and for fewer than two groups; DataError for a row
 * of the fit without a group
 */
export async function robustVcovOf(
  table: Table,
  choice: ColumnChoice,
  model: LinearModel,
  request: VcovRequest,
  control: ScanControl,
): Promise<LinearModel> {
  const { type, cluster, testSize, seed, firstRow, weighted } = request;
  const grouped = cluster === undefined ? undefined : clusterColumn(table, choice, cluster);
  const predictor = model.predictorPlan(true);
  const plan: VcovPlan = {
    predictor,
    weighted,
    whitening: model.whitening,
    type,
    cluster: grouped?.column,
    testSize,
    seed,
    firstRow,
  };
  const tree = new MergeTree<VcovTotal>();
  await scan<TrainingPlan, VcovResult>({
    ...control,
    table,
    choice: grouped?.choice ?? choice,
    plan: { vcov: plan },
    create: (kernels, source) => new VcovJob(kernels, source, plan),
    entry: ENTRY,
    collect: (result, chunk) => {
      tree.push(chunk, new VcovTotal(result));
      return undefined;
    },
  });
  const total = tree.finish()!;
  if (total.ungrouped >= 0)
    throw await withLine(
      table,
      new DataError("this row of the fit has no group", {
        place: { row: total.ungrouped, column: cluster },
        hint: "fill the cell in, or leave the row out",
      }),
    );
  return model.withVcov(
    type === "cluster"
      ? clusteredVcov(cluster!, [...total.groups.values()], model)
      : robustVcov(type, total.meat, model),
  );
}

/** Finds the groups' column among the columns that are read anyway, or adds it. */
function clusterColumn(
  table: Table,
  choice: ColumnChoice,
  cluster: string,
): { choice: ColumnChoice; column: ClusterColumn } {
  const at = table.columns.findIndex(({ name }) => name === cluster);
  if (table.columns[at]!.kind === "text") {
    const known = choice.factors.indexOf(at);
    if (known >= 0) return { choice, column: { factor: known } };
    return {
      choice: { ...choice, factors: [...choice.factors, at] },
      column: { factor: choice.factors.length },
    };
  }
  const known = choice.numeric.indexOf(at);
  if (known >= 0) return { choice, column: { numeric: known } };
  return {
    choice: { ...choice, numeric: [...choice.numeric, at] },
    column: { numeric: choice.numeric.length },
  };
}
