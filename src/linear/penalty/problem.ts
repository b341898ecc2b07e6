import { ModelError, UsageError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { Penalty } from "../model/document-schema.js";
import type { Regression } from "../solve/regression.js";
import { isConstant } from "../solve/solution.js";
import { columnsOf } from "../solve/solve.js";
import type { Quadratic } from "./active-set.js";

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
  /** Each column's share of λ, 0 or more, in any scale: they are brought to a mean of 1, as glmnet does. Default: 1. */
  factors?: Float64Array | undefined;
  /** What no slope is to be below, 0 or less for each column, on its own scale. Default: −∞. */
  lower?: Float64Array | undefined;
  /** What no slope is to be above, 0 or more for each column. Default: ∞. */
  upper?: Float64Array | undefined;
}

/** The problem on scaled columns: ½ bᵀRb − rᵀb + λ[…] with b = Dβ. */
export interface Problem extends Quadratic {
  /** D; 1 for a constant column, whose part of R and r is 0. */
  scale: Float64Array;
  mean: Float64Array;
  targetMean: number;
  /** s, by which the ridge part is divided. */
  targetDeviation: number;
  tss: number;
  /** Rows of the fit. */
  n: number;
  /** Each column's share of λ; their mean is 1. */
  factors: Float64Array;
  /** Bounds of b. */
  lower: Float64Array;
  upper: Float64Array;
  /** Bounds of β. */
  bounds: Pick<PenaltyOptions, "lower" | "upper">;
}

/**
 * The problem that a penalty makes of a regression.
 *
 * @throws UsageError where no column is penalised; ModelError where there is no row
 */
export function* standardized(
  given: CrossProducts,
  regression: Regression,
  { standardize = true, parametrization = "glmnet", factors, lower, upper }: PenaltyOptions,
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
  const gram = new Float64Array(packedLength(size));
  const covariance = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    if (constant[i]) continue;
    covariance[i] = product(i, size) / W / scale[i]!;
    for (let j = 0; j <= i; j++)
      if (!constant[j]) gram[packedIndex(i, j)] = product(i, j) / W / scale[i]! / scale[j]!;
    if ((i & 127) === 127) yield;
  }
  return {
    size,
    gram,
    covariance,
    scale,
    mean,
    targetMean: mean[size]!,
    targetDeviation: plain ? 1 : Math.sqrt(product(size, size) / W) || 1,
    tss: product(size, size),
    n: moments.n,
    factors: meanOne(factors, size),
    lower: scale.map((d, j) => (lower?.[j] ?? -Infinity) * d),
    upper: scale.map((d, j) => (upper?.[j] ?? Infinity) * d),
    bounds: { lower, upper },
  };
}

/** Factors brought to a mean of 1 over all columns, those that are constant among them, as glmnet counts. */
function meanOne(factors: Float64Array | undefined, size: number): Float64Array {
  if (factors === undefined) return new Float64Array(size).fill(1);
  const sum = factors.reduce((total, factor) => total + factor, 0);
  if (size > 0 && !(sum > 0)) throw new UsageError("all penalty factors are 0: nothing would be penalised");
  return factors.map((factor) => (factor * size) / sum);
}

/** θ on the columns' own scale, the intercept first where there is one. */
export function ownScale(
  { scale, mean, targetMean, lower, upper, bounds }: Problem,
  { intercept }: Regression,
  b: Float64Array,
): Float64Array {
  const beta = b.map((v, i) => {
    // A zero has no sign, and what is at a bound is there to the last digit.
    if (v === 0) return 0;
    if (v === lower[i]) return bounds.lower![i]!;
    return v === upper[i] ? bounds.upper![i]! : v / scale[i]!;
  });
  if (!intercept) return beta;
  const constant = beta.reduce((rest, v, i) => rest - v * mean[i]!, targetMean);
  return Float64Array.of(constant, ...beta);
}
