import type { Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { type CrossValidation, collectErrors, type FoldPrediction } from "./cross-validation.js";
import { foldNeeds } from "./fold-needs.js";
import { predictionSquares } from "./prediction-squares.js";
import type { Regression } from "./regression.js";
import { solveSteps } from "./solve.js";

/**
 * A fold of rows with absorbed effects beside the rows of the other folds. The effects of a fit are linear in its target
 * and columns, so that with E the effects of the others' rows
 *
 *     y − xᵀβ − E(y − xᵀβ) = ỹ − x̃ᵀβ,   ỹ = y − E(y), x̃ = x − E(x),
 *
 * is the error of any model β of the others on a row of the fold: whatever its terms and penalty, Σ w (ỹ − x̃ᵀβ)²
 * follows from products of ỹ and x̃ over the fold.
 */
export interface HeldOut {
  /** The others' columns about their effects, whose means are zero: what their models are solved from. */
  readonly others: CrossProducts;
  /** The fold's columns about the others' effects, over the rows whose effects the others determine. */
  readonly fold: CrossProducts;
  /** How many rows these are not. */
  readonly unpredicted: number;
  /** y on those rows as it is: the mean, and Σ w (y − ȳ)². */
  readonly target: { readonly mean: number; readonly spread: number };
}

/** Pairs that tell of a regression; undefined where there are not two, or a column of it is in none. */
export function heldOutOf(
  all: readonly HeldOut[] | undefined,
  { target, terms }: Regression,
): readonly HeldOut[] | undefined {
  const held = all?.filter(({ fold }) => fold.n > 0) ?? [];
  const known = held.every(({ others }) => [...terms, target].every((key) => others.index(key) >= 0));
  return known && held.length >= 2 ? held : undefined;
}

/** What `visit` finds for each fold, as `leaveOneOut`. */
export function* eachHeldOut<Found>(
  held: readonly HeldOut[],
  visit: (others: CrossProducts, fold: CrossProducts) => Steps<Found>,
): Steps<Found[]> {
  const found: Found[] = [];
  for (const { others, fold } of held) {
    found.push(yield* visit(others, fold));
    yield;
  }
  return found;
}

/** The regression as that of columns about effects: their means are zero, which an intercept keeps out of θ. */
export function aboutEffects({ target, terms, names }: Regression): Regression {
  return { target, terms, intercept: true, names };
}

/** `crossValidateSteps` of a regression with absorbed effects; θ has the intercept of columns about them, zero. */
export function* crossValidateHeldOutSteps(
  held: readonly HeldOut[],
  regression: Regression,
): Steps<CrossValidation> {
  const about = aboutEffects(regression);
  const predictions = yield* eachHeldOut(held, function* (others, fold) {
    const { coefficients, aliased } = yield* solveSteps(others, about, { inverse: false });
    const needs = aliased.length === 0 ? [] : yield* foldNeeds(others, fold, about, aliased);
    if (needs.length > 0) return { coefficients, squares: Number.NaN, needs };
    return { coefficients, squares: predictionSquares(fold, about, coefficients) };
  });
  return heldOutErrors(held, regression, predictions);
}

/** `collectErrors` with R² by y as it is, and without the intercept of columns about effects. */
export function heldOutErrors(
  held: readonly HeldOut[],
  { target }: Regression,
  predictions: readonly FoldPrediction[],
): CrossValidation {
  const found = collectErrors(
    held.map(({ fold }) => fold),
    target,
    predictions,
  );
  const whole = { sumW: 0, mean: 0, spread: 0, squares: 0 };
  found.folds.forEach(({ needs }, f) => {
    if (needs.length > 0) return;
    const { fold, target: y } = held[f]!;
    const delta = y.mean - whole.mean;
    const sumW = whole.sumW + fold.sumW;
    whole.spread += y.spread + (delta * delta * whole.sumW * fold.sumW) / sumW;
    whole.mean += (delta * fold.sumW) / sumW;
    whole.sumW = sumW;
    whole.squares += predictions[f]!.squares;
  });
  return {
    ...found,
    folds: found.folds.map((fold, f) => ({
      ...fold,
      unpredicted: held[f]!.unpredicted,
      r2: 1 - predictions[f]!.squares / held[f]!.target.spread,
      coefficients: fold.coefficients.slice(1),
    })),
    unpredicted: held.reduce((sum, { unpredicted }) => sum + unpredicted, 0),
    r2: 1 - whole.squares / whole.spread,
  };
}
