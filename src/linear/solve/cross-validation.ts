import { UsageError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { mergeFolds } from "../../stats/merge-folds.js";
import { foldNeeds } from "./fold-needs.js";
import { needsExtended } from "./ladder.js";
import { mergeFoldsSteps, mergeSteps } from "./merge-steps.js";
import { predictionSquares } from "./prediction-squares.js";
import type { Regression } from "./regression.js";
import { solveSteps } from "./solve.js";

/** How well the model of the other folds predicts a fold. */
export interface FoldError {
  /** Rows of the fold. */
  n: number;
  /**
   * Coefficients that the fold's rows need and the others cannot estimate, as indices into the terms: the fold then has
   * no error, and is left out of the whole.
   */
  needs: readonly number[];
  /** Where effects are absorbed: rows that are none of `n`, for the other folds do not tell their levels' effects. */
  unpredicted?: number;
  mse: number;
  rmse: number;
  /** 1 − Σ w (y − ŷ)² / Σ w (y − ȳ)², ȳ the fold's own mean; NaN for a fold of one row. */
  r2: number;
  /** θ of the other folds. */
  coefficients: Float64Array;
}

/** k-fold cross-validation. */
export interface CrossValidation {
  folds: FoldError[];
  /** Folds without an error, left out of what follows: see `needs`. */
  leftOut: number;
  /** Where effects are absorbed: rows that the other folds' models do not predict, left out of what follows. */
  unpredicted?: number;
  /** The mean squared error over all rows, each predicted by the model of the other folds. */
  mse: number;
  rmse: number;
  /** 1 − out-of-fold squares / Σ w (y − ȳ)² over all rows. */
  r2: number;
  /** The standard error of `mse`, from its spread over the folds (weighted by their size), as glmnet has it. */
  mseError: number;
}

/**
 * Cross-validates from the moments of the folds alone: each fold's model is solved from the merged moments of the
 * others, and its error on the fold is exact from the fold's own moments. Folds without rows are passed over; those whose
 * rows need a coefficient that the others cannot estimate have no error, and are counted.
 *
 * @throws UsageError for fewer than two folds with rows
 */
export function* crossValidateSteps(
  folds: readonly CrossProducts[],
  regression: Regression,
): Steps<CrossValidation> {
  const used = yield* asNeeded(folds, regression);
  const predictions = yield* leaveOneOut(used, (others, fold) => predictFold(others, fold, regression));
  return collectErrors(used, regression.target, predictions);
}

/** What least squares on the rows of others predict on a fold. */
export function* predictFold(
  others: CrossProducts,
  fold: CrossProducts,
  regression: Regression,
): Steps<FoldPrediction> {
  const { coefficients, aliased } = yield* solveSteps(others, regression, { inverse: false });
  const needs = aliased.length === 0 ? [] : yield* foldNeeds(others, fold, regression, aliased);
  if (needs.length > 0) return { coefficients, squares: Number.NaN, needs };
  return { coefficients, squares: predictionSquares(fold, regression, coefficients) };
}

/** `crossValidateSteps` in one go. */
export function crossValidate(folds: readonly CrossProducts[], regression: Regression): CrossValidation {
  return inOneGo(crossValidateSteps(folds, regression));
}

/** The folds, rounded to double where that is enough for all their rows: it is many times faster. */
export function* asNeeded(
  folds: readonly CrossProducts[],
  regression: Regression,
): Steps<readonly CrossProducts[]> {
  if (!folds.every((fold) => fold.extended)) return folds;
  const rounded = folds.map((fold) => fold.toMoments());
  const total = yield* mergeFoldsSteps(rounded);
  const solution = yield* solveSteps(total, regression);
  return needsExtended(solution, total, regression) ? folds : rounded;
}

/**
 * What `visit` finds for each fold with rows and the merge of all others: merged, not subtracted, so that no digits are
 * lost.
 *
 * @throws UsageError for fewer than two folds with rows
 */
export function* leaveOneOut<Found>(
  folds: readonly CrossProducts[],
  visit: (others: CrossProducts, fold: CrossProducts) => Steps<Found>,
): Steps<Found[]> {
  const filled = folds.filter((fold) => fold.n > 0);
  if (filled.length < 2)
    throw new UsageError(`cross-validation needs two folds with rows, found ${filled.length}`);
  const k = filled.length;
  const after: (CrossProducts | undefined)[] = new Array(k).fill(undefined);
  for (let i = k - 2; i >= 0; i--) {
    after[i] = yield* merged(after[i + 1], filled[i + 1]!);
    yield;
  }
  const found: Found[] = [];
  let before: CrossProducts | undefined;
  for (const [i, fold] of filled.entries()) {
    const others =
      before === undefined ? after[i]! : after[i] === undefined ? before : yield* merged(before, after[i]!);
    // Of wide designs there is not room for all at once.
    after[i] = undefined;
    found.push(yield* visit(others, fold));
    before = yield* merged(before, fold);
    yield;
  }
  return found;
}

/**
 * What `visit` finds for each part with rows but the first, and the merge of all parts before it: the future is predicted
 * from the past, and never the other way round.
 *
 * @throws UsageError for fewer than two parts with rows
 */
export function* forwardChain<Found>(
  parts: readonly CrossProducts[],
  visit: (past: CrossProducts, part: CrossProducts) => Steps<Found>,
): Steps<Found[]> {
  const [first, ...later] = parts.filter((part) => part.n > 0);
  if (first === undefined || later.length === 0)
    throw new UsageError("cross-validation along time needs rows of two times");
  const found: Found[] = [];
  let past = first;
  for (const part of later) {
    found.push(yield* visit(past, part));
    past = yield* mergeSteps(past, part);
    yield;
  }
  return found;
}

/** What the model of the other folds predicts on a fold. */
export interface FoldPrediction {
  coefficients: Float64Array;
  /** Σ w (y − ŷ)² on the fold. */
  squares: number;
  /** See `FoldError`. */
  needs?: readonly number[];
}

/** Puts the folds' errors together; `predictions` are those of the folds with rows. */
export function collectErrors(
  folds: readonly CrossProducts[],
  target: string,
  predictions: readonly FoldPrediction[],
): CrossValidation {
  const filled = folds.filter((fold) => fold.n > 0);
  const errors = filled.map((fold, f): FoldError => {
    const { coefficients, squares, needs = [] } = predictions[f]!;
    const mse = squares / fold.sumW;
    return {
      n: fold.n,
      needs,
      mse,
      rmse: Math.sqrt(mse),
      r2: fold.n === 1 ? Number.NaN : 1 - squares / spread(fold, target),
      coefficients,
    };
  });
  const counted = filled.map((_, f) => f).filter((f) => errors[f]!.needs.length === 0);
  const weight = counted.reduce((sum, f) => sum + filled[f]!.sumW, 0);
  const total = counted.reduce((sum, f) => sum + predictions[f]!.squares, 0);
  const mse = total / weight;
  const variance = counted.reduce(
    (sum, f) => sum + (filled[f]!.sumW / weight) * (errors[f]!.mse - mse) ** 2,
    0,
  );
  const targets = counted.map((f) => {
    const fold = filled[f]!;
    const y = fold.index(target);
    return y < 0 ? fold.select([]).widen([target]) : fold.select([y]);
  });
  return {
    folds: errors,
    leftOut: filled.length - counted.length,
    mse,
    rmse: Math.sqrt(mse),
    r2: counted.length === 0 ? Number.NaN : 1 - total / spread(mergeFolds(targets), target),
    // Of fewer than two there is no spread.
    mseError: counted.length < 2 ? Number.NaN : Math.sqrt(variance / (counted.length - 1)),
  };
}

/**
 * The cross-validation of folds that were drawn several times. Errors are means over the draws, and their standard errors the
 * means of those over folds: draws share their rows, and tell nothing more of other rows.
 */
export function meanOfDraws(draws: readonly CrossValidation[]): CrossValidation {
  if (draws.length === 1) return draws[0]!;
  const mean = (of: (cv: CrossValidation) => number) =>
    draws.reduce((sum, cv) => sum + of(cv), 0) / draws.length;
  const mse = mean((cv) => cv.mse);
  return {
    folds: draws.flatMap(({ folds }) => folds),
    leftOut: draws.reduce((sum, { leftOut }) => sum + leftOut, 0),
    mse,
    rmse: Math.sqrt(mse),
    r2: mean((cv) => cv.r2),
    mseError: mean((cv) => cv.mseError),
  };
}

/**
 * Errors that are weighted means, Σ w (y − ŷ)² / Σw, as glmnet has them, on the scale of a fit's MSE, which is RSS/n.
 *
 * @param of the rows of the fit, and the sum of their weights
 */
export function onScaleOf<Errors extends { mse: number; rmse: number; mseError?: number }>(
  errors: Errors,
  of: { n: number; sumW: number },
): Errors {
  const scale = of.sumW / of.n;
  const { mse, rmse, mseError } = errors;
  const scaled = { ...errors, mse: mse * scale, rmse: rmse * Math.sqrt(scale) };
  return mseError === undefined ? scaled : { ...scaled, mseError: mseError * scale };
}

/** The same of a cross-validation, its folds' errors among them. */
export function cvOnScaleOf(cv: CrossValidation, of: { n: number; sumW: number }): CrossValidation {
  return { ...onScaleOf(cv, of), folds: cv.folds.map((fold) => onScaleOf(fold, of)) };
}

function spread(moments: CrossProducts, target: string): number {
  const y = moments.index(target);
  return moments.product(y, y);
}

function* merged(a: CrossProducts | undefined, b: CrossProducts): Steps<CrossProducts> {
  return a === undefined ? b.clone() : yield* mergeSteps(a, b);
}
