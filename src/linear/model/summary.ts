import { fSurvival, tCritical, tTwoSided } from "../../stats/distributions.js";
import { type FitMetrics, fitMetrics } from "../../stats/metrics.js";
import { coefficientTests } from "../covariance/bootstrap.js";
import { degreesOf } from "../covariance/degrees.js";
import { type WaldTest, waldTest } from "../covariance/wald.js";
import { whitenedContrast } from "../covariance/whitening.js";
import type { FittedModel } from "./model-parts.js";

/** A row of the table of coefficients; all but the term are NaN where the term is aliased. */
export interface CoefficientRow {
  term: string;
  estimate: number;
  stdError: number;
  /** estimate / stdError. */
  t: number;
  /** P(|T| ≥ |t|) with `dfInference` degrees of freedom. */
  p: number;
  /** Of a wild bootstrap, where no draw exceeds t and p is 0: what it is below. */
  pBelow?: number;
  /** estimate ∓ t-quantile · stdError. */
  lower: number;
  upper: number;
  /** The degrees of freedom, where each coefficient has its own. */
  df?: number;
}

/** The statistics of a fit, and `fP`, the upper tail of F. */
export type FitSummary = FitMetrics & { fP: number };

const NOT_OF_PENALIZED = {
  sigma: Number.NaN,
  adjR2: Number.NaN,
  f: Number.NaN,
  logLik: Number.NaN,
  aic: Number.NaN,
  aicExtract: Number.NaN,
  bic: Number.NaN,
};

/** Rows drawn with unequal probabilities have no likelihood, and sums of squares make no F. */
const NOT_OF_SAMPLES = {
  f: Number.NaN,
  logLik: Number.NaN,
  aic: Number.NaN,
  aicExtract: Number.NaN,
  bic: Number.NaN,
};

/** What is of least squares alone: with instruments the fit is no projection of y, and no maximum of the likelihood. */
const NOT_OF_INSTRUMENTS = {
  f: Number.NaN,
  logLik: Number.NaN,
  aic: Number.NaN,
  aicExtract: Number.NaN,
  bic: Number.NaN,
};

/** What R's `summary.lm` tells of a model, and the intervals. */
export interface Summary {
  coefficients: CoefficientRow[];
  fit: FitSummary;
  /**
   * The test of all slopes under a robust covariance, where the model has one, and of a model with instruments; `fit.f` is the
   * F of least squares.
   */
  wald: WaldTest | undefined;
  /** The level of the intervals. */
  level: number;
}

/** R's bound of `summary.lm`: a residual variance below this share of the fitted values' mean square is rounding. */
const PERFECT = 1e-30;

/** A remark on a fit that leaves nothing but rounding, as R's `summary.lm` warns of it. */
export function perfectFitNotes(
  model: Pick<
    FittedModel,
    "penalty" | "dfResidual" | "rss" | "tss" | "n" | "moments" | "regression" | "intercept"
  >,
): string[] {
  const { penalty, dfResidual, rss, tss, n, moments, regression, intercept } = model;
  if (penalty !== undefined || !(dfResidual > 0)) return [];
  const y = moments.index(regression.target);
  const square = (tss - rss) / n + (intercept && y >= 0 ? moments.mean[y]! ** 2 : 0);
  if (rss / dfResidual > PERFECT * square) return [];
  return [
    "essentially perfect fit: standard errors, tests and criteria are made of rounding, and say nothing",
  ];
}

/**
 * The summary of a model: t = θ̂/se(θ̂), p and intervals by Student's t with n − rank degrees of freedom,
 * G − 1 for a covariance clustered in G groups. A penalised
 * fit is biased and is not the likelihood's maximum: standard errors, σ, F and the criteria are NaN for it.
 */
export function summarize(model: FittedModel, level: number): Summary {
  const sums = {
    n: model.n,
    p: model.n - model.dfResidual,
    // Effects of all levels of a factor span the constant.
    intercept: model.intercept || model.absorbed !== undefined,
    rss: model.rss * model.weightUnit,
    tss: model.tss * model.weightUnit,
    sumLogW: model.moments.sumLogW + (model.weightUnit === 1 ? 0 : model.n * Math.log(model.weightUnit)),
  };
  const metrics = {
    ...fitMetrics(sums),
    ...(model.penalty === undefined ? {} : NOT_OF_PENALIZED),
    ...(model.weightsKind === "probability" ? NOT_OF_SAMPLES : {}),
    ...(model.instruments === undefined ? {} : NOT_OF_INSTRUMENTS),
  };
  return {
    coefficients: coefficientRows(model, level),
    fit: {
      ...metrics,
      fP: model.dfResidual > 0 ? fSurvival(metrics.f, metrics.fDf, model.dfResidual) : Number.NaN,
    },
    wald: waldTest(model),
    level,
  };
}

function coefficientRows(model: FittedModel, level: number): CoefficientRow[] {
  const common = model.dfInference;
  const errors = model.standardErrors;
  const same = common > 0 ? tCritical(level, common) : Number.NaN;
  const own = common > 0 ? ownDegrees(model) : undefined;
  const drawn = common > 0 ? coefficientTests(model, () => coefficientContrasts(model), level) : undefined;
  return model.coefficientNames.map((term, i) => {
    const df = own?.[i] ?? common;
    const critical = own === undefined ? same : df > 0 ? tCritical(level, df) : Number.NaN;
    const estimate = model.coefficients[i]!;
    const stdError = df > 0 ? errors[i]! : Number.NaN;
    const t = estimate / stdError;
    return {
      term,
      estimate,
      stdError,
      t,
      p: df > 0 ? tTwoSided(t, df) : Number.NaN,
      lower: estimate - critical * stdError,
      upper: estimate + critical * stdError,
      ...drawn?.[i],
      ...(own === undefined ? {} : { df }),
    };
  });
}

/** Each coefficient as a contrast. */
export function coefficientContrasts(model: Pick<FittedModel, "coefficients" | "whitening" | "intercept">) {
  const { coefficients, whitening, intercept } = model;
  return Array.from(coefficients, (estimate, i) => ({
    estimate,
    whitened: Number.isNaN(estimate) ? undefined : whitenedContrast(whitening, new Map([[i, 1]]), intercept),
  }));
}

/** Each coefficient's degrees of freedom, where they have their own; NaN for the aliased. */
function ownDegrees(model: FittedModel): number[] | undefined {
  const { vcov, coefficients, intercept } = model;
  if (vcov.type === "iid" || vcov.type === "bootstrap" || vcov.shares === undefined) return undefined;
  const degrees = degreesOf(model);
  return Array.from(coefficients, (estimate, i) =>
    Number.isNaN(estimate)
      ? Number.NaN
      : degrees.of(whitenedContrast(model.whitening, new Map([[i, 1]]), intercept)),
  );
}
