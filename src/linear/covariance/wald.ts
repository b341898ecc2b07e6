import { fSurvival } from "../../stats/distributions.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { FittedModel } from "../model/model-parts.js";
import { cholesky, forwardSubstitute } from "../solve/cholesky.js";
import { degreesOf } from "./degrees.js";

/** The Wald test that all slopes are 0, under a robust covariance. */
export interface WaldTest {
  /** βᵀ V⁻¹ β / q, scaled where Satterthwaite's degrees of freedom ask for it (see `Degrees`); NaN where V is singular, as it is with fewer clusters than slopes. */
  f: number;
  /** q, the number of slopes estimated (without an intercept, of all coefficients), and n − rank, or G − 1 for clusters. */
  df1: number;
  df2: number;
  p: number;
}

/** A pivot of the covariance's correlation matrix below this counts as 0. */
const SINGULAR = 1e-12;

/**
 * The Wald test of all slopes of a model whose covariance is robust, F on q and n − rank, or G − 1 for G clusters (R's
 * `car::linearHypothesis` with `vcov.`); undefined where it is the summary's own F, under the classical covariance of least squares, and where
 * there is no slope.
 */
export function waldTest(model: FittedModel): WaldTest | undefined {
  const { vcov } = model;
  if (vcov.type === "iid" && model.instruments === undefined) return undefined;
  const { kept, lower, constant } = model.whitening;
  const q = kept.length;
  if (q === 0) return undefined;
  const first = constant === 0 ? 0 : 1;
  // γ in β = Mᵀγ, M being the whitening of the slopes: their whitened coordinates.
  const gamma = Float64Array.from(kept, (j) => model.coefficients[j + first]!);
  for (let i = q - 1; i >= 0; i--) {
    gamma[i]! /= lower[packedIndex(i, i)]!;
    for (let j = 0; j < i; j++) gamma[j]! -= lower[packedIndex(i, j)]! * gamma[i]!;
  }
  const sigma2 = model.rss / model.dfResidual;
  const variance = (i: number, j: number) =>
    vcov.type === "iid" ? (i === j ? sigma2 : 0) : vcov.meat[packedIndex(i + first, j + first)]!;
  const root = Float64Array.from(kept, (_, i) => Math.sqrt(variance(i, i)));
  const correlation = new Float64Array(packedLength(q));
  for (let i = 0; i < q; i++)
    for (let j = 0; j <= i; j++) correlation[packedIndex(i, j)] = variance(i, j) / root[i]! / root[j]!;
  const factor = cholesky(correlation, q, SINGULAR);
  // Slopes are combinations of all coordinates but the first, and the test is the same of any that span them.
  const units = kept.map((_, i) => {
    const unit = new Float64Array(q + first);
    unit[i + first] = 1;
    return unit;
  });
  const { df2, scale } = degreesOf(model).joint(units);
  const df1 = q;
  if (factor.kept.length < q || !(df2 > 0)) return { f: Number.NaN, df1, df2, p: Number.NaN };
  const z = gamma.map((value, i) => value / root[i]!);
  forwardSubstitute(factor.lower, q, z);
  const f = (scale * z.reduce((sum, value) => sum + value * value, 0)) / q;
  return { f, df1, df2, p: fSurvival(f, df1, df2) };
}
