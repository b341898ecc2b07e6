import { ModelError } from "../../errors.js";
import { packedIndex } from "../../stats/packed.js";
import { option, verb, wording } from "../../wording.js";
import { type Degrees, degreesOf } from "../covariance/degrees.js";
import { factorOf } from "../covariance/meat-factor.js";
import { checkErrors } from "../covariance/vcov.js";
import { type Whitening, whitenedContrast } from "../covariance/whitening.js";
import type { FittedModel } from "../model/model-parts.js";

/** A linear combination ℓᵀθ̂ of a model's coefficients, ready to be tested. */
export interface Contrast {
  /** ℓᵀθ̂. */
  estimate: number;
  stdError: number;
  /** The coordinates of ℓ in which the rows of the fit are orthonormal, R⁻ᵀℓ: dependent ℓ have dependent ones. */
  whitened: Float64Array;
  /** a with Cov(ℓᵀθ̂, mᵀθ̂) = aᵀb for another contrast's b. */
  root: Float64Array;
}

/** ℓ by places in θ. */
export type Weights = ReadonlyMap<number, number>;

/**
 * Works contrasts of one model out. With θ's covariance R⁻¹ M R⁻ᵀ in the whitened coordinates (see `Whitening`) and
 * M = FFᵀ, that of contrasts is AAᵀ, A = L R⁻¹ F by rows: variances are sums of squares, never the small difference of
 * large covariances. Under the classical covariance F = σI.
 *
 * @throws ModelError for a penalised fit, and where no degrees of freedom are left
 */
export class Contrasts {
  readonly #model: FittedModel;
  readonly #whitening: Whitening;
  readonly #sigma: number;
  /** The degrees of freedom of contrasts, by their whitened coordinates. */
  readonly degrees: Degrees;

  constructor(model: FittedModel) {
    if (model.penalty !== undefined)
      throw new ModelError(
        "a penalised fit is biased: its coefficients have no standard errors and no tests",
        {
          hint: wording`${verb("refit", option("lambda", 0))} gives the fit without the penalty`,
        },
      );
    checkErrors(model);
    if (!(model.dfResidual > 0 && model.dfInference > 0))
      throw new ModelError(
        `${model.n} rows and ${model.rank} coefficients leave no degrees of freedom: there are no standard errors`,
      );
    this.#model = model;
    this.#whitening = model.whitening;
    this.degrees = degreesOf(model);
    this.#sigma = Math.sqrt(model.rss / model.dfResidual);
  }

  /**
   * The contrast of these weights.
   *
   * @throws ModelError where one of them is of a coefficient that was left out
   */
  of(weights: Weights): Contrast {
    const { coefficients, coefficientNames, vcov } = this.#model;
    let estimate = 0;
    for (const [j, weight] of weights) {
      if (Number.isNaN(coefficients[j]!))
        throw new ModelError(
          `${coefficientNames[j]!} depends linearly on terms before it and has no coefficient to test`,
        );
      estimate += weight * coefficients[j]!;
    }
    const whitened = whitenedContrast(this.#whitening, weights, this.#model.intercept);
    const root = vcov.type === "iid" ? whitened.map((u) => u * this.#sigma) : this.#robustRoot(whitened);
    return { estimate, stdError: Math.sqrt(dot(root, root)), whitened, root };
  }

  #robustRoot(u: Float64Array): Float64Array {
    const { vcov } = this.#model;
    if (vcov.type === "iid") return u;
    const { rank, order, values, noise } = factorOf(vcov, u.length);
    const root = new Float64Array(rank);
    let size = 0;
    for (const [p, at] of order.entries()) {
      const own = u[at]!;
      if (own === 0) continue;
      size += Math.abs(own) * Math.sqrt(vcov.meat[packedIndex(at, at)]!);
      for (let s = 0; s < Math.min(p + 1, rank); s++) root[s]! += own * values[p * rank + s]!;
    }
    // What rounding leaves of a variance that is 0 is 0.
    if (root.every((value, s) => Math.abs(value) <= size * noise[s]!)) root.fill(0);
    return root;
  }
}

/** Σ a_i b_i. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
