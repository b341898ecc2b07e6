import { ModelError, UsageError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { Penalty } from "../model/document-schema.js";
import {
  type CrossValidation,
  collectErrors,
  crossValidateSteps,
  leaveOneOut,
} from "../solve/cross-validation.js";
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
  /**
   * `glmnet` (default) or, as models of version 0.1 have it, `plain`: the ridge part is λ whatever y's scale, and without
   * an intercept D are root mean squares.
   */
  parametrization?: Penalty["parametrization"] | "plain";
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
 *     1/(2W) Σ w (y − β₀ − xᵀβ)² + λ [ (1 − α)/2 ‖Dβ‖²/s + α ‖Dβ‖₁ ],
 *
 * D the columns' standard deviations √(C_jj/W), about the means also without an intercept, or 1 unless `standardize`, and
 * s that of y (without an intercept its root mean square): glmnet's objective for gaussian responses. It standardises y first, so that λ is on y's scale: θ/s and λ/s
 * do not depend on it. Coordinate descent on the Gram matrix, along decreasing λ from the
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
  const problem = yield* standardized(moments, regression, options);
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
  const ratio = options.ratio ?? (moments.n < regression.terms.length ? 1e-2 : 1e-4);
  const { covariance } = yield* standardized(moments, regression, options);
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
  /** Which end of the path the least error is at, where it is at one: it may be smaller still beyond that. */
  atEnd: "largest" | "smallest" | undefined;
  /** The cross-validated error at λ = 0, by least squares; undefined where there are too few rows for it. */
  unpenalized: Pick<CrossValidation, "mse" | "rmse"> | undefined;
}

/**
 * Ridge, lasso or elastic net along a path of λs, each cross-validated from the moments of the folds. The λs come
 * from all rows (see {@link lambdaPath}) unless they are given; where the least error is at the smallest, the path goes on
 * below it, for at most as far again.
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
  let path = yield* crossValidated(filled, total, regression, lambdas, options);
  const leastOf = () => path.reduce((least, fit, i) => (fit.mse < path[least]!.mse ? i : least), 0);
  if (options.lambdas === undefined && leastOf() === path.length - 1 && lambdas.length > 1) {
    const [first, last] = [lambdas[0]!, lambdas.at(-1)!];
    const further = lambdas.slice(1).map((lambda) => (lambda / first) * last);
    path = [...path, ...(yield* crossValidated(filled, total, regression, further, options))];
  }
  const best = leastOf();
  const limit = path[best]!.mse + path[best]!.mseError;
  const rows = filled.reduce((sum, { n }) => sum + n, 0);
  const fewest = rows - filled.reduce((most, { n }) => Math.max(most, n), 0);
  const enough = fewest > regression.terms.length + 1;
  return {
    path,
    best,
    withinOneError: path.findIndex((fit) => fit.mse <= limit),
    atEnd:
      path.length === 1
        ? undefined
        : best === 0
          ? "largest"
          : best === path.length - 1
            ? "smallest"
            : undefined,
    unpenalized: enough ? yield* crossValidateSteps(filled, regression) : undefined,
  };
}

/** The fits to all rows at each λ, with their cross-validated errors. */
function* crossValidated(
  filled: readonly CrossProducts[],
  total: CrossProducts,
  regression: Regression,
  lambdas: readonly number[],
  options: PenaltyOptions,
): Steps<CrossValidatedPath["path"]> {
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
  return fits.map((fit, i) => {
    const predictions = foldPaths.map((predicted) => predicted[i]!);
    const { mse, rmse, mseError } = collectErrors(filled, regression.target, predictions);
    return { ...fit, mse, rmse, mseError };
  });
}

/** A remark on a path whose least error is at one of its ends. */
export function pathNotes({ path, best, atEnd }: CrossValidatedPath): string[] {
  if (atEnd === undefined) return [];
  const lambda = Number(path[best]!.lambda.toPrecision(4));
  return [
    atEnd === "largest"
      ? `the least error is at the largest λ of the path, ${lambda}: the terms explain nothing out of fold`
      : `the least error is at the smallest λ of the path, ${lambda}: it may be less still below, as with no penalty`,
  ];
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
  /** s, by which the ridge part is divided. */
  targetDeviation: number;
  tss: number;
}

function* standardized(
  given: CrossProducts,
  regression: Regression,
  { standardize = true, parametrization = "glmnet" }: PenaltyOptions,
): Steps<Problem> {
  const moments = given.over([...regression.terms, regression.target]);
  if (moments.n === 0) throw new ModelError("there are no rows to fit");
  const at = columnsOf(moments, regression);
  const { intercept } = regression;
  const W = moments.sumW;
  const size = at.length - 1;
  const mean = Float64Array.from(at, (i) => moments.mean[i] ?? 0);
  const product = (i: number, j: number) => moments.product(at[i]!, at[j]!, intercept);
  const plain = parametrization === "plain";
  const square = (i: number) => moments.product(at[i]!, at[i]!, intercept || !plain);
  const constant = Array.from({ length: size }, (_, i) => isConstant(square(i), W, mean[i]!));
  const scale = Float64Array.from({ length: size }, (_, i) =>
    standardize && !constant[i] ? Math.sqrt(square(i) / W) : 1,
  );
  const targetDeviation = plain ? 1 : Math.sqrt(product(size, size) / W) || 1;
  const gram = new Float64Array(packedLength(size));
  const covariance = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    if (constant[i]) continue;
    covariance[i] = product(i, size) / W / scale[i]!;
    for (let j = 0; j <= i; j++)
      if (!constant[j]) gram[packedIndex(i, j)] = product(i, j) / W / scale[i]! / scale[j]!;
    if ((i & 127) === 127) yield;
  }
  const targetMean = mean[size]!;
  return { size, gram, covariance, scale, mean, targetMean, targetDeviation, tss: product(size, size) };
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
  const ridge = (lambda * (1 - alpha)) / problem.targetDeviation;
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
