import type { Table } from "../csv/table.js";
import { ModelError, UsageError } from "../errors.js";
import { clusteredVcov, splitSum } from "../linear/covariance/clustered.js";
import { hacEstimate, hacMeat } from "../linear/covariance/hac.js";
import { smallSampleFactor } from "../linear/covariance/small-sample.js";
import type { RobustVcov } from "../linear/covariance/vcov.js";
import { type Whitening, whiteningSteps } from "../linear/covariance/whitening.js";
import type { JointPlan } from "../linear/instruments/joint-meat.js";
import { unexplained } from "../linear/instruments/reduced-form.js";
import {
  efficientGmm,
  jointPart,
  robustDf,
  robustTests,
  sandwiched,
} from "../linear/instruments/robust-instruments.js";
import { equationSteps, type InstrumentedEquation } from "../linear/instruments/solve-instrumented.js";
import { LinearModel } from "../linear/model/model.js";
import { withPauses } from "../parallel/with-pauses.js";
import { type RowLayout, withClusters } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { scanTotal } from "../scan/scan-total.js";
import { packedIndex } from "../stats/packed.js";
import { option, wording } from "../wording.js";
import { countedParameters, MOST_SCORES, ofFit, type VcovRequest, withoutCluster } from "./robust-vcov.js";
import { ENTRY } from "./scan-moments.js";
import type { TrainingPlan } from "./training-job.js";
import { BETWEEN, VcovJob, type VcovPlan, type VcovResult, VcovTotal } from "./vcov-job.js";

/**
 * A model with instruments with its covariance, and the tests of its instruments, from a second pass over its rows: of the
 * joint scores of structural residuals and first stages (see `JointMeat`). Cov(θ̂) is A⁻¹ X̂ᵀΩX̂ A⁻¹, A = Xᵀ(I − κM)X and X̂ = PX (White
 * 1982); of two-step GMM (Hansen 1982) θ̂ is estimated anew with the weights of these scores, and its covariance is (XᵀZ S⁻¹ ZᵀX)⁻¹.
 *
 * @param layout the raw columns of the spec with the instruments
 * @throws UsageError for clusters by several columns; ModelError for fewer than two groups; DataError for a row without one
 */
export async function instrumentedVcovOf(
  table: Table,
  layout: RowLayout,
  model: LinearModel,
  request: VcovRequest,
  control: ScanControl,
): Promise<LinearModel> {
  const { type, clusters, ssc, time, testSize, seed, firstRow, foldBy } = request;
  if (time === undefined && clusters.length > 1)
    throw new UsageError(wording`instruments go with one column of clusters, not with ${clusters.length}`, {
      hint: wording`name one with ${option("cluster")}`,
    });
  const equation = await withPauses(equationSteps(model.moments, model.regression), control);
  const whitening = await withPauses(instrumentWhitening(equation, model.intercept), control);
  const wide = wideModel(model);
  const joint = jointPlan(equation, model, wide);
  const plan: VcovPlan = {
    predictor: ofFit(wide.predictorPlan(true)),
    whitening,
    within: await withPauses(wide.withinPlanSteps(undefined), control),
    type,
    clusters: clusters.length,
    byRow: time !== undefined && clusters.length === 0,
    sums: clusters.length > 0 || time !== undefined ? "scores" : "rows",
    size: { n: model.n, parameters: model.parameters },
    joint,
    frequencies: model.weightsKind === "frequency",
    testSize,
    seed,
    firstRow,
    foldBy,
  };
  const scores = (equation.instruments.endogenous.length + 2) * whitening.rank;
  if (time !== undefined && model.n * scores > MOST_SCORES)
    throw new ModelError(`the scores of ${model.n} rows, ${scores} of each, are too many to keep`, {
      hint: wording`name clusters, which are fewer (${option("cluster")})`,
    });
  const { total } = await scanTotal<TrainingPlan, VcovResult, VcovTotal>(
    table,
    withClusters(layout, table, clusters),
    {
      plan: { vcov: plan },
      create: (view) => new VcovJob(view, plan),
      entry: ENTRY,
      total: (result) => new VcovTotal(result, undefined),
    },
    control,
  );
  if (total!.ungrouped >= 0) throw await withoutCluster(table, total!.ungrouped, clusters, time);
  const groups = [...total!.groups].map(([name, values]) =>
    splitSum(clusters.length > 1 ? name.split(BETWEEN) : [name], values, values.length),
  );
  const { rows, target, slopes } = coordinatesOf(equation, model, whitening);
  const clustered: RobustVcov | undefined =
    clusters.length === 0 || time !== undefined
      ? undefined
      : clusteredVcov({ type: "cr0", columns: clusters }, groups, { n: model.n, parameters: 0, whitening });
  const along = new Float64Array(scores);
  along.set(slopes);
  const overTime = time && hacMeat(time, groups, { n: model.n, size: scores, along }).scaled(() => 1);
  const meat = overTime?.meat ?? clustered?.meat ?? total!.meat;
  // Series are no clusters: see `vcovOfSums`.
  const parameters = countedParameters(model, ssc, type === "hac" ? [] : total!.nesting);
  const size = {
    n: model.n,
    clusters: clustered?.clusters ?? (type === "dk" ? overTime!.times : model.n),
  };
  const adjusted = type === "hc1" || type === "cluster" || time !== undefined;
  const factor = adjusted ? smallSampleFactor(ssc, { ...size, parameters }) : 1;
  const { form } = equation;
  const q = whitening.rank;
  const first = whitening.constant === 0 ? 0 : 1;
  const S = jointPart(meat, q, 0, 0);
  const gmm = efficientGmm(rows, target, S);
  const tests = robustTests(form, meat, {
    q,
    first: first + equation.coordinates.exogenous.length,
    factor: smallSampleFactor(undefined, {
      ...size,
      parameters: parameters - form.endogenous + form.instruments,
    }),
    df2: robustDf(form, type === "dk" ? overTime!.times : clustered?.clusters),
    gmm,
  });
  const two = model.instruments!.estimator === "gmm";
  if (two && gmm === undefined)
    throw new UsageError("two-step GMM is not defined: the scores of the instruments are singular", {
      hint: wording`use ${option("iv", "2sls")}, or clusters of which there are more than instruments`,
    });
  const own = two ? gmm!.meat.map((value) => value * factor) : sandwiched(rows, S, factor);
  const vcov: RobustVcov =
    time !== undefined
      ? hacEstimate(time, { ...overTime!, meat: own }, model.whitening)
      : {
          type,
          ...(clustered === undefined ? {} : { cluster: clusters[0]!, clusters: clustered.clusters! }),
          ...(ssc === undefined ? {} : { ssc }),
          meat: Array.from(own),
        };
  const instruments = { ...model.instruments!, robust: tests };
  const estimated = two ? withGamma(model, equation, gmm!.gamma, { rows, target }) : {};
  return LinearModel.fitted({ ...partsOf(model), ...estimated, instruments }).withVcov(vcov);
}

function partsOf(model: LinearModel) {
  const { codedTerms: _, ...parts } = model;
  return { ...parts, variances: undefined };
}

/** The coordinates in which the exogenous columns and the instruments are orthonormal. */
function instrumentWhitening(
  { moments, regression, instruments, coordinates }: InstrumentedEquation,
  intercept: boolean,
) {
  const terms = [
    ...coordinates.exogenous.map((j) => regression.terms[j]!),
    ...coordinates.excluded.map((i) => instruments.excluded[i]!),
  ];
  const none = new Float64Array(terms.length + (intercept ? 1 : 0));
  return whiteningSteps(moments, { target: regression.target, terms, intercept }, none);
}

/** The same fit with the instruments as terms of coefficient 0: what reads them along with the others. */
function wideModel(model: LinearModel): LinearModel {
  const { spec } = model.instruments!;
  const { instruments: _, ...plain } = spec;
  const more = model.regression.instruments!.excluded.length;
  const coefficients = Float64Array.from([...model.coefficients, ...new Float64Array(more)]);
  return LinearModel.fitted({
    ...partsOf(model),
    spec: plain,
    instruments: undefined,
    vcov: undefined,
    coefficients,
    covariance: new Float64Array((coefficients.length * (coefficients.length + 1)) / 2),
  });
}

function jointPlan(equation: InstrumentedEquation, model: LinearModel, wide: LinearModel): JointPlan {
  const { coordinates, instruments, regression, moments } = equation;
  const places = wide.regression.terms;
  const placeOf = (key: string) => places.indexOf(key);
  const { exogenous, excluded, columns } = coordinates;
  const w = exogenous.length;
  const slopes = slopesOf(model, instruments.endogenous);
  const m = slopes.length;
  const errors = Float64Array.from(columns[m]!.hi, (value, t) =>
    t < w ? 0 : value - slopes.reduce((sum, slope, c) => sum + slope * columns[c]!.hi[t]!, 0),
  );
  return {
    places: [
      ...exogenous.map((j) => placeOf(regression.terms[j]!)),
      ...excluded.map((i) => placeOf(instruments.excluded[i]!)),
    ],
    endogenous: instruments.endogenous.map((j, c) => {
      const key = regression.terms[j]!;
      const mean = model.intercept ? moments.mean[moments.index(key)]! : 0;
      return { place: placeOf(key), mean, coordinates: columns[c]!.hi.slice() };
    }),
    errors,
    slopes,
  };
}

function slopesOf(model: LinearModel, endogenous: readonly number[]): Float64Array {
  return Float64Array.from(endogenous, (j) => model.coefficients[j + (model.intercept ? 1 : 0)]!);
}

/**
 * R⁻ᵀ of the coordinates of X, k × q by rows, R that of the model's whitening; the coordinates of y about its mean; and those of
 * the sum of all columns of X̂ but the constant, as they are.
 */
function coordinatesOf(
  { moments, regression, coordinates, instruments }: InstrumentedEquation,
  model: LinearModel,
  { rank: q, constant, kept, lower }: Whitening,
): { rows: Float64Array[]; target: Float64Array; slopes: Float64Array } {
  const first = constant === 0 ? 0 : 1;
  const names = [
    ...coordinates.exogenous.map((j) => regression.terms[j]!),
    ...coordinates.excluded.map((i) => instruments.excluded[i]!),
  ];
  const at = kept.map((i) => moments.index(names[i]!));
  const centred = regression.intercept;
  const of = (key: string) => {
    const column = moments.index(key);
    const products = at.map((i) => moments.extendedProduct(i, column, centred).toNumber());
    const c = new Float64Array(q);
    for (let t = 0; t < kept.length; t++)
      for (let s = 0; s <= t; s++) c[t + first]! += lower[packedIndex(t, s)]! * products[s]!;
    return c;
  };
  const own = model.whitening;
  const columns = own.kept.map((j) => of(model.regression.terms[j]!));
  const rows: Float64Array[] = [];
  if (first === 1) {
    const row = new Float64Array(q);
    row[0] = 1;
    rows.push(row);
  }
  for (let i = 0; i < columns.length; i++) {
    const row = new Float64Array(q);
    for (let j = 0; j <= i; j++)
      for (let t = first; t < q; t++) row[t]! += own.lower[packedIndex(i, j)]! * columns[j]![t]!;
    rows.push(row);
  }
  const slopes = new Float64Array(q);
  columns.forEach((column, i) => {
    for (let t = first; t < q; t++) slopes[t]! += column[t]!;
    if (first === 1) slopes[0]! += own.mean[i]! / constant;
  });
  return { rows, target: of(regression.target), slopes };
}

/** θ and RSS of coefficients γ in whitened coordinates, about the means. */
function withGamma(
  model: LinearModel,
  { moments, regression, instruments, form }: InstrumentedEquation,
  gamma: Float64Array,
  { rows, target }: { rows: readonly Float64Array[]; target: Float64Array },
) {
  const { kept, lower, constant, mean } = model.whitening;
  const first = constant === 0 ? 0 : 1;
  const coefficients = model.coefficients.slice();
  const shift = model.intercept ? 1 : 0;
  const slopes = kept.map((_, j) => {
    let sum = 0;
    for (let i = j; i < kept.length; i++) sum += lower[packedIndex(i, j)]! * gamma[i + first]!;
    return sum;
  });
  kept.forEach((j, i) => {
    coefficients[j + shift] = slopes[i]!;
  });
  if (model.intercept) {
    const y = moments.mean[moments.index(regression.target)]!;
    coefficients[0] = slopes.reduce((rest, slope, i) => rest - slope * mean[i]!, y) + constant * gamma[0]!;
  }
  // What the instruments see of the residuals, and what they do not.
  let rss = 0;
  for (let t = 0; t < target.length; t++)
    rss += rows.reduce((rest, row, i) => rest - gamma[i]! * row[t]!, target[t]!) ** 2;
  const weights = [...instruments.endogenous.map((j) => -coefficients[j + shift]!), 1];
  weights.forEach((a, i) => {
    weights.forEach((b, j) => {
      rss += a * b * unexplained(form, i, j);
    });
  });
  return { coefficients, rss };
}
