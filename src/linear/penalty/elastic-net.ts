import { UsageError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { predictionSquares } from "../solve/prediction-squares.js";
import type { Regression } from "../solve/regression.js";
import { shift } from "./active-set.js";
import { minimize, penalizedBy, unpenalizedOver } from "./minimize.js";
import { mostRelaxed } from "./objective.js";
import { ownScale, type PenaltyOptions, type Problem, standardized } from "./problem.js";

export type { PenaltyOptions };

/** A point on a path: the penalized fit at one λ. */
export interface PenalizedFit {
  lambda: number;
  /** Of a relaxed fit: the share γ of the penalised one in it, the rest being least squares on its terms. */
  gamma?: number;
  /** θ on the columns' own scale, the intercept (never penalized) first where there is one. */
  coefficients: Float64Array;
  /** Slopes that are not zero. */
  nonZero: number;
  /** Σ w (y − ŷ)² on the rows of the fit. */
  rss: number;
  /** 1 − RSS/TSS. */
  r2: number;
}

/** A penalty, and whether its fits are relaxed. */
export interface NetOptions extends PenaltyOptions {
  /** The shares γ of the penalised fit in relaxed ones, 0 to 1. Default: fits are not relaxed. */
  gammas?: readonly number[] | undefined;
}

/**
 * The elastic net at each λ: θ minimises
 *
 *     1/(2W) Σ w (y − β₀ − xᵀβ)² + λ Σ_j c_j [ (1 − α)/2 (d_j β_j)²/s + α |d_j β_j| ],   lower ≤ β ≤ upper,
 *
 * d the columns' standard deviations √(C_jj/W), about the means also without an intercept, or 1 unless `standardize`; s
 * that of y (without an intercept its root mean square); c the penalty factors, brought to a mean of 1: glmnet's objective
 * for gaussian responses. It standardises y first, so that λ is on y's scale: θ/s and λ/s do not depend on it. Coordinate
 * descent on the Gram matrix, along decreasing λ from the solution before, finds the active set, on which the optimality
 * conditions are then solved by Cholesky. Friedman, Hastie & Tibshirani 2010. Constant columns get 0, and so do those that
 * the moments do not have.
 *
 * With `gammas` there is a relaxed fit for each of them at each λ, γ decreasing: γ of the penalised θ, and 1 − γ of that
 * which minimises the squares alone, within the bounds, over the columns whose slopes are not 0 (Hastie, Tibshirani &
 * Tibshirani 2020). Where these are more than n − 3 it is the penalised one, as glmnet relaxes none of so many.
 *
 * @throws UsageError for a λ that is negative or an α or γ outside 0 to 1; ModelError where there is no row
 */
export function* elasticNetSteps(
  moments: CrossProducts,
  regression: Regression,
  lambdas: readonly number[],
  options: NetOptions = {},
): Steps<PenalizedFit[]> {
  const alpha = checkAlpha(options);
  const gammas = checkGammas(options);
  for (const lambda of lambdas)
    if (!(lambda >= 0 && lambda < Infinity)) throw new UsageError(`lambda must be 0 or more, got ${lambda}`);
  const problem = yield* standardized(moments, regression, options);
  const fits = new Map<number, PenalizedFit[]>();
  const b = new Float64Array(problem.size);
  const relaxed = new Map<string, Float64Array>();
  const fitOf = (at: Float64Array, lambda: number, gamma?: number): PenalizedFit => {
    const coefficients = ownScale(problem, regression, at);
    const rss = predictionSquares(moments, regression, coefficients);
    const share = gamma === undefined ? {} : { gamma };
    return { lambda, ...share, coefficients, nonZero: count(at), rss, r2: 1 - rss / problem.tss };
  };
  for (const lambda of [...lambdas].sort((x, y) => y - x)) {
    yield* minimize(penalizedBy(problem, lambda, alpha), b);
    if (gammas === undefined) {
      fits.set(lambda, [fitOf(b, lambda)]);
      continue;
    }
    const full = yield* relaxedOf(problem, b, relaxed);
    const blend = (gamma: number) =>
      b.map((v, j) => (v === full[j] ? v : gamma * v + (1 - gamma) * full[j]!));
    fits.set(
      lambda,
      gammas.map((gamma) => fitOf(gamma === 1 ? b : blend(gamma), lambda, gamma)),
    );
  }
  return lambdas.flatMap((lambda) => fits.get(lambda)!);
}

/** Least squares within the bounds over the columns where b is not 0; `known` has those of columns seen before. */
function* relaxedOf(
  problem: Problem,
  b: Float64Array,
  known: Map<string, Float64Array>,
): Steps<Float64Array> {
  const nonZero = count(b);
  if (nonZero === 0 || nonZero > mostRelaxed(problem.n)) return b;
  const key = b.reduce((text, v, j) => (v === 0 ? text : `${text} ${j}`), "");
  let full = known.get(key);
  if (full === undefined) {
    full = new Float64Array(problem.size);
    yield* minimize(
      unpenalizedOver(problem, (j) => b[j] !== 0),
      full,
    );
    known.set(key, full);
  }
  return full;
}

function count(b: Float64Array): number {
  return b.reduce((sum, v) => sum + (v === 0 ? 0 : 1), 0);
}

/** `elasticNetSteps` in one go. */
export function elasticNet(
  moments: CrossProducts,
  regression: Regression,
  lambdas: readonly number[],
  options: NetOptions = {},
): PenalizedFit[] {
  return inOneGo(elasticNetSteps(moments, regression, lambdas, options));
}

/**
 * The λs of a path, decreasing: from the least λ at which every penalised slope is 0 (for α below 0.001 that of α = 0.001,
 * as glmnet takes it) down to `ratio` of it, evenly spaced in log λ. Where there are bounds, it is that without them.
 */
export function* lambdaPathSteps(
  moments: CrossProducts,
  regression: Regression,
  options: PenaltyOptions & { count?: number | undefined; ratio?: number | undefined } = {},
): Steps<number[]> {
  const alpha = checkAlpha(options);
  const count = options.count ?? 100;
  const ratio = options.ratio ?? (moments.n < regression.terms.length ? 1e-2 : 1e-4);
  const problem = yield* standardized(moments, regression, options);
  const { size, gram, covariance, factors } = problem;
  const gradient = covariance.slice();
  if (factors.includes(0)) {
    // What is not penalised is in the model from the start.
    const b = new Float64Array(size);
    yield* minimize(
      unpenalizedOver(problem, (j) => factors[j] === 0),
      b,
    );
    for (let j = 0; j < size; j++) if (b[j] !== 0) shift(gram, size, gradient, j, b[j]!);
  }
  const strongest = gradient.reduce(
    (max, v, j) => (factors[j] === 0 ? max : Math.max(max, Math.abs(v) / factors[j]!)),
    0,
  );
  const largest = strongest / Math.max(alpha, 1e-3);
  return Array.from({ length: count }, (_, i) =>
    count === 1 ? largest : largest * ratio ** (i / (count - 1)),
  );
}

/** `lambdaPathSteps` in one go. */
export function lambdaPath(...args: Parameters<typeof lambdaPathSteps>): number[] {
  return inOneGo(lambdaPathSteps(...args));
}

function checkAlpha({ alpha = 0 }: PenaltyOptions): number {
  if (!(alpha >= 0 && alpha <= 1))
    throw new UsageError(`alpha must be from 0 (ridge) to 1 (lasso), got ${alpha}`);
  return alpha;
}

function checkGammas({ gammas }: NetOptions): number[] | undefined {
  for (const gamma of gammas ?? [])
    if (!(gamma >= 0 && gamma <= 1))
      throw new UsageError(`gamma must be from 0 (least squares on the terms left) to 1, got ${gamma}`);
  return gammas && [...new Set(gammas)].sort((x, y) => y - x);
}
