import { UsageError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { option, wording } from "../../wording.js";
import type { Penalty } from "../model/document-schema.js";
import {
  asNeeded,
  type CrossValidation,
  collectErrors,
  crossValidateSteps,
  type FoldPrediction,
  forwardChain,
  leaveOneOut,
  predictFold,
} from "../solve/cross-validation.js";
import {
  aboutEffects,
  crossValidateHeldOutSteps,
  eachHeldOut,
  type HeldOut,
  heldOutErrors,
  heldOutOf,
} from "../solve/held-out.js";
import { predictionSquares } from "../solve/prediction-squares.js";
import type { Regression } from "../solve/regression.js";
import type { Solution } from "../solve/solution.js";
import { columnLimits, isBounded, limitsOf, type NamedLimits } from "./column-limits.js";
import {
  type CrossValidatedPath,
  crossValidatePathSteps,
  type Folding,
  heldOutPathSteps,
} from "./cross-validated-path.js";
import { elasticNetSteps, lambdaPathSteps, type NetOptions, type PenalizedFit } from "./elastic-net.js";

export { objectiveOf, PENALTY_OBJECTIVE } from "./objective.js";
export type { Penalty };

/** A λ, or how it is chosen by cross-validation: `path` by the least error, `1se` the largest λ within its standard error. */
export type LambdaChoice = number | "path" | "1se";

/** Among these shares γ that of a relaxed fit is chosen unless it is given, as cv.glmnet does. */
const GAMMAS: readonly number[] = [0, 0.25, 0.5, 0.75, 1];

/** The penalty asked for. */
export interface PenaltyChoice extends NamedLimits {
  lambda: LambdaChoice;
  alpha: number;
  /** That of models of version 0.1 where it is left out; see `PenaltyOptions`. */
  parametrization?: Penalty["parametrization"];
  /** The share γ of a relaxed fit, or those to choose among; undefined where it is not relaxed. */
  gamma?: number | readonly number[] | undefined;
}

/** How relaxed fits are asked for. */
export interface AskedRelaxation {
  /**
   * Whether the fit is relaxed: a mean of the penalised θ and of least squares over the terms whose slopes are not 0 in it.
   * Default: false.
   */
  relax?: boolean | undefined;
  /**
   * The share γ of the penalised θ in a relaxed one, from 0 to 1, or those among which it is chosen by cross-validation,
   * together with λ where that is chosen. Default: 0, 0.25, 0.5, 0.75 and 1, as in cv.glmnet.
   */
  gamma?: number | readonly number[] | undefined;
}

/**
 * The shares γ that are asked for.
 *
 * @throws UsageError for one outside 0 to 1, and for some without relaxation
 */
export function gammasOf({ relax, gamma }: AskedRelaxation): PenaltyChoice["gamma"] {
  if (relax !== true) {
    if (gamma !== undefined)
      throw new UsageError(wording`${option("gamma")} is the share of the penalised fit in a relaxed one`, {
        hint: wording`add ${option("relax", true)}`,
      });
    return undefined;
  }
  if (gamma === undefined) return GAMMAS;
  for (const one of typeof gamma === "number" ? [gamma] : gamma)
    if (!(one >= 0 && one <= 1))
      throw new UsageError(wording`${option("gamma")} must be from 0 to 1, got ${one}`);
  if (typeof gamma === "number") return gamma;
  return gamma.length === 1 ? gamma[0] : gamma;
}

/** Whether a λ or a γ is to be chosen by cross-validation. */
export function isChosen({ lambda, gamma }: PenaltyChoice): boolean {
  return typeof lambda === "string" || Array.isArray(gamma);
}

/** Whether a choice is none: no λ, and no bounds. */
export function isNone(choice: PenaltyChoice | undefined): boolean {
  return choice === undefined || (choice.lambda === 0 && !isBounded(choice));
}

/** A penalised fit in the place of one by least squares. */
export interface PenalizedSolution {
  penalty: Penalty;
  solution: Solution;
  /** The path on which λ was chosen. */
  path: CrossValidatedPath | undefined;
}

/**
 * The elastic net of a regression: `plain` is its solution by least squares, whose condition number and total stay.
 * Nothing is aliased, for a penalty chooses among dependent columns; the rank counts the slopes that are not zero.
 * There is no covariance: the estimates are biased, and t tests of them would be naive.
 *
 * @param held in place of folds, where effects are absorbed
 * @param folding how folds are predicted, where it is not each by all others in one draw
 * @throws UsageError for a λ, an α or a γ out of range, and for one to be chosen without folds
 */
export function* penalizeSteps(
  moments: CrossProducts,
  folds: readonly CrossProducts[],
  regression: Regression,
  plain: Solution,
  choice: PenaltyChoice,
  held?: readonly HeldOut[],
  folding?: Folding,
): Steps<PenalizedSolution> {
  const { alpha, parametrization } = choice;
  const how = optionsOf(regression, choice);
  let { lambda, gamma } = choice;
  let path: CrossValidatedPath | undefined;
  if (typeof lambda === "string" || Array.isArray(gamma)) {
    const lambdas = typeof lambda === "string" ? undefined : [lambda];
    const { absorption: about } = plain;
    const pairs = heldOutOf(held, regression);
    if (about === undefined ? folds.length < 2 : pairs === undefined)
      throw unchoosable(lambdas === undefined ? "λ" : "γ");
    path =
      about === undefined
        ? yield* crossValidatePathSteps(folds, regression, { ...how, lambdas }, folding)
        : yield* heldOutPathSteps(pairs!, about.moments, regression, { ...how, lambdas });
    const chosen = path.path[lambda === "1se" ? path.withinOneError : path.best]!;
    lambda = chosen.lambda;
    gamma = chosen.gamma;
  }
  const fixed: Penalty = {
    lambda,
    alpha,
    ...(parametrization === undefined ? {} : { parametrization }),
    ...(gamma === undefined ? {} : { gamma: gamma as number }),
    ...limitsOf(choice),
  };
  const { absorption } = plain;
  const at = { ...how, gammas: gammasAt(fixed) };
  // Effects are not penalised: what is left of the columns about them is, in place of the columns.
  const { target, terms } = regression;
  const [fit] =
    absorption === undefined
      ? yield* elasticNetSteps(moments, regression, [lambda], at)
      : yield* elasticNetSteps(absorption.moments, { target, terms, intercept: true }, [lambda], at);
  const coefficients = absorption === undefined ? fit!.coefficients : fit!.coefficients.slice(1);
  // Least squares that no bound changes have digits that a Gram matrix in double has not.
  const asTheyAre = lambda === 0 && plain.aliased.length === 0 && isWithin(plain, regression, how);
  const { rss, nonZero } = asTheyAre ? { rss: plain.rss, nonZero: terms.length } : fit!;
  const solution: Solution = {
    ...plain,
    coefficients: asTheyAre ? plain.coefficients : coefficients,
    inverse: plain.inverse.map(() => Number.NaN),
    aliased: [],
    rank: nonZero + (regression.intercept ? 1 : 0),
    rss,
  };
  return { penalty: fixed, solution, path };
}

function isWithin(
  { coefficients }: Solution,
  { terms, intercept }: Regression,
  { lower, upper }: NetOptions,
): boolean {
  const slopes = intercept ? coefficients.subarray(1) : coefficients;
  return terms.every(
    (_, j) => slopes[j]! >= (lower?.[j] ?? -Infinity) && slopes[j]! <= (upper?.[j] ?? Infinity),
  );
}

/** The error where there is nothing to choose a λ or a γ by. */
function unchoosable(what: "λ" | "γ"): UsageError {
  return new UsageError(
    what === "λ"
      ? "a λ can be chosen along a path only by cross-validation, and there are no folds"
      : "a γ can be chosen only by cross-validation, and there are no folds",
    {
      hint:
        what === "λ"
          ? wording`train with ${option("folds", 10)}, or give a number to ${option("lambda")}`
          : wording`train with ${option("folds", 10)}, or give one number to ${option("gamma")}`,
    },
  );
}

/** What the elastic net is told of a penalty; the shares γ are those to choose among. */
function optionsOf(regression: Regression, choice: PenaltyChoice): NetOptions {
  const { alpha, parametrization = "plain" as const, gamma } = choice;
  return {
    alpha,
    parametrization,
    gammas: typeof gamma === "number" ? [gamma] : gamma,
    ...columnLimits(regression, choice),
  };
}

function gammasAt({ gamma }: Penalty): readonly number[] | undefined {
  return gamma === undefined ? undefined : [gamma];
}

/** Cross-validates a regression, with its penalty where it has one, from the moments of the folds. */
export function* crossValidateWithSteps(
  folds: readonly CrossProducts[],
  regression: Regression,
  penalty: Penalty | undefined,
): Steps<CrossValidation> {
  if (penalty === undefined) return yield* crossValidateSteps(folds, regression);
  const used = yield* asNeeded(folds, regression);
  const predictions = yield* leaveOneOut(used, penalizedPredictor(regression, penalty));
  return collectErrors(used, regression.target, predictions);
}

/**
 * Cross-validates a regression along time, with its penalty where it has one: each part but the first is predicted by the
 * fit of all parts before it.
 *
 * @param parts the moments of stretches of time, in their order
 */
export function* crossValidateForwardSteps(
  parts: readonly CrossProducts[],
  regression: Regression,
  penalty: Penalty | undefined,
): Steps<CrossValidation> {
  const used = yield* asNeeded(
    parts.filter(({ n }) => n > 0),
    regression,
  );
  const visit =
    penalty === undefined
      ? (past: CrossProducts, part: CrossProducts) => predictFold(past, part, regression)
      : penalizedPredictor(regression, penalty);
  const predictions = yield* forwardChain(used, visit);
  return collectErrors(used.slice(1), regression.target, predictions);
}

/** What a penalised fit to the rows of others predicts on a fold. */
function penalizedPredictor(regression: Regression, penalty: Penalty) {
  const how = optionsOf(regression, penalty);
  return function* (others: CrossProducts, fold: CrossProducts): Steps<FoldPrediction> {
    const [fit] = yield* elasticNetSteps(others, regression, [penalty.lambda], how);
    const { coefficients } = fit!;
    return { coefficients, squares: predictionSquares(fold, regression, coefficients) };
  };
}

/** The same of a regression with absorbed effects, from its pairs; undefined where these do not tell of it. */
export function* crossValidateHeldOutWithSteps(
  all: readonly HeldOut[] | undefined,
  regression: Regression,
  penalty: Penalty | undefined,
): Steps<CrossValidation | undefined> {
  const held = heldOutOf(all, regression);
  if (held === undefined) return undefined;
  if (penalty === undefined) return yield* crossValidateHeldOutSteps(held, regression);
  const predictions = yield* eachHeldOut(held, penalizedPredictor(aboutEffects(regression), penalty));
  return heldOutErrors(held, regression, predictions);
}

/**
 * Cross-validates a regression, with its penalty where it has one, from the moments of the folds.
 *
 * @example
 * ```js
 * import { crossValidateWith, fitCsv } from "goml";
 *
 * const { model } = await fitCsv("data/boston.csv", { features: ["rm", "lstat"] });
 * const { rmse } = crossValidateWith(model.folds, model.regression, undefined);
 * console.log(rmse.toFixed(4)); // 5.5696
 * ```
 */
export function crossValidateWith(
  folds: readonly CrossProducts[],
  regression: Regression,
  penalty: Penalty | undefined,
): CrossValidation {
  return inOneGo(crossValidateWithSteps(folds, regression, penalty));
}

/**
 * The path of λs along which a penalty's slopes grow, to draw: cross-validated where there are folds, else without errors.
 * Of a relaxed fit all of the path is relaxed by its γ.
 */
export function* penaltyPathSteps(
  moments: CrossProducts,
  folds: readonly CrossProducts[],
  regression: Regression,
  penalty: Penalty,
): Steps<(PenalizedFit & { rmse?: number })[]> {
  const how = optionsOf(regression, penalty);
  const used = folds.filter(({ n }) => n > 0);
  if (used.length > 1) return (yield* crossValidatePathSteps(used, regression, how)).path;
  const lambdas = yield* lambdaPathSteps(moments, regression, how);
  return yield* elasticNetSteps(moments, regression, lambdas, how);
}
