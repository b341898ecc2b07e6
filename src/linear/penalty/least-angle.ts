import { ModelError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { backSubstitute, cholesky, forwardSubstitute } from "../solve/cholesky.js";
import { predictionSquares } from "../solve/prediction-squares.js";
import type { Regression } from "../solve/regression.js";
import { DOUBLE_TOLERANCE } from "../solve/solve.js";
import { shift } from "./active-set.js";
import { ownScale, standardized } from "./problem.js";

/** A knot of a path of least angles. */
export interface AngleStep {
  /** The terms that join there, or one that leaves, by index. */
  joins: readonly number[];
  leaves: number | undefined;
  /** The largest covariance of a scaled column with the residuals as the step begins: glmnet's λ there, for the lasso. */
  lambda: number;
  /** θ at the end of the step, the intercept first where there is one. */
  coefficients: Float64Array;
  /** Slopes that are not 0 there: the step's degrees of freedom, but for the intercept. */
  nonZero: number;
  rss: number;
}

/** A step below this share of the whole is none: what rounding leaves of a tie. */
const TIE = 1e-12;

/** Steps that a path may have: a lasso's terms may leave and come back. */
const MOST_STEPS = 10_000;

/**
 * Least angle regression from moments: from 0 on along the direction that makes equal angles with the columns that are in, whose covariances
 * with the residuals are equal and largest, until another column has as large a one (Efron, Hastie, Johnstone & Tibshirani 2004,
 * section 2). With `lasso` a column whose slope reaches 0 leaves, and the knots are all of the lasso's path (section 3.1). Columns are
 * scaled to standard deviation 1.
 *
 * @throws ModelError where columns depend on each other, so that their direction is not determined
 */
export function* leastAngleSteps(
  moments: CrossProducts,
  regression: Regression,
  { lasso }: { lasso: boolean },
): Steps<AngleStep[]> {
  const problem = yield* standardized(moments, regression, { alpha: 1 });
  const { size, gram, covariance } = problem;
  const b = new Float64Array(size);
  const gradient = covariance.slice();
  const usable = Array.from({ length: size }, (_, j) => j).filter((j) => gram[packedIndex(j, j)]! > 0);
  const whole = covariance.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let active: number[] = [];
  let left: number | undefined;
  const steps: AngleStep[] = [];
  while (steps.length < MOST_STEPS) {
    const most = usable.reduce((sofar, j) => Math.max(sofar, Math.abs(gradient[j]!)), 0);
    const joins =
      left !== undefined
        ? []
        : usable.filter((j) => !active.includes(j) && most - Math.abs(gradient[j]!) <= TIE * whole);
    if (left === undefined && (joins.length === 0 || most <= TIE * whole)) break;
    active = [...active, ...joins];
    const direction = equiangular(gram, gradient, active, regression);
    const slope = new Float64Array(size);
    for (const [i, j] of active.entries()) shift(gram, size, slope, j, -direction[i]!);
    // Covariances of those that are in fall at the rate 1, from `most` on.
    let step = most;
    for (const j of usable) {
      if (active.includes(j)) continue;
      for (const sign of [1, -1]) {
        const reached = (most - sign * gradient[j]!) / (1 - sign * slope[j]!);
        // One that has just left has the largest covariance still, and goes inwards.
        if (reached > TIE * whole && reached < step && !(j === left && reached <= 1e-9 * most))
          step = reached;
      }
    }
    let leaves: number | undefined;
    if (lasso)
      for (const [i, j] of active.entries()) {
        const crossing = -b[j]! / direction[i]!;
        if (crossing > TIE * whole && crossing < step) [step, leaves] = [crossing, j];
      }
    for (const [i, j] of active.entries()) {
      b[j]! += step * direction[i]!;
      shift(gram, size, gradient, j, step * direction[i]!);
    }
    if (leaves !== undefined) {
      // Rounding leaves no slope behind.
      shift(gram, size, gradient, leaves, -b[leaves]!);
      b[leaves] = 0;
      const out = leaves;
      active = active.filter((j) => j !== out);
    }
    const coefficients = ownScale(problem, regression, b);
    steps.push({
      joins,
      leaves,
      lambda: most,
      coefficients,
      nonZero: b.reduce((count, value) => count + (value === 0 ? 0 : 1), 0),
      rss: predictionSquares(moments, regression, coefficients),
    });
    left = leaves;
    if (active.length === usable.length && leaves === undefined) break;
    yield;
  }
  return steps;
}

/**
 * The path of least angles, or with `lasso` every knot of the lasso's, from a model's moments: see `AngleStep`.
 *
 * @throws ModelError where columns depend on each other, so that their direction is not determined
 *
 * @example
 * ```js
 * import { fitCsv, leastAngles } from "goml";
 *
 * const { model } = await fitCsv("data/boston.csv", { features: ["rm", "lstat", "tax"] });
 * const steps = leastAngles(model.moments, model.regression, { lasso: true });
 * console.log(steps.map(({ joins }) => joins.map((j) => model.terms[j])).join()); // lstat,rm,tax
 * ```
 */
export function leastAngles(
  moments: CrossProducts,
  regression: Regression,
  options: { lasso: boolean },
): AngleStep[] {
  return inOneGo(leastAngleSteps(moments, regression, options));
}

/** d with R_AA d = sign(gradient) over the columns that are in: their covariances fall together. */
function equiangular(
  gram: Float64Array,
  gradient: Float64Array,
  active: readonly number[],
  { terms }: Regression,
): Float64Array {
  const k = active.length;
  const packed = new Float64Array(packedLength(k));
  for (let i = 0; i < k; i++)
    for (let j = 0; j <= i; j++) {
      const [high, low] = active[i]! > active[j]! ? [active[i]!, active[j]!] : [active[j]!, active[i]!];
      packed[packedIndex(i, j)] = gram[packedIndex(high, low)]!;
    }
  const { lower, aliased } = cholesky(packed, k, DOUBLE_TOLERANCE);
  if (aliased.length > 0)
    throw new ModelError(
      `${terms[active[aliased[0]!]!]} depends on terms that are in before it: it has no direction of its own`,
      { hint: "leave it out of the model" },
    );
  const d = Float64Array.from(active, (j) => Math.sign(gradient[j]!));
  forwardSubstitute(lower, k, d);
  backSubstitute(lower, k, d);
  return d;
}
