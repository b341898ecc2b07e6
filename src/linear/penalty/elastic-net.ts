import { ModelError, UsageError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { type CrossValidation, collectErrors, leaveOneOut } from "../solve/cross-validation.js";
import { mergeFoldsSteps } from "../solve/merge-steps.js";
import { predictionSquares } from "../solve/prediction-squares.js";
import type { Regression } from "../solve/regression.js";
import { isConstant } from "../solve/solution.js";
import { columnsOf } from "../solve/solve.js";
import { descendActiveSet, polish, shift, solveActive } from "./active-set.js";

/** What an elastic net's penalty is made of. */
export interface PenaltyOptions {
  /** The mix α: 1 is the lasso, 0 ridge, the default. */
  alpha?: number | undefined;
  /** Whether columns are scaled to standard deviation 1 (by n, as glmnet does) for the penalty; true by default. */
  standardize?: boolean | undefined;
}

/** A point on a path: the penalized fit at one λ. */
export interface PenalizedFit {
  lambda: number;
  /** θ on the columns' own scale, the intercept (never penalized) first where there is one. */
  coefficients: Float64Array;
  /** Slopes that are not zero. */
  nonZero: number;
  /** Σ w (y − ŷ)² on the rows of the fit. */
  rss: number;
  /** 1 − RSS/TSS. */
  r2: number;
}

/**
 * The elastic net at each λ: θ minimises
 *
 *     1/(2W) Σ w (y − β₀ − xᵀβ)² + λ [ (1 − α)/2 ‖Dβ‖² + α ‖Dβ‖₁ ],
 *
 * D the columns' standard deviations √(C_jj/W) (root mean squares without an intercept), or 1 unless `standardize`:
 * glmnet's objective for gaussian responses. Coordinate descent on the Gram matrix, along decreasing λ from the
 * solution before, finds the active set, on which the optimality conditions are then solved by Cholesky. Friedman,
 * Hastie & Tibshirani 2010. Constant columns get 0, and so do those that the moments do not have.
 *
 * @throws UsageError for a λ that is negative or an α outside 0 to 1; ModelError where there is no row
 */
export function* elasticNetSteps(
  moments: CrossProducts,
  regression: Regression,
  lambdas: readonly number[],
  options: PenaltyOptions = {},
): Steps<PenalizedFit[]> {
  const alpha = checkAlpha(options);
  for (const lambda of lambdas)
    if (!(lambda >= 0 && lambda < Infinity)) throw new UsageError(`lambda must be 0 or more, got ${lambda}`);
  const problem = yield* standardized(moments, regression, options.standardize ?? true);
  const fits = new Map<number, PenalizedFit>();
  const b = new Float64Array(problem.size);
  for (const lambda of [...lambdas].sort((x, y) => y - x)) {
    yield* minimize(problem, lambda, alpha, b);
    const coefficients = ownScale(problem, regression, b);
    const rss = predictionSquares(moments, regression, coefficients);
    const nonZero = b.reduce((count, v) => count + (v === 0 ? 0 : 1), 0);
    fits.set(lambda, { lambda, coefficients, nonZero, rss, r2: 1 - rss / problem.tss });
  }
  return lambdas.map((lambda) => fits.get(lambda)!);
}

/** `elasticNetSteps` in one go. */
export function elasticNet(
  moments: CrossProducts,
  regression: Regression,
  lambdas: readonly number[],
  options: PenaltyOptions = {},
): PenalizedFit[] {
  return inOneGo(elasticNetSteps(moments, regression, lambdas, options));
}

/**
 * The λs of a path, decreasing: from the least λ at which every slope is 0 (for α below 0.001 that of α = 0.001, as
 * glmnet takes it) down to `ratio` of it, evenly spaced in log λ.
 */
export function* lambdaPathSteps(
  moments: CrossProducts,
  regression: Regression,
  options: PenaltyOptions & { count?: number | undefined; ratio?: number | undefined } = {},
): Steps<number[]> {
  const alpha = checkAlpha(options);
  const count = options.count ?? 100;
  const ratio = options.ratio ?? (moments.n > regression.terms.length ? 1e-4 : 1e-2);
  const { covariance } = yield* standardized(moments, regression, options.standardize ?? true);
  const largest = covariance.reduce((max, v) => Math.max(max, Math.abs(v)), 0) / Math.max(alpha, 1e-3);
  return Array.from({ length: count }, (_, i) =>
    count === 1 ? largest : largest * ratio ** (i / (count - 1)),
  );
}

/** `lambdaPathSteps` in one go. */
export function lambdaPath(...args: Parameters<typeof lambdaPathSteps>): number[] {
  return inOneGo(lambdaPathSteps(...args));
}

/** A path with its cross-validation. */
export interface CrossValidatedPath {
  path: (PenalizedFit & Pick<CrossValidation, "mse" | "rmse" | "mseError">)[];
  /** The index in `path` of the least cross-validated error. */
  best: number;
  /** The index of the largest λ whose error is within one standard error of the least. */
  withinOneError: number;
}

/**
 * Ridge, lasso or elastic net along a path of λs, each cross-validated from the moments of the folds. The λs come
 * from all rows (see {@link lambdaPath}) unless they are given.
 */
export function* crossValidatePathSteps(
  folds: readonly CrossProducts[],
  regression: Regression,
  options: PenaltyOptions & { lambdas?: readonly number[] | undefined; count?: number | undefined } = {},
): Steps<CrossValidatedPath> {
  const filled = folds.filter((fold) => fold.n > 0);
  const total = yield* mergeFoldsSteps(filled);
  const lambdas = [...(options.lambdas ?? (yield* lambdaPathSteps(total, regression, options)))];
  lambdas.sort((x, y) => y - x);
  const foldPaths = yield* leaveOneOut(filled, function* (others, fold) {
    const path = yield* elasticNetSteps(others, regression, lambdas, options);
    const predictions: { coefficients: Float64Array; squares: number }[] = [];
    for (const { coefficients } of path) {
      predictions.push({ coefficients, squares: predictionSquares(fold, regression, coefficients) });
      yield;
    }
    return predictions;
  });
  const fits = yield* elasticNetSteps(total, regression, lambdas, options);
  const path = fits.map((fit, i) => {
    const predictions = foldPaths.map((predicted) => predicted[i]!);
    const { mse, rmse, mseError } = collectErrors(filled, regression.target, predictions);
    return { ...fit, mse, rmse, mseError };
  });
  const best = path.reduce((least, fit, i) => (fit.mse < path[least]!.mse ? i : least), 0);
  const limit = path[best]!.mse + path[best]!.mseError;
  return { path, best, withinOneError: path.findIndex((fit) => fit.mse <= limit) };
}

/** `crossValidatePathSteps` in one go. */
export function crossValidatePath(...args: Parameters<typeof crossValidatePathSteps>): CrossValidatedPath {
  return inOneGo(crossValidatePathSteps(...args));
}

function checkAlpha({ alpha = 0 }: PenaltyOptions): number {
  if (!(alpha >= 0 && alpha <= 1))
    throw new UsageError(`alpha must be from 0 (ridge) to 1 (lasso), got ${alpha}`);
  return alpha;
}

/** The problem on scaled columns: ½ bᵀRb − rᵀb + λ[…] with b = Dβ. */
interface Problem {
  size: number;
  /** R = D⁻¹SD⁻¹/W, packed; 0 for a constant column. */
  gram: Float64Array;
  /** r = D⁻¹s/W. */
  covariance: Float64Array;
  scale: Float64Array;
  mean: Float64Array;
  targetMean: number;
  tss: number;
}

function* standardized(given: CrossProducts, regression: Regression, standardize: boolean): Steps<Problem> {
  const moments = given.over([...regression.terms, regression.target]);
  if (moments.n === 0) throw new ModelError("there are no rows to fit");
  const at = columnsOf(moments, regression);
  const { intercept } = regression;
  const W = moments.sumW;
  const size = at.length - 1;
  const mean = Float64Array.from(at, (i) => moments.mean[i] ?? 0);
  const product = (i: number, j: number) => moments.product(at[i]!, at[j]!, intercept);
  const constant = Array.from({ length: size }, (_, i) => isConstant(product(i, i), W, mean[i]!));
  const scale = Float64Array.from({ length: size }, (_, i) =>
    standardize && !constant[i] ? Math.sqrt(product(i, i) / W) : 1,
  );
  const gram = new Float64Array(packedLength(size));
  const covariance = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    if (constant[i]) continue;
    covariance[i] = product(i, size) / W / scale[i]!;
    for (let j = 0; j <= i; j++)
      if (!constant[j]) gram[packedIndex(i, j)] = product(i, j) / W / scale[i]! / scale[j]!;
    if ((i & 127) === 127) yield;
  }
  return { size, gram, covariance, scale, mean, targetMean: mean[size]!, tss: product(size, size) };
}

function ownScale(
  { scale, mean, targetMean }: Problem,
  { intercept }: Regression,
  b: Float64Array,
): Float64Array {
  const beta = b.map((v, i) => v / scale[i]!);
  if (!intercept) return beta;
  const constant = beta.reduce((rest, v, i) => rest - v * mean[i]!, targetMean);
  return Float64Array.of(constant, ...beta);
}

/** Sweeps before the active set is sought directly: descent creeps where columns nearly depend on each other. */
const SWEEPS = 1000;

/** Improves b to the minimum at one λ, in place. */
function* minimize(problem: Problem, lambda: number, alpha: number, b: Float64Array): Steps<void> {
  const lasso = lambda * alpha;
  const ridge = lambda * (1 - alpha);
  const { size, gram, covariance } = problem;
  const largest = covariance.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  if (lasso === 0) {
    const everything = Array.from({ length: size }, (_, i) => i);
    yield* solveActive(problem, everything, ridge, new Float64Array(size), b);
    return;
  }
  // The gradient r − Rb, kept up to date coordinate by coordinate.
  const gradient = covariance.slice();
  for (let j = 0; j < size; j++) if (b[j] !== 0) shift(gram, size, gradient, j, b[j]!);
  let tolerance = 1e-4 * largest;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let change = 0;
    for (let j = 0; j < size; j++) {
      if ((j & 255) === 255) yield;
      const own = gram[packedIndex(j, j)]!;
      if (own === 0) continue;
      const before = b[j]!;
      const pull = gradient[j]! + own * before;
      const after = (Math.sign(pull) * Math.max(0, Math.abs(pull) - lasso)) / (own + ridge);
      if (after === before) continue;
      b[j] = after;
      shift(gram, size, gradient, j, after - before);
      change = Math.max(change, Math.abs(after - before) * own);
    }
    if (change > tolerance) continue;
    if (yield* polish(problem, lasso, ridge, b)) return;
    if (tolerance < 1e-15 * largest) break;
    tolerance /= 100;
  }
  yield* descendActiveSet(problem, lasso, ridge, b);
}
