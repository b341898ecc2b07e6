import type { Steps } from "../../parallel/steps.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { Absorbed } from "./absorb.js";
import type { SpdFactor, SymmetricRows } from "./spd-factor.js";

/** What became of effects that were absorbed. */
export interface AbsorbedEffects {
  /** How many of them the rows determine; one of them stands for the intercept. */
  rank: number;
  /** Σ w (y − ỹ)² about the effects alone: the total sum of squares within them. */
  tss: number;
}

/** What is known of instruments beside the coefficients. */
interface InstrumentedSolution {
  /** κ of the k-class: 1 for two-stage least squares. */
  kappa: number;
  /** Instruments, by index, that depend linearly on exogenous terms or on instruments before them. */
  redundant: readonly number[];
  /** Whether the instruments' cross-products ask for more digits than double has. */
  doubtful: boolean;
}

/** A least-squares solution θ = (XᵀX)⁻¹Xᵀy; with an intercept, that is coefficient 0. */
export interface Solution {
  /** θ; NaN for the aliased. */
  coefficients: Float64Array;
  /**
   * (XᵀX)⁻¹ (with weights (XᵀWX)⁻¹) as a packed lower triangle in the order of θ; NaN for the aliased. Empty where it
   * was not wanted.
   */
  inverse: Float64Array;
  /** The diagonal of the inverse, where there are too many coefficients to keep all of it: then `inverse` is empty. */
  variances?: Float64Array | undefined;
  /** Indices into `terms` of columns that depend linearly on columns before them. */
  aliased: number[];
  /** Coefficients estimated, the intercept among them. */
  rank: number;
  /**
   * √κ₁ of the Gram matrix of the centred columns scaled to length 1: how much rounding may be amplified. NaN where the
   * inverse was not wanted.
   */
  conditionNumber: number;
  /** Residual sum of squares Σ w (y − ŷ)². */
  rss: number;
  /** Total sum of squares: about the mean with an intercept, about 0 without. */
  tss: number;
  /** Where effects were absorbed: what became of them. */
  absorbed?: AbsorbedEffects | undefined;
  /** And how, from which the effects themselves follow. */
  absorption?: Absorbed | undefined;
  /** Where terms are endogenous: what became of their instruments. */
  instrumented?: InstrumentedSolution | undefined;
  /** How it was computed, where that was from moments. */
  method?: Method | undefined;
}

/** Whether a column varies by no more than the rounding of its mean: Σ(x − x̄)² against W x̄². */
export function isConstant(square: number, W: number, mean: number): boolean {
  // 2⁻⁵⁰: four times the unit roundoff, for the mean of a long column of equal values may be off by some ulps.
  return !(square > W * (mean * 2 ** -50) ** 2);
}

/** Numbers that are looked at between two places where others may run. */
const STRETCH = 1 << 20;

/** ‖A‖₁ over the rows and columns `kept`. */
function* normOne({ order, row }: SymmetricRows, kept: readonly number[]): Steps<number> {
  const counts = new Uint8Array(order);
  for (const i of kept) counts[i] = 1;
  const sums = new Float64Array(order);
  const values = new Float64Array(order);
  let seen = 0;
  for (const i of kept) {
    row(i, values, undefined);
    for (let j = 0; j < i; j++) {
      if (counts[j] === 0) continue;
      const size = Math.abs(values[j]!);
      sums[i]! += size;
      sums[j]! += size;
    }
    sums[i]! += Math.abs(values[i]!);
    seen += i;
    if (seen > STRETCH) {
      seen = 0;
      yield;
    }
  }
  return sums.reduce((most, sum) => Math.max(most, sum), 0);
}

/** √κ₁ of a matrix and its inverse, packed, over the columns kept. */
export function* conditionOf(
  rows: SymmetricRows,
  kept: readonly number[],
  inverse: Float64Array,
): Steps<number> {
  const all = Array.from(kept, (_, i) => i);
  const own = yield* normOne(rows, kept);
  return Math.sqrt(own * (yield* normOne(packedRows(inverse, kept.length), all)));
}

/** The rows of a packed matrix. */
export function packedRows(high: Float64Array, order: number, low?: Float64Array): SymmetricRows {
  return {
    order,
    row(i, out, outLow) {
      const [from, to] = [packedIndex(i, 0), packedIndex(i, i) + 1];
      out.set(high.subarray(from, to));
      if (outLow !== undefined && low !== undefined) outLow.set(low.subarray(from, to));
    },
  };
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

/** How θ was found from the moments. */
export interface Method {
  /** What factored the Gram matrix. */
  factor: SpdFactor["by"];
  /** The arithmetic of the factor. */
  arithmetic: "double" | "double-double";
  /** Steps of refinement by residuals in double-double, where θ was refined. */
  refinements?: number | undefined;
}

/**
 * Puts slopes, their inverse Gram matrix A⁻¹ and the intercept into the order of θ, with NaN for the aliased.
 *
 * @param inverse packed over the kept columns, which are divided by `scale`, that of all columns; undefined where it is
 * not wanted
 */
export function* inOrderOfTerms(
  k: number,
  kept: readonly number[],
  beta: Float64Array,
  inverse: { slopes: Float64Array; scale: ArrayLike<number> } | undefined,
  intercept: InterceptPart | undefined,
): Steps<{ coefficients: Float64Array; inverse: Float64Array }> {
  const first = intercept === undefined ? 0 : 1;
  const coefficients = new Float64Array(k + first).fill(Number.NaN);
  for (let i = 0; i < kept.length; i++) coefficients[kept[i]! + first] = beta[i]!;
  if (intercept !== undefined) coefficients[0] = intercept.value;
  if (inverse === undefined) return { coefficients, inverse: new Float64Array(0) };
  const { slopes, scale } = inverse;
  const ordered = new Float64Array(packedLength(k + first));
  if (kept.length < k) ordered.fill(Number.NaN);
  let moved = 0;
  for (let i = 0; i < kept.length; i++) {
    const own = scale[kept[i]!]!;
    const from = packedIndex(i, 0);
    const to = packedIndex(kept[i]! + first, 0) + first;
    for (let j = 0; j <= i; j++) ordered[to + kept[j]!] = slopes[from + j]! / (own * scale[kept[j]!]!);
    moved += i;
    if (moved > STRETCH) {
      moved = 0;
      yield;
    }
  }
  if (intercept !== undefined) {
    ordered[0] = intercept.variance;
    for (let i = 0; i < kept.length; i++) ordered[packedIndex(kept[i]! + 1, 0)] = intercept.covariance[i]!;
  }
  return { coefficients, inverse: ordered };
}
