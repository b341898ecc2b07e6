import { packedIndex, packedLength } from "../../stats/packed.js";

/** A least-squares solution θ = (XᵀX)⁻¹Xᵀy; with an intercept, that is coefficient 0. */
export interface Solution {
  /** θ; NaN for the aliased. */
  coefficients: Float64Array;
  /** (XᵀX)⁻¹ (with weights (XᵀWX)⁻¹) as a packed lower triangle in the order of θ; NaN for the aliased. */
  inverse: Float64Array;
  /** The diagonal of the inverse, where there are too many coefficients to keep all of it: then `inverse` is empty. */
  variances?: Float64Array | undefined;
  /** Indices into `terms` of columns that depend linearly on columns before them. */
  aliased: number[];
  /** Coefficients estimated, the intercept among them. */
  rank: number;
  /** √κ₁ of the Gram matrix of the centred columns scaled to length 1: how much rounding may be amplified. */
  conditionNumber: number;
  /** Residual sum of squares Σ w (y − ŷ)². */
  rss: number;
  /** Total sum of squares: about the mean with an intercept, about 0 without. */
  tss: number;
}

/** Whether a column varies by no more than the rounding of its mean: Σ(x − x̄)² against W x̄². */
export function isConstant(square: number, W: number, mean: number): boolean {
  // 2⁻⁵⁰: four times the unit roundoff, for the mean of a long column of equal values may be off by some ulps.
  return !(square > W * (mean * 2 ** -50) ** 2);
}

/** ‖A‖₁ of a packed symmetric matrix, over the rows and columns `kept`. */
export function normOne(a: Float64Array, kept?: number[]): number {
  const indices = kept ?? Array.from({ length: (Math.sqrt(8 * a.length + 1) - 1) / 2 }, (_, i) => i);
  let norm = 0;
  for (const i of indices) {
    let sum = 0;
    for (const j of indices) sum += Math.abs(a[packedIndex(i, j)]!);
    norm = Math.max(norm, sum);
  }
  return norm;
}

/** What a solution on centred columns says of the intercept. */
export interface InterceptPart {
  /** β₀ = ȳ − x̄ᵀβ. */
  value: number;
  /** 1/W + x̄ᵀA⁻¹x̄: var(β₀) but for σ². */
  variance: number;
  /** −A⁻¹x̄ over the kept columns: cov(β₀, β) but for σ². */
  covariance: Float64Array;
}

/** Puts slopes, their inverse Gram matrix A⁻¹ and the intercept into the order of θ, with NaN for the aliased. */
export function inOrderOfTerms(
  k: number,
  kept: number[],
  beta: Float64Array,
  slopes: Float64Array,
  intercept: InterceptPart | undefined,
): { coefficients: Float64Array; inverse: Float64Array } {
  const first = intercept === undefined ? 0 : 1;
  const coefficients = new Float64Array(k + first).fill(Number.NaN);
  const inverse = new Float64Array(packedLength(k + first)).fill(Number.NaN);
  for (let i = 0; i < kept.length; i++) {
    coefficients[kept[i]! + first] = beta[i]!;
    for (let j = 0; j <= i; j++)
      inverse[packedIndex(kept[i]! + first, kept[j]! + first)] = slopes[packedIndex(i, j)]!;
  }
  if (intercept !== undefined) {
    coefficients[0] = intercept.value;
    inverse[0] = intercept.variance;
    for (let i = 0; i < kept.length; i++) inverse[packedIndex(kept[i]! + 1, 0)] = intercept.covariance[i]!;
  }
  return { coefficients, inverse };
}
