import { withLine } from "../csv/locate.js";
import type { Table } from "../csv/table.js";
import { DataError, UsageError } from "../errors.js";
import { needsLeverages } from "../linear/covariance/leverage-discount.js";
import { clusteredVcov, robustVcov } from "../linear/covariance/meat.js";
import type { VcovType } from "../linear/covariance/vcov.js";
import type { PredictorPlan } from "../linear/model/block-predictor.js";
import type { LinearModel } from "../linear/model/model.js";
import { absorbEffects } from "../linear/solve/solve-absorbed.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { DrawPlan } from "../scan/row-draw.js";
import { type RowLayout, withClusters } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { scanTotal } from "../scan/scan-total.js";
import { option, wording } from "../wording.js";
import { unknownColumn } from "./choose-columns.js";
import type { NestedLevels } from "./level-nesting.js";
import { ENTRY } from "./scan-moments.js";
import type { TrainingPlan } from "./training-job.js";
import { VcovJob, type VcovPlan, type VcovResult, VcovTotal } from "./vcov-job.js";

/** Which covariance to estimate, and on which rows. */
export interface VcovRequest extends DrawPlan {
  type: Exclude<VcovType, "iid">;
  /** The column whose values say which rows belong together; for `cluster`. */
  cluster: string | undefined;
}

/** What to throw for a row of the fit whose cluster is missing. */
export function withoutCluster(table: Table, row: number, cluster: string | undefined): Promise<unknown> {
  return withLine(
    table,
    new DataError("this row of the fit has no group", {
      place: { row, column: cluster },
      hint: "fill the cell in, or leave the row out",
    }),
  );
}

/** Throws UsageError where `cluster` and its column do not come together, or there is no such column. */
export function checkCluster(table: Table, type: VcovType, cluster: string | undefined): void {
  if (type === "cluster" && cluster === undefined)
    throw new UsageError("a clustered covariance needs the column of the groups", {
      hint: wording`name it with ${option("cluster")}`,
    });
  if (cluster === undefined) return;
  if (type !== "cluster")
    throw new UsageError(wording`${option("cluster", cluster)} has no part in ${option("vcov", type)}`, {
      hint: wording`use ${option("vcov", "cluster")}, or leave ${option("cluster")} out`,
    });
  const names = table.columns.map(({ name }) => name);
  if (!names.includes(cluster)) throw unknownColumn(cluster, names, table.source.name);
}

/** A predictor of rows of the fit, none of which lies outside what they determine, whatever rounding says. */
export function ofFit(plan: PredictorPlan): PredictorPlan {
  const effects = plan.effects && { ...plan.effects, connections: undefined };
  return { ...plan, rowSpace: undefined, effects };
}

/**
 * K of the clustered factor (n − 1)/(n − K): all that was estimated, but of absorbed effects only those of factors whose
 * levels do not each lie within one cluster, and the constant where that is all of them; as fixest and reghdfe count.
 */
function countedParameters(model: LinearModel, nesting: readonly NestedLevels[]): number {
  if (model.absorbed === undefined) return model.parameters;
  const { regression, moments, rank } = model;
  const crossed = regression.absorbed!.filter((_, f) => !nesting[f]!.nested);
  if (crossed.length === nesting.length) return model.parameters;
  if (crossed.length === 0) return rank + 1;
  return rank + absorbEffects(moments, { ...regression, absorbed: crossed }).rank;
}

/**
 * A fitted model with its covariance estimated in a second pass over its rows, by the sandwich (XᵀWX)⁻¹M(XᵀWX)⁻¹:
 *
 * - hc0: M = Σ (we)²xxᵀ (White 1980); hc1: hc0 times n/(n − p); hc2 and above: each e² divided by a power of 1 − h
 *   (see `discountPower`; R's `sandwich::vcovHC`);
 * - cluster: M = Σ_g (Σ_{i∈g} wex)(Σ_{i∈g} wex)ᵀ, times G/(G − 1) · (n − 1)/(n − p) (Liang & Zeger 1986; CR1, which
 *   is `sandwich::vcovCL`'s default for `lm`, and Stata's).
 *
 * Where effects were absorbed, x, e and h are those of the regression with all indicators: x about the effects, and h
 * with their part. p counts them all, as `lm` with factors does; but for clusters not those nested in them.
 *
 * @param layout the raw columns of the model's spec, target and weights among them
 * @throws ModelError for hc2 and above where a row has leverage 1, and for fewer than two groups; DataError for a row
 * of the fit without a group
 */
export async function robustVcovOf(
  table: Table,
  layout: RowLayout,
  model: LinearModel,
  request: VcovRequest,
  control: ScanControl,
): Promise<LinearModel> {
  const { type, cluster, testSize, seed, firstRow, foldBy } = request;
  const plan: VcovPlan = {
    // The rows of the fit are in its row space by definition, whatever rounding says.
    predictor: ofFit(model.predictorPlan(true)),
    whitening: await withPauses(model.whiteningSteps(), control),
    within: await withPauses(
      model.withinPlanSteps(needsLeverages(type) ? `the ${type} covariance` : undefined),
      control,
    ),
    type,
    size: { n: model.n, parameters: model.parameters },
    testSize,
    seed,
    firstRow,
    foldBy,
  };
  const scan = async (own: VcovPlan) => {
    const scanned = await scanTotal<TrainingPlan, VcovResult, VcovTotal>(
      table,
      withClusters(layout, table, cluster === undefined ? [] : [cluster]),
      {
        plan: { vcov: own },
        create: (view) => new VcovJob(view, own),
        entry: ENTRY,
        total: (result) => new VcovTotal(result),
      },
      control,
    );
    return scanned.total!;
  };
  let total = await scan(plan);
  // The powers of hc5 depend on the largest leverage, which is known after all rows.
  if (type === "hc5") total = await scan({ ...plan, size: { ...plan.size, largest: total.largest } });
  if (total.ungrouped >= 0) throw await withoutCluster(table, total.ungrouped, cluster);
  return model.withVcov(
    type === "cluster"
      ? clusteredVcov(cluster!, [...total.groups.values()], {
          n: model.n,
          dfResidual: model.n - countedParameters(model, total.nesting),
        })
      : robustVcov(type, total.meat, model),
  );
}
