import { UsageError } from "../../errors.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { mergeFolds } from "../../stats/merge-folds.js";
import { needsExtended } from "./ladder.js";
import { predictionSquares } from "./prediction-squares.js";
import type { Regression } from "./regression.js";
import { solve } from "./solve.js";

/** How well the model of the other folds predicts a fold. */
export interface FoldError {
  /** Rows of the fold. */
  n: number;
  mse: number;
  rmse: number;
  /** 1 − Σ w (y − ŷ)² / Σ w (y − ȳ)², ȳ the fold's own mean. */
  r2: number;
  /** θ of the other folds. */
  coefficients: Float64Array;
}

/** k-fold cross-validation. */
export interface CrossValidation {
  folds: FoldError[];
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
 * others, and its error on the fold is exact from the fold's own moments. Folds without rows are passed over.
 *
 * @throws UsageError for fewer than two folds with rows
 */
export function crossValidate(folds: readonly CrossProducts[], regression: Regression): CrossValidation {
  const parts = leaveOneOut(asNeeded(folds, regression));
  return collectErrors(parts, regression.target, (others, fold) => {
    const { coefficients } = solve(others, regression, { inverse: false });
    return { coefficients, squares: predictionSquares(fold, regression, coefficients) };
  });
}

/** The folds, rounded to double where that is enough for all their rows: it is many times faster. */
function asNeeded(folds: readonly CrossProducts[], regression: Regression): readonly CrossProducts[] {
  if (!folds.every((fold) => fold.extended)) return folds;
  const rounded = folds.map((fold) => fold.toMoments());
  const total = mergeFolds(rounded);
  const solution = solve(total, regression);
  return needsExtended(solution, total, regression) ? folds : rounded;
}

/** A fold, and the merged moments of all others. */
interface Split {
  fold: CrossProducts;
  others: CrossProducts;
}

/** Each fold with rows beside the merge of all others: merged, not subtracted, so that no digits are lost. */
export function leaveOneOut(folds: readonly CrossProducts[]): Split[] {
  const filled = folds.filter((fold) => fold.n > 0);
  if (filled.length < 2)
    throw new UsageError(`cross-validation needs two folds with rows, found ${filled.length}`);
  const k = filled.length;
  const after: (CrossProducts | undefined)[] = new Array(k).fill(undefined);
  for (let i = k - 2; i >= 0; i--) after[i] = merged(after[i + 1], filled[i + 1]!);
  let before: CrossProducts | undefined;
  return filled.map((fold, i) => {
    const others =
      before === undefined ? after[i]! : after[i] === undefined ? before : merged(before, after[i]!);
    before = merged(before, fold);
    return { fold, others };
  });
}

/** Puts the folds' errors together; `solveOthers` solves on the others and gives θ and the squared error on the fold. */
export function collectErrors(
  parts: readonly Split[],
  target: string,
  solveOthers: (
    others: CrossProducts,
    fold: CrossProducts,
  ) => { coefficients: Float64Array; squares: number },
): CrossValidation {
  let total = 0;
  let weight = 0;
  const errors = parts.map(({ fold, others }) => {
    const { coefficients, squares } = solveOthers(others, fold);
    total += squares;
    weight += fold.sumW;
    const mse = squares / fold.sumW;
    return { n: fold.n, mse, rmse: Math.sqrt(mse), r2: 1 - squares / spread(fold, target), coefficients };
  });
  const mse = total / weight;
  let variance = 0;
  for (let f = 0; f < parts.length; f++)
    variance += (parts[f]!.fold.sumW / weight) * (errors[f]!.mse - mse) ** 2;
  const [first] = parts;
  return {
    folds: errors,
    mse,
    rmse: Math.sqrt(mse),
    r2: 1 - total / spread(merged(first!.others, first!.fold), target),
    mseError: Math.sqrt(variance / (parts.length - 1)),
  };
}

function spread(moments: CrossProducts, target: string): number {
  const y = moments.index(target);
  return moments.product(y, y);
}

function merged(a: CrossProducts | undefined, b: CrossProducts): CrossProducts {
  return a === undefined ? b.clone() : a.merge(b);
}
