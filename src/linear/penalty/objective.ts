import type { Penalty } from "../model/document-schema.js";
import { isBounded } from "./column-limits.js";

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
  if (penalty === undefined) return own;
  const { lambda, parametrization, factors, gamma } = penalty;
  const within = isBounded(penalty) ? ", within the bounds of β" : "";
  if (lambda === 0) return own.replace(/ \+ λ \[.*\], D.*, W = /, ", W = ") + within;
  // Models of version 0.1 keep what they minimised.
  const scaled =
    parametrization === undefined ? own.replace("‖Dβ‖²/s", "‖Dβ‖²").replace(/, s that of ỹ?y?/, "") : own;
  const weighted =
    factors === undefined
      ? scaled
      : `${scaled.replace(/‖Dβ‖²/, "‖√C Dβ‖²").replace("‖Dβ‖₁", "‖C Dβ‖₁")}, C the penalty factors, their mean 1`;
  const relaxed =
    gamma === undefined || gamma === 1
      ? ""
      : `; relaxed: γ of that, 1 − γ of the least squares of the terms that are not 0, γ = ${gamma}`;
  return weighted + within + relaxed;
}

/**
 * The most terms for which relaxed fits have least squares, n − 3: with more there is hardly anything to relax to, and
 * the fit is the penalised one, as in glmnet, whose `maxp` that is.
 */
export function mostRelaxed(n: number): number {
  return n - 3;
}

/** A remark on a model that was to be relaxed and has too many terms. */
export function relaxationNotes({
  penalty,
  coefficients,
  intercept,
  n,
}: {
  readonly penalty: Penalty | undefined;
  readonly coefficients: ArrayLike<number>;
  readonly intercept: boolean;
  readonly n: number;
}): string[] {
  if (penalty?.gamma === undefined || penalty.gamma === 1) return [];
  const slopes = Array.from(coefficients).slice(intercept ? 1 : 0);
  const active = slopes.filter((value) => value !== 0 && !Number.isNaN(value)).length;
  if (active <= mostRelaxed(n)) return [];
  return [
    `not relaxed: ${active} terms are not 0, and of ${n} rows least squares takes ${mostRelaxed(n)} at most`,
  ];
}
