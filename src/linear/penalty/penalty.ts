import { UsageError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { option, wording } from "../../wording.js";
import type { Penalty } from "../model/document-schema.js";
import {
  type CrossValidation,
  collectErrors,
  crossValidateSteps,
  leaveOneOut,
} from "../solve/cross-validation.js";
import { predictionSquares } from "../solve/prediction-squares.js";
import type { Regression } from "../solve/regression.js";
import type { Solution } from "../solve/solution.js";
import { type CrossValidatedPath, crossValidatePathSteps, elasticNetSteps } from "./elastic-net.js";

export type { Penalty };

/** What a penalised fit minimises; the intercept is not penalised. */
export const PENALTY_OBJECTIVE =
  "1/(2W) Σ w (y − β₀ − xᵀβ)² + λ [ (1 − α)/2 ‖Dβ‖²/s + α ‖Dβ‖₁ ], " +
  "D the columns' standard deviations, s that of y, W = Σ w";

/** What a model's penalised fit minimises; where effects are absorbed, x̃ and ỹ are the columns and y about them. */
export function objectiveOf({
  absorbed,
  penalty,
}: {
  readonly absorbed: unknown;
  readonly penalty: Penalty | undefined;
}): string {
  const own =
    absorbed === undefined
      ? PENALTY_OBJECTIVE
      : "1/(2W) Σ w (ỹ − x̃ᵀβ)² + λ [ (1 − α)/2 ‖Dβ‖²/s + α ‖Dβ‖₁ ], " +
        "D the standard deviations about the effects, s that of ỹ, W = Σ w";
  // Models of version 0.1 keep what they minimised.
  if (penalty !== undefined && penalty.parametrization === undefined)
    return own.replace("‖Dβ‖²/s", "‖Dβ‖²").replace(/, s that of ỹ?y?/, "");
  return own;
}

/** A λ, or how it is chosen by cross-validation: `path` by the least error, `1se` the largest λ within its standard error. */
export type LambdaChoice = number | "path" | "1se";

/** The penalty asked for. */
export interface PenaltyChoice {
  lambda: LambdaChoice;
  alpha: number;
  /** That of models of version 0.1 where it is left out; see `PenaltyOptions`. */
  parametrization?: Penalty["parametrization"];
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
 * @throws UsageError for a λ or an α out of range, and for a path without folds
 */
export function* penalizeSteps(
  moments: CrossProducts,
  folds: readonly CrossProducts[],
  regression: Regression,
  plain: Solution,
  choice: PenaltyChoice,
): Steps<PenalizedSolution> {
  const { alpha, parametrization } = choice;
  const how = { alpha, parametrization: parametrization ?? ("plain" as const) };
  let { lambda } = choice;
  let path: CrossValidatedPath | undefined;
  if (typeof lambda === "string") {
    if (regression.absorbed !== undefined)
      throw new UsageError("no λ is chosen along a path where effects are absorbed", {
        hint: wording`give ${option("lambda")} a number, and compare by ${option("folds")}`,
      });
    if (folds.length < 2)
      throw new UsageError(
        "a λ can be chosen along a path only by cross-validation, and there are no folds",
        {
          hint: wording`train with ${option("folds", 10)}, or give a number to ${option("lambda")}`,
        },
      );
    path = yield* crossValidatePathSteps(folds, regression, how);
    lambda = path.path[lambda === "1se" ? path.withinOneError : path.best]!.lambda;
  }
  const { absorption } = plain;
  // Effects are not penalised: what is left of the columns about them is, in place of the columns.
  const { target, terms } = regression;
  const [fit] =
    absorption === undefined
      ? yield* elasticNetSteps(moments, regression, [lambda], how)
      : yield* elasticNetSteps(absorption.moments, { target, terms, intercept: true }, [lambda], how);
  const { rss, nonZero } = fit!;
  const coefficients = absorption === undefined ? fit!.coefficients : fit!.coefficients.slice(1);
  const solution: Solution = {
    ...plain,
    coefficients,
    inverse: plain.inverse.map(() => Number.NaN),
    aliased: [],
    rank: nonZero + (regression.intercept ? 1 : 0),
    rss,
  };
  const penalty = { lambda, alpha, ...(parametrization === undefined ? {} : { parametrization }) };
  return { penalty, solution, path };
}

/** Cross-validates a regression, with its penalty where it has one, from the moments of the folds. */
export function* crossValidateWithSteps(
  folds: readonly CrossProducts[],
  regression: Regression,
  penalty: Penalty | undefined,
): Steps<CrossValidation> {
  if (penalty === undefined) return yield* crossValidateSteps(folds, regression);
  const { lambda, alpha, parametrization = "plain" as const } = penalty;
  const predictions = yield* leaveOneOut(folds, function* (others, fold) {
    const [fit] = yield* elasticNetSteps(others, regression, [lambda], { alpha, parametrization });
    const { coefficients } = fit!;
    return { coefficients, squares: predictionSquares(fold, regression, coefficients) };
  });
  return collectErrors(folds, regression.target, predictions);
}

/** Cross-validates a regression, with its penalty where it has one, from the moments of the folds. */
export function crossValidateWith(
  folds: readonly CrossProducts[],
  regression: Regression,
  penalty: Penalty | undefined,
): CrossValidation {
  return inOneGo(crossValidateWithSteps(folds, regression, penalty));
}
