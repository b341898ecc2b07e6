import { noncentralChiSquareCritical } from "../../stats/noncentral-chi-square.js";
import { packedIndex } from "../../stats/packed.js";
import { symmetricEigen } from "../../stats/symmetric-eigen.js";

/** The effective F of one endogenous term, and what it should exceed. */
export interface EffectiveF {
  f: number;
  /** What F exceeds in 5 % of samples of which the bias is a tenth of the worst. */
  criticalValue: number;
  /** The effective degrees of freedom. */
  df: number;
}

/** The share of the worst-case bias that is tolerated, and the level of the test. */
const TOLERATED = 0.1;
const LEVEL = 0.05;

/**
 * The effective F of Montiel Olea & Pflueger (2013), Σ π̂²/tr Ŵ, and the simplified, conservative critical value of their test
 * of weak instruments (bias at most 10 % of the worst, level 5 %): a noncentral χ² with K = tr(W)²(1 + 2x)/(tr(WᵀW) +
 * 2x tr(W) maxev(W)) degrees of freedom and noncentrality xK, over K, x = 1/τ = 10.
 *
 * @param coefficients π̂, of orthonormal instruments
 * @param covariance Ŵ, their covariance, a packed lower triangle
 */
export function effectiveF(coefficients: Float64Array, covariance: ArrayLike<number>): EffectiveF {
  const l = coefficients.length;
  const x = 1 / TOLERATED;
  let trace = 0;
  let squares = 0;
  for (let i = 0; i < l; i++) {
    trace += covariance[packedIndex(i, i)]!;
    for (let j = 0; j < l; j++) squares += covariance[packedIndex(Math.max(i, j), Math.min(i, j))]! ** 2;
  }
  const largest = symmetricEigen(covariance, l).values.reduce((most, value) => Math.max(most, value), 0);
  const df = (trace * trace * (1 + 2 * x)) / (squares + 2 * x * trace * largest);
  return {
    f: coefficients.reduce((sum, value) => sum + value * value, 0) / trace,
    criticalValue: noncentralChiSquareCritical(LEVEL, df, x * df) / df,
    df,
  };
}
