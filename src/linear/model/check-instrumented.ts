import type { Steps } from "../../parallel/steps.js";
import { solveSteps } from "../solve/solve.js";
import type { LinearModel } from "./model.js";

/** How far what follows from the moments may be off, in standard errors, and as a share. */
const TOLERANCE = 1e-6;

/** What of a fit with instruments is looked at. */
type InstrumentedFit = Pick<
  LinearModel,
  | "aliased"
  | "coefficients"
  | "covariance"
  | "dfResidual"
  | "instruments"
  | "moments"
  | "regression"
  | "rss"
  | "tss"
  | "variances"
  | "vcov"
  | "weightsKind"
>;

/**
 * What of a fit with instruments is not what its moments give, in words; undefined where all is. It is solved again. Of GMM, which
 * its moments do not give, the total sum of squares is all that is looked at.
 */
export function* instrumentedFault(model: InstrumentedFit): Steps<string | undefined> {
  const { regression, moments, coefficients, variances, covariance } = model;
  const again = yield* solveSteps(moments, regression);
  const near = (a: number, b: number, bound: number) => bound < Infinity && Math.abs(a - b) <= bound;
  if (!near(model.tss, again.tss, TOLERANCE * again.tss)) return "the total sum of squares is";
  if (model.instruments?.estimator === "gmm") return undefined;
  if (!near(model.rss, again.rss, TOLERANCE * again.rss)) return "the residual sum of squares is";
  const variance = again.rss / model.dfResidual;
  for (let i = 0; i < coefficients.length; i++) {
    const [own, other] = [coefficients[i]!, again.coefficients[i]!];
    if (Number.isNaN(own) && Number.isNaN(other)) continue;
    const error = Math.sqrt(variances[i]!) || 0;
    if (!near(own, other, TOLERANCE * (error + Math.abs(other)))) return "a coefficient is";
  }
  if (model.vcov.type !== "iid" || !(model.dfResidual > 0)) return undefined;
  // Drawn rows have robust errors, or none.
  if (model.weightsKind === "probability")
    return covariance.every(Number.isNaN) ? undefined : "the covariance is";
  for (let i = 0; i < covariance.length; i++) {
    const value = again.inverse[i]! * variance;
    if (!Number.isNaN(value) && !near(covariance[i]!, value, TOLERANCE * sizeAt(i, again.inverse) * variance))
      return "the covariance is";
  }
  return undefined;
}

/** √(a_ii a_jj) of the entry of a packed triangle at a place. */
function sizeAt(at: number, packed: Float64Array): number {
  let i = Math.floor((Math.sqrt(8 * at + 1) - 1) / 2);
  if (((i + 1) * (i + 2)) / 2 <= at) i++;
  const j = at - (i * (i + 1)) / 2;
  const diagonal = (k: number) => packed[(k * (k + 3)) / 2]!;
  return Math.sqrt(diagonal(i) * diagonal(j));
}
