import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import {
  asNeeded,
  type CrossValidation,
  collectErrors,
  type FoldPrediction,
  forwardChain,
  leaveOneOut,
  meanOfDraws,
  onScaleOf,
  predictFold,
} from "../solve/cross-validation.js";
import {
  aboutEffects,
  crossValidateHeldOutSteps,
  eachHeldOut,
  type HeldOut,
  heldOutErrors,
} from "../solve/held-out.js";
import { mergeFoldsSteps } from "../solve/merge-steps.js";
import { predictionSquares } from "../solve/prediction-squares.js";
import type { Regression } from "../solve/regression.js";
import { elasticNetSteps, lambdaPathSteps, type NetOptions, type PenalizedFit } from "./elastic-net.js";

/** A path with its cross-validation. */
export interface CrossValidatedPath {
  /** By decreasing λ, and of relaxed fits, for each λ, by decreasing γ. */
  path: (PenalizedFit & Pick<CrossValidation, "mse" | "rmse" | "mseError">)[];
  /** The index in `path` of the least cross-validated error. */
  best: number;
  /** The index of the largest λ (and there the largest γ) whose error is within one standard error of the least. */
  withinOneError: number;
  /** Which end of the path the least error is at, where it is at one: it may be smaller still beyond that. */
  atEnd: "largest" | "smallest" | undefined;
  /**
   * The cross-validated error at λ = 0, by least squares (within the bounds, where there are any); undefined where there
   * are too few rows for it.
   */
  unpenalized: Pick<CrossValidation, "mse" | "rmse"> | undefined;
}

/** A path whose errors are on the scale of a fit's MSE, RSS/n, in place of weighted means, as cv.glmnet has them. */
export function pathOnScaleOf(
  found: CrossValidatedPath,
  of: { n: number; sumW: number },
): CrossValidatedPath {
  const { path, unpenalized } = found;
  return {
    ...found,
    path: path.map((point) => onScaleOf(point, of)),
    unpenalized: unpenalized && onScaleOf(unpenalized, of),
  };
}

/** How rows are put into folds, where it is not one draw of which each fold is predicted by all others. */
export interface Folding {
  /** The folds are stretches of time in their order, and each is predicted by those before it. */
  forward?: boolean | undefined;
  /** The folds of further draws: errors are means over all of them. */
  again?: readonly (readonly CrossProducts[])[] | undefined;
}

/**
 * Ridge, lasso or elastic net along a path of λs, each cross-validated from the moments of the folds. The λs come
 * from all rows (see {@link lambdaPathSteps}) unless they are given; where the least error is at the smallest, the path goes
 * on below it, for at most as far again. With `gammas` λ and γ are chosen together, as cv.glmnet does with `relax`.
 */
export function* crossValidatePathSteps(
  folds: readonly CrossProducts[],
  regression: Regression,
  options: PathOptions = {},
  { forward = false, again = [] }: Folding = {},
): Steps<CrossValidatedPath> {
  const draws: (readonly CrossProducts[])[] = [];
  for (const draw of [folds, ...again])
    draws.push(
      yield* asNeeded(
        draw.filter((fold) => fold.n > 0),
        regression,
      ),
    );
  const visited = forward ? forwardChain : leaveOneOut;
  const predicted = forward ? draws.map((draw) => draw.slice(1)) : draws;
  const each = function* <Found>(visit: Visit<Found>) {
    const found: Found[] = [];
    for (const draw of draws) found.push(...(yield* visited(draw, visit)));
    return found;
  };
  const errors = (predictions: readonly FoldPrediction[]) => {
    let at = 0;
    return meanOfDraws(
      predicted.map((own) => {
        at += own.length;
        return collectErrors(own, regression.target, predictions.slice(at - own.length, at));
      }),
    );
  };
  const fewest = forward
    ? (draws[0]![0]?.n ?? 0)
    : Math.min(
        ...draws.map((draw) => {
          const sizes = draw.map(({ n }) => n);
          return sizes.reduce((sum, n) => sum + n, 0) - Math.max(0, ...sizes);
        }),
      );
  const all: PathFolds = {
    total: yield* mergeFoldsSteps(draws[0]!),
    regression,
    enough: fewest > regression.terms.length + 1,
    each,
    errors,
    *plain() {
      return errors(yield* each((others, fold) => predictFold(others, fold, regression)));
    },
  };
  return yield* pathOf(all, options);
}

/**
 * `crossValidatePathSteps` where effects are absorbed.
 *
 * @param total the moments of all rows about their effects
 */
export function* heldOutPathSteps(
  held: readonly HeldOut[],
  total: CrossProducts,
  regression: Regression,
  options: PathOptions = {},
): Steps<CrossValidatedPath> {
  const all: PathFolds = {
    total,
    regression: aboutEffects(regression),
    enough: true,
    each: (visit) => eachHeldOut(held, visit),
    errors: (predictions) => heldOutErrors(held, regression, predictions),
    plain: () => crossValidateHeldOutSteps(held, regression),
  };
  return yield* pathOf(all, options);
}

type Visit<Found> = (others: CrossProducts, fold: CrossProducts) => Steps<Found>;

/** What a path is cross-validated from. */
interface PathFolds {
  /** The moments of all rows. */
  total: CrossProducts;
  regression: Regression;
  /** Whether all but one fold have rows enough for least squares. */
  enough: boolean;
  /** What `visit` finds for each fold and the merge of those that predict it. */
  each: <Found>(visit: Visit<Found>) => Steps<Found[]>;
  errors: (predictions: readonly FoldPrediction[]) => CrossValidation;
  /** Least squares. */
  plain: () => Steps<CrossValidation>;
}

/** λs to take in place of those that come from all rows, or how many of these. */
type PathOptions = NetOptions & { lambdas?: readonly number[] | undefined; count?: number | undefined };

function* pathOf(folds: PathFolds, options: PathOptions): Steps<CrossValidatedPath> {
  const { total, regression, enough } = folds;
  const lambdas = [...(options.lambdas ?? (yield* lambdaPathSteps(total, regression, options)))];
  lambdas.sort((x, y) => y - x);
  const along = (some: readonly number[]) => crossValidated(folds, some, options);
  let path = yield* along(lambdas);
  const leastOf = () => path.reduce((least, fit, i) => (fit.mse < path[least]!.mse ? i : least), 0);
  const isLast = (i: number) => path[i]!.lambda === path.at(-1)!.lambda;
  if (options.lambdas === undefined && lambdas.length > 1 && isLast(leastOf())) {
    const [first, last] = [lambdas[0]!, lambdas.at(-1)!];
    path = [...path, ...(yield* along(lambdas.slice(1).map((lambda) => (lambda / first) * last)))];
  }
  const best = leastOf();
  const limit = path[best]!.mse + path[best]!.mseError;
  const bounded = options.lower !== undefined || options.upper !== undefined;
  const plain = { ...options, gammas: undefined };
  return {
    path,
    best,
    withinOneError: path.findIndex((fit) => fit.mse <= limit),
    // Least squares on the terms that are left (γ = 0) are the same beyond, where these are.
    atEnd:
      path[0]!.lambda === path.at(-1)!.lambda
        ? undefined
        : path[best]!.lambda === path[0]!.lambda && !(path[best]!.gamma === 0 && path[best]!.nonZero > 0)
          ? "largest"
          : isLast(best)
            ? "smallest"
            : undefined,
    unpenalized: !enough
      ? undefined
      : bounded
        ? (yield* crossValidated(folds, [0], plain))[0]
        : yield* folds.plain(),
  };
}

/** The fits to all rows at each λ, with their cross-validated errors. */
function* crossValidated(
  { total, regression, each, errors }: PathFolds,
  lambdas: readonly number[],
  options: NetOptions,
): Steps<CrossValidatedPath["path"]> {
  const foldPaths = yield* each(function* (others, fold) {
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
    const { mse, rmse, mseError } = errors(predictions);
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
