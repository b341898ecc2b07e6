import { packedIndex, packedLength } from "../../stats/packed.js";
import { cholesky, forwardSubstitute } from "../solve/cholesky.js";
import { type AdjustedGram, type AdjustedType, adjustedGram } from "./cluster-adjustment.js";
import { inferenceDf, type RobustVcov, type Vcov } from "./vcov.js";

/** Contrasts that depend on each other more than this have no test together. */
const SINGULAR = 1e-12;

/** The degrees of freedom that a covariance has, by contrast. */
export interface Degrees {
  /** Of t for a contrast ℓᵀθ̂. @param whitened R⁻ᵀℓ */
  of(whitened: Float64Array): number;
  /**
   * Of F for contrasts together: those of the denominator, and what F = Q/q is multiplied by before it is looked up.
   */
  joint(whitened: readonly Float64Array[]): { df2: number; scale: number };
}

/** The degrees of freedom under a covariance, of a fit that has `dfResidual` left. */
export function degreesOf({ vcov, dfResidual }: { vcov: Vcov; dfResidual: number }): Degrees {
  if (vcov.type !== "iid" && vcov.type !== "bootstrap" && vcov.shares !== undefined)
    return new Satterthwaite(vcov);
  const df = inferenceDf(vcov, dfResidual);
  return { of: () => df, joint: () => ({ df2: df, scale: 1 }) };
}

const prepared = new WeakMap<RobustVcov, AdjustedGram[]>();

/**
 * Satterthwaite's degrees of freedom of a clustered covariance, were the errors independent and of one variance.
 *
 * The variance of ℓᵀθ̂ is estimated by Σ_i (p_iᵀe)², with v = R⁻ᵀℓ and p_i = (I − H)_i A_i U_i v for cluster i; then
 * P_ij = p_iᵀp_j = 1(i = j) vᵀD_iv − vᵀB_iB_jv with B and D as in {@link AdjustedGram}, and the degrees of freedom are
 * (Σ P_ii)²/Σ P_ij² (Bell & McCaffrey 2002). Of q contrasts together, made orthonormal by Ω = Σ P_ii, those of Hotelling's T²
 * whose covariance has the same total variance: η = q(q + 1)/Σ_st Var(d_st), and F = (η − q + 1)/η · Q/q on q and
 * η − q + 1 (Pustejovsky & Tipton 2018, the HTZ of clubSandwich). Sums over pairs of clusters are products of sums, so
 * that G clusters cost G and not G².
 */
class Satterthwaite implements Degrees {
  readonly #clusters: readonly AdjustedGram[];

  constructor(vcov: RobustVcov) {
    let clusters = prepared.get(vcov);
    if (clusters === undefined) {
      clusters = adjustedGrams(vcov);
      prepared.set(vcov, clusters);
    }
    this.#clusters = clusters;
  }

  of(v: Float64Array): number {
    const parts = this.#partsOf(v);
    const total = this.#omega(v, v);
    return (2 * total * total) / this.#variance(v, v, parts, parts);
  }

  joint(whitened: readonly Float64Array[]): { df2: number; scale: number } {
    const contrasts = this.#orthonormal(whitened);
    if (contrasts === undefined) return { df2: Number.NaN, scale: Number.NaN };
    const q = contrasts.length;
    const parts = contrasts.map((v) => this.#partsOf(v));
    let sum = 0;
    for (let s = 0; s < q; s++)
      for (let t = 0; t <= s; t++) {
        const own = this.#variance(contrasts[s]!, contrasts[t]!, parts[s]!, parts[t]!);
        sum += s === t ? own : 2 * own;
      }
    const eta = (q * (q + 1)) / sum;
    const df2 = eta - q + 1;
    return df2 > 0 ? { df2, scale: df2 / eta } : { df2: Number.NaN, scale: Number.NaN };
  }

  /** B_i v of each cluster, one after the other. */
  #partsOf(v: Float64Array): Float64Array {
    const p = v.length;
    const parts = new Float64Array(p * this.#clusters.length);
    this.#clusters.forEach(({ b }, c) => {
      for (let i = 0; i < p; i++) {
        let sum = 0;
        for (let j = 0; j < p; j++) sum += b[packedIndex(i, j)]! * v[j]!;
        parts[c * p + i] = sum;
      }
    });
    return parts;
  }

  /** Σ_i vᵀD_iw − vᵀB_iB_iw: what the estimate of Cov(ℓᵀθ̂, mᵀθ̂) is on the average, were σ = 1. */
  #omega(v: Float64Array, w: Float64Array): number {
    const [a, b] = [this.#partsOf(v), this.#partsOf(w)];
    const p = v.length;
    let sum = 0;
    this.#clusters.forEach(({ d }, c) => {
      sum += form(d, v, w) - dotAt(a, b, c * p, p);
    });
    return sum;
  }

  /** Σ_ij P_ss,ij P_tt,ij + P_st,ij P_ts,ij: the variance of the estimated covariance of contrasts v_s and v_t. */
  #variance(v: Float64Array, w: Float64Array, a: Float64Array, b: Float64Array): number {
    const p = v.length;
    let own = 0;
    const k = new Float64Array(p * p);
    this.#clusters.forEach(({ d }, c) => {
      const at = c * p;
      const [ss, tt, st] = [form(d, v, v), form(d, w, w), form(d, v, w)];
      own += ss * tt - ss * dotAt(b, b, at, p) - tt * dotAt(a, a, at, p);
      own += st * st - 2 * st * dotAt(a, b, at, p);
      for (let i = 0; i < p; i++) for (let j = 0; j < p; j++) k[i * p + j]! += a[at + i]! * b[at + j]!;
    });
    let pairs = 0;
    for (let i = 0; i < p; i++)
      for (let j = 0; j < p; j++) pairs += k[i * p + j]! ** 2 + k[i * p + j]! * k[j * p + i]!;
    return own + pairs;
  }

  /** Combinations of the contrasts whose estimated covariance is I on the average; undefined where they depend on each other. */
  #orthonormal(whitened: readonly Float64Array[]): Float64Array[] | undefined {
    const q = whitened.length;
    const omega = new Float64Array(packedLength(q));
    for (let s = 0; s < q; s++)
      for (let t = 0; t <= s; t++) omega[packedIndex(s, t)] = this.#omega(whitened[s]!, whitened[t]!);
    const size = whitened.map((_, s) => Math.sqrt(omega[packedIndex(s, s)]!));
    for (let s = 0; s < q; s++) for (let t = 0; t <= s; t++) omega[packedIndex(s, t)]! /= size[s]! * size[t]!;
    const { kept, lower } = cholesky(omega, q, SINGULAR);
    if (kept.length < q) return undefined;
    const p = whitened[0]!.length;
    const out = whitened.map(() => new Float64Array(p));
    const column = new Float64Array(q);
    for (let i = 0; i < p; i++) {
      for (let s = 0; s < q; s++) column[s] = whitened[s]![i]! / size[s]!;
      forwardSubstitute(lower, q, column);
      for (let s = 0; s < q; s++) out[s]![i] = column[s]!;
    }
    return out;
  }
}

function adjustedGrams({ type, shares, meat }: RobustVcov): AdjustedGram[] {
  const length = meat.length;
  const size = (Math.sqrt(8 * length + 1) - 1) / 2;
  return Array.from({ length: shares!.length / length }, (_, c) =>
    adjustedGram(type as AdjustedType, Float64Array.from(shares!.slice(c * length, (c + 1) * length)), size),
  );
}

/** vᵀSw of a packed symmetric matrix. */
function form(S: Float64Array, v: Float64Array, w: Float64Array): number {
  let sum = 0;
  for (let i = 0, at = 0; i < v.length; i++) {
    for (let j = 0; j < i; j++, at++) sum += S[at]! * (v[i]! * w[j]! + v[j]! * w[i]!);
    sum += S[at++]! * v[i]! * w[i]!;
  }
  return sum;
}

function dotAt(a: Float64Array, b: Float64Array, at: number, length: number): number {
  let sum = 0;
  for (let i = at; i < at + length; i++) sum += a[i]! * b[i]!;
  return sum;
}
