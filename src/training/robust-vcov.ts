import { withLine } from "../csv/locate.js";
import type { Table } from "../csv/table.js";
import { fittedTarget } from "../dataset/formula/spec.js";
import { DataError, ModelError } from "../errors.js";
import { bootstrapVcov } from "../linear/covariance/bootstrap.js";
import type { AdjustedType } from "../linear/covariance/cluster-adjustment.js";
import { clusteredVcov, needsGrams, splitSum } from "../linear/covariance/clustered.js";
import { type HacSpec, hacVcov } from "../linear/covariance/hac.js";
import type { KeptTotal } from "../linear/covariance/kept-rows.js";
import { needsLeverages } from "../linear/covariance/leverage-discount.js";
import { type HeteroType, robustVcov } from "../linear/covariance/meat.js";
import type { Ssc } from "../linear/covariance/small-sample.js";
import { isClustered } from "../linear/covariance/vcov.js";
import type { PredictorPlan } from "../linear/model/block-predictor.js";
import type { LinearModel } from "../linear/model/model.js";
import { coefficientContrasts } from "../linear/model/summary.js";
import { absorbEffects } from "../linear/solve/solve-absorbed.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { DrawPlan } from "../scan/row-draw.js";
import { type RowLayout, withClusters } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { scanTotal } from "../scan/scan-total.js";
import { packedLength } from "../stats/packed.js";
import { option, wording } from "../wording.js";
import { type KeepMeat, keepPlan, keptOf } from "./keep-meat.js";
import type { NestedLevels } from "./level-nesting.js";
import { ENTRY, emptyPart } from "./scan-moments.js";
import type { TrainingPlan } from "./training-job.js";
import { BETWEEN, VcovJob, type VcovPlan, type VcovResult, VcovTotal } from "./vcov-job.js";
import type { VcovSpec } from "./vcov-request.js";

/** Numbers that are kept while scores are put in order of time: 1 GB. */
export const MOST_SCORES = 1 << 27;

/** Which covariance to estimate, and on which rows. */
export interface VcovRequest extends DrawPlan, VcovSpec {
  /** What the model keeps of the rows. Default: distinct rows, where they are few. */
  keepMeat?: KeepMeat | undefined;
}

/** What to throw for a row of the fit whose cluster, or time, or series, is missing. */
export function withoutCluster(
  table: Table,
  row: number,
  clusters: readonly string[],
  time?: HacSpec | undefined,
): Promise<unknown> {
  const what = time === undefined ? "group" : time.unit === undefined ? "time" : "time, or no series";
  return withLine(
    table,
    new DataError(`this row of the fit has no ${what}`, {
      place: { row, column: clusters.length === 1 ? clusters[0] : undefined },
      hint: "fill the cell in, or leave the row out",
    }),
  );
}

/** A predictor of rows of the fit, none of which lies outside what they determine, whatever rounding says. */
export function ofFit(plan: PredictorPlan): PredictorPlan {
  const effects = plan.effects && { ...plan.effects, connections: undefined };
  // Moments know the target less its offset.
  const { label } = plan.spec.target;
  const target = { label, expression: fittedTarget(plan.spec.target) };
  return { ...plan, spec: { ...plan.spec, target }, rowSpace: undefined, effects };
}

/**
 * K of the factor (n − 1)/(n − K): all that was estimated, but of absorbed effects only those of factors whose
 * levels do not each lie within one cluster, of one of the columns, and the constant where that is all of them; as fixest
 * and reghdfe count.
 * With `fixef.K` none of them, or all.
 */
export function countedParameters(
  model: LinearModel,
  ssc: Ssc | undefined,
  nesting: readonly (readonly NestedLevels[])[],
): number {
  const { regression, moments, rank } = model;
  const { "fixef.K": which = "nested" } = ssc ?? {};
  if (which === "none") return rank;
  if (model.absorbed === undefined || which === "full" || nesting.length === 0) return model.parameters;
  const crossed = regression.absorbed!.filter((_, f) => !nesting.some((own) => own[f]!.nested));
  if (crossed.length === regression.absorbed!.length) return model.parameters;
  if (crossed.length === 0) return rank + 1;
  return rank + absorbEffects(moments, { ...regression, absorbed: crossed }).rank;
}

/** What the rows of a second pass add up to, in the whitened coordinates of the model. */
export type RobustSums = Pick<VcovTotal, "n" | "total" | "meat" | "groups" | "nesting"> & {
  readonly kept?: KeptTotal | undefined;
};

/**
 * A fitted model with its covariance estimated in a second pass over its rows, by the sandwich (XᵀWX)⁻¹M(XᵀWX)⁻¹:
 *
 * - hc0: M = Σ (we)²xxᵀ (White 1980); hc1: hc0 times n/(n − p); hc2 and above: each e² divided by a power of 1 − h
 *   (see `discountPower`; R's `sandwich::vcovHC`);
 * - clusters: of the sums of scores in each; see `clusteredVcov`;
 * - bootstrap: of draws of clusters or rows; see `bootstrapVcov`;
 * - hac, dk: of the scores in the order of time; see `hacVcov`.
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
  const { keepMeat, seed } = request;
  const kept = keepPlan(model, keepMeat, request, seed);
  const sums = await robustSums(table, layout, model, request, control, kept);
  return vcovOfSums(model, request, sums).withKeptMeat(keptOf(sums.kept, keepMeat, model.n));
}

/** What is summed for a covariance: squares of rows, or by group their scores, or these and G. */
function summedFor({ type, clusters, ssc, df, time, bootstrap }: VcovSpec) {
  const clustered = isClustered(type) || (type === "jackknife" && clusters.length > 0);
  const spec = clustered ? { type: type as AdjustedType, columns: clusters, ssc, df } : undefined;
  const grams = bootstrap !== undefined || (spec !== undefined && needsGrams(spec));
  const sums = grams ? "grams" : spec !== undefined || time !== undefined ? "scores" : "rows";
  return { spec, grams, sums } as const;
}

/** The numbers that are summed up for a group of rows. */
export function recordOf(spec: VcovSpec, rank: number): number {
  const { sums } = summedFor(spec);
  return sums === "rows" ? 0 : rank + (sums === "grams" ? packedLength(rank) : 0);
}

/** The pass of `robustVcovOf`. The rows may be some of those of the fit: sums of all shards of them add up. */
export async function robustSums(
  table: Table,
  layout: RowLayout,
  model: LinearModel,
  request: VcovRequest,
  control: ScanControl,
  kept?: VcovPlan["kept"],
): Promise<RobustSums> {
  const { type, clusters, time, bootstrap, testSize, seed, firstRow, foldBy } = request;
  const { spec, grams, sums } = summedFor(request);
  const byRow = (time ?? bootstrap) !== undefined && clusters.length === 0;
  const plan: VcovPlan = {
    // The rows of the fit are in its row space by definition, whatever rounding says.
    predictor: ofFit(model.predictorPlan(true)),
    whitening: await withPauses(model.whiteningSteps(), control),
    within: await withPauses(
      model.withinPlanSteps(
        needsLeverages(type) && spec === undefined ? `the ${type} covariance` : undefined,
      ),
      control,
    ),
    type,
    clusters: clusters.length,
    byRow,
    sums,
    size: { n: model.n, parameters: model.parameters },
    kept,
    frequencies: model.weightsKind === "frequency",
    testSize,
    seed,
    firstRow,
    foldBy,
  };
  const { rank } = plan.whitening;
  if ((byRow || time !== undefined) && model.n * recordOf(request, rank) > MOST_SCORES)
    throw new ModelError(`the scores of ${model.n} rows and ${rank} coefficients are too many to keep`, {
      hint: wording`name clusters, which are fewer (${option("cluster")})`,
    });
  if (byRow && grams && model.absorbed !== undefined)
    throw new ModelError(
      "rows cannot be drawn where effects are absorbed, for a level's rows share an effect",
      {
        hint: wording`name clusters in which they are nested with ${option("cluster")}`,
      },
    );
  const scan = async (own: VcovPlan) => {
    const scanned = await scanTotal<TrainingPlan, VcovResult, VcovTotal>(
      table,
      withClusters(layout, table, clusters),
      {
        plan: { vcov: own },
        create: (view) => new VcovJob(view, own),
        entry: ENTRY,
        total: (result) => new VcovTotal(result, own.kept),
      },
      control,
    );
    // Of a fit there are rows; no row starts in this part of them.
    if (scanned.total === undefined) throw emptyPart(table);
    return scanned.total;
  };
  let total = await scan(plan);
  // The powers of hc5 depend on the largest leverage, which is known after all rows.
  if (type === "hc5") {
    const { kept: told } = total;
    const size = { ...plan.size, largest: total.largest };
    total = Object.assign(await scan({ ...plan, size, kept: undefined }), { kept: told });
  }
  if (total.ungrouped >= 0) throw await withoutCluster(table, total.ungrouped, clusters, time);
  return total;
}

/** A model with the covariance of what its rows add up to. */
export function vcovOfSums(model: LinearModel, request: VcovSpec, total: RobustSums): LinearModel {
  const { type, clusters, ssc, time, bootstrap } = request;
  const { spec, grams } = summedFor(request);
  const { whitening } = model;
  const fit = {
    n: model.n,
    // Series are no clusters: there K counts all effects, as for lm with factors.
    parameters: countedParameters(model, ssc, type === "hac" ? [] : total.nesting),
    whitening,
  };
  const all = [...total.groups].map(([name, values]) =>
    splitSum(clusters.length > 1 ? name.split(BETWEEN) : [name], values, whitening.rank),
  );
  if (time !== undefined) return model.withVcov(hacVcov(time, all, fit));
  if (bootstrap !== undefined) {
    checkNested(total.nesting);
    const drawn = { ...bootstrap, cluster: clusters[0] };
    return model.withVcov(bootstrapVcov(drawn, all, fit, coefficientContrasts(model)));
  }
  if (spec === undefined) return model.withVcov(robustVcov(type as HeteroType, total.meat, fit, ssc));
  if (grams) checkNested(total.nesting);
  return model.withVcov(clusteredVcov(spec, all, fit));
}

/** Throws ModelError where effects were absorbed that are not nested in the clusters: G of all would have their columns. */
function checkNested(nesting: readonly (readonly NestedLevels[])[]): void {
  if (nesting.flat().every(({ nested }) => nested)) return;
  throw new ModelError(
    wording`effects that are not nested in the clusters can be absorbed under ${option("vcov", "cluster")} with G − 1 degrees of freedom only`,
    { hint: "take the factor in as a term" },
  );
}
