import { ModelError, UsageError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { packedIndex } from "../../stats/packed.js";
import { option, wording } from "../../wording.js";
import { unwhiten } from "../covariance/whitening.js";
import type { Absorbed } from "../solve/absorb.js";
import { columnsOf } from "../solve/solve.js";
import { instrumentedFault } from "./check-instrumented.js";
import { unpenalizedSlope } from "./check-penalty.js";
import type { LinearModel } from "./model.js";

/** Columns up to which everything is checked; of more, some are. */
const MOST_COLUMNS = 1000;
const SOME_COLUMNS = 64;
/** Coefficients up to which a robust covariance is made again from its meat, which takes their third power. */
const MOST_ROBUST = 60;
/**
 * How far a sum may be off, as a share of the absolute sum of its terms: seven digits more than rounding takes away, of
 * which an ill-conditioned fit by QR from rows, measured by moments in double, needs some.
 */
const SUM_TOLERANCE = 1e-9;
/** How far what is derived may be off from what it is derived of. */
const TOLERANCE = 1e-6;
/** The share of a column's squares below which what is left of them about effects is not as exact as it looks. */
const LEFT = 1e-5;

/** What is checked: a model, or one of many fits that stand side by side. */
export type SolvedFit = Pick<
  LinearModel,
  | "absorbed"
  | "absorptionSteps"
  | "aliased"
  | "coefficients"
  | "covariance"
  | "dfResidual"
  | "instruments"
  | "intercept"
  | "moments"
  | "n"
  | "penalty"
  | "regression"
  | "rss"
  | "solver"
  | "terms"
  | "tss"
  | "variances"
  | "vcov"
  | "weights"
  | "weightsKind"
  | "whitening"
>;

/**
 * Checks that what a model file says of a fit is what its moments say: with S and s the cross-products of X's columns, of
 * these with y, that Sθ = s (of penalised fits the optimality conditions; not for descents, which do not solve it to the
 * end), β₀ = ȳ − x̄ᵀβ,
 * RSS = yᵀy − 2sᵀβ + βᵀSβ, TSS, and S·Cov(θ̂)·v = σ²v for a vector v; of a robust covariance, that it is what its meat
 * gives, and that the parts of clusters add up. O(p²) for p columns, of which 64 are looked at where there are more than 1,000. Where effects were absorbed all
 * of it is of the columns about them, for which they are absorbed again; and so is how many the rows determine.
 *
 * @throws ModelError that names the first part that does not agree
 */
export function* checkSolutionSteps(model: SolvedFit, name: string): Steps<void> {
  const wrong = (part: string) =>
    new ModelError(`${name}: ${part} not what the moments in the file give`, {
      hint: wording`the file has been changed; train it anew, or read it as it is with ${option("trust", true)}`,
    });
  if (model.instruments !== undefined) {
    const fault = yield* instrumentedFault(model);
    if (fault !== undefined) throw wrong(fault);
    return;
  }
  let absorption: Absorbed | undefined;
  try {
    absorption = yield* model.absorptionSteps();
  } catch (cause) {
    if (!(cause instanceof ModelError || cause instanceof UsageError)) throw cause;
    throw new ModelError(`${name}: the effects cannot be absorbed: ${cause.message}`, { cause });
  }
  yield;
  const sums = new Sums(model, absorption?.moments);
  yield;
  if (model.absorbed !== undefined && absorption !== undefined) {
    const { rank, tss } = model.absorbed;
    if (rank !== absorption.rank) throw wrong("the rank of the absorbed effects is");
    if (!near(tss, sums.tss, TOLERANCE * sums.tss))
      throw wrong("the total sum of squares within the effects is");
  }
  const total = model.absorbed === undefined ? sums.tss : sums.given;
  if (!near(model.tss, total, TOLERANCE * total)) throw wrong("the total sum of squares is");
  const { intercept, penalty, solver } = model;
  const solved = penalty === undefined && solver !== "gd";
  for (const j of sums.looked) {
    const { rest, size } = sums.residual(j);
    // A sum that overflows is none of a fit: squares that do are refused when it is made.
    if (solved && !(size < Infinity && Math.abs(rest) <= SUM_TOLERANCE * size))
      throw wrong(`the coefficient of ${JSON.stringify(model.terms[j])} is`);
    yield;
  }
  const off = unpenalizedSlope(model, sums);
  if (off !== undefined) throw wrong(`the coefficient of ${JSON.stringify(model.terms[off])} is`);
  if (intercept && solver !== "gd" && !near(sums.interceptGap, 0, SUM_TOLERANCE * sums.interceptSize))
    throw wrong("the intercept is");
  if (sums.looked.length === sums.terms) {
    const { rss, size } = yield* sums.rss();
    if (!near(model.rss, rss, SUM_TOLERANCE * size + TOLERANCE * Math.abs(model.rss)))
      throw wrong("the residual sum of squares is");
  }
  if (penalty === undefined && !(yield* covarianceAgrees(model, sums))) throw wrong("the covariance is");
}

/** The moments of a model as its normal equations see them. */
class Sums {
  readonly terms: number;
  /** The columns that are looked at. */
  readonly looked: readonly number[];
  /** Of the columns of X: √S_jj, 0 for one that is zero in all rows. */
  readonly scale: Float64Array;
  readonly beta: Float64Array;
  readonly mean: Float64Array;
  readonly W: number;
  readonly tss: number;
  /** That of the moments in the file, where effects were absorbed. */
  readonly given: number;
  /** β₀ − (ȳ − x̄ᵀβ), and the absolute sum of what it is the sum of. */
  readonly interceptGap: number;
  readonly interceptSize: number;
  readonly product: (i: number, j: number) => number;

  /** @param within the moments of the columns about absorbed effects */
  constructor(model: SolvedFit, within: CrossProducts | undefined) {
    const { regression, intercept, weights } = model;
    const k = regression.terms.length;
    this.terms = k;
    const all = k <= MOST_COLUMNS;
    const given = within ?? model.moments;
    const moments = all ? given.over([...regression.terms, regression.target]) : given;
    const at = columnsOf(moments, regression);
    const centred = intercept || within !== undefined;
    this.product = (i, j) => moments.product(at[i]!, at[j]!, centred);
    this.looked = all
      ? Array.from({ length: k }, (_, j) => j)
      : Array.from({ length: SOME_COLUMNS }, (_, i) => Math.floor((i * k) / SOME_COLUMNS));
    this.W = moments.sumW;
    this.mean = Float64Array.from(at, (i) => moments.mean[i] ?? 0);
    this.beta = weights.slice(1);
    // What is left of a column's squares about effects is as exact as the squares themselves are.
    const before = within && columnsOf(model.moments, regression);
    const square = (j: number) => (before === undefined ? 0 : model.moments.product(before[j]!, before[j]!));
    this.scale = Float64Array.from({ length: k }, (_, j) =>
      Math.sqrt(Math.max(0, this.product(j, j), LEFT * square(j))),
    );
    this.tss = this.product(k, k);
    this.given = square(k);
    let gap = weights[0]! - this.mean[k]!;
    let size = Math.abs(weights[0]!) + Math.abs(this.mean[k]!) + Math.sqrt(this.tss / this.W);
    for (let j = 0; j < k; j++) {
      const part = this.mean[j]! * this.beta[j]!;
      gap += part;
      size += Math.abs(part) + (this.scale[j]! * Math.abs(this.beta[j]!)) / Math.sqrt(this.W);
    }
    this.interceptGap = intercept ? gap : 0;
    this.interceptSize = size;
  }

  /** s_j − Σ S_jk β_k, and how large that could be by the lengths of its vectors. */
  residual(j: number): { rest: number; size: number } {
    const { terms, beta, scale } = this;
    let rest = this.product(j, terms);
    let size = Math.sqrt(this.tss);
    for (let k = 0; k < terms; k++) {
      if (beta[k] === 0) continue;
      rest -= this.product(j, k) * beta[k]!;
      size += scale[k]! * Math.abs(beta[k]!);
    }
    return { rest, size: size * scale[j]! };
  }

  /** Σ w (y − ŷ)² of these coefficients, solved or not. */
  *rss(): Steps<{ rss: number; size: number }> {
    const { terms, beta, W, interceptGap } = this;
    let rss = this.tss + W * interceptGap * interceptGap;
    let size = this.tss;
    for (let j = 0; j < terms; j++) {
      if (beta[j] === 0) continue;
      const { rest, size: own } = this.residual(j);
      // βᵀSβ − 2sᵀβ = −Σ β_j (s_j + (s_j − Σ S_jk β_k)).
      rss -= beta[j]! * (this.product(j, terms) + rest);
      size += Math.abs(beta[j]!) * own;
      yield;
    }
    return { rss, size };
  }
}

function* covarianceAgrees(model: SolvedFit, sums: Sums): Steps<boolean> {
  const { covariance, coefficients, intercept, vcov } = model;
  const first = intercept ? 1 : 0;
  const kept = sums.beta.reduce<number[]>((list, _, j) => {
    if (!Number.isNaN(coefficients[j + first]!)) list.push(j);
    return list;
  }, []);
  // Without degrees of freedom there is none.
  if (!(model.dfResidual > 0)) return true;
  if (model.weightsKind === "probability" && vcov.type === "iid") return covariance.every(Number.isNaN);
  const sigma2 = model.rss / model.dfResidual;
  if (vcov.type !== "iid") {
    if (kept.length > MOST_ROBUST) return true;
    if (vcov.shares !== undefined && !addUp(vcov.shares, vcov.meat.length)) return false;
    const again = unwhiten(model.whitening, Float64Array.from(vcov.meat), sums.terms);
    return again.every((value, i) => {
      const [a, b] = entryOf(i);
      const size = Math.sqrt(Math.abs(again[packedIndex(a, a)]! * again[packedIndex(b, b)]!));
      return Number.isNaN(value)
        ? Number.isNaN(covariance[i]!)
        : near(covariance[i]!, value, TOLERANCE * size);
    });
  }
  // Of very many coefficients there are the variances alone: none is less than of its column by itself.
  if (covariance.length === 0)
    return kept.every((j) => {
      const variance = model.variances[j + first]!;
      return variance * sums.scale[j]! ** 2 >= sigma2 * (1 - TOLERANCE);
    });
  const entry = (i: number, j: number) => covariance[i < j ? packedIndex(j, i) : packedIndex(i, j)]!;
  // v = Dε, ε of signs that have no pattern: u = Cov·v, and then D⁻¹Su = σ²ε.
  const sign = (j: number) => (Math.imul(j + 1, 0x9e3779b1) < 0 ? -1 : 1);
  const u = new Float64Array(sums.terms);
  for (const i of kept) {
    for (const j of kept) u[i]! += entry(i + first, j + first) * sums.scale[j]! * sign(j);
    yield;
  }
  const has = new Set(kept);
  for (const j of sums.looked) {
    if (!has.has(j)) continue;
    let value = 0;
    let size = 0;
    for (const k of kept) {
      const part = sums.product(j, k) * u[k]!;
      value += part;
      size += Math.abs(part);
    }
    const expected = sigma2 * sign(j) * sums.scale[j]!;
    if (!near(value, expected, SUM_TOLERANCE * size + TOLERANCE * Math.abs(expected))) return false;
    yield;
  }
  if (!intercept) return true;
  // Cov(β₀, β) = −Cov(β)x̄ and var(β₀) = σ²/W + x̄ᵀCov(β)x̄.
  let variance = sigma2 / sums.W;
  let all = variance;
  for (const i of kept) {
    let value = 0;
    let size = 0;
    for (const j of kept) {
      const part = entry(i + 1, j + 1) * sums.mean[j]!;
      value -= part;
      size += Math.abs(part);
    }
    if (!near(entry(i + 1, 0), value, TOLERANCE * size)) return false;
    variance -= sums.mean[i]! * value;
    all += Math.abs(sums.mean[i]!) * size;
    yield;
  }
  return near(entry(0, 0), variance, TOLERANCE * all);
}

/** Whether the parts of Σ w uuᵀ by cluster are together I, and none has a negative diagonal. */
function addUp(shares: readonly number[], length: number): boolean {
  const sums = new Float64Array(length);
  shares.forEach((value, i) => {
    sums[i % length]! += value;
  });
  return sums.every((sum, i) => {
    const [a, b] = entryOf(i);
    return near(sum, a === b ? 1 : 0, TOLERANCE);
  });
}

/** The row and column of a place in a packed lower triangle. */
function entryOf(at: number): [number, number] {
  let row = Math.floor((Math.sqrt(8 * at + 1) - 1) / 2);
  if (packedIndex(row + 1, 0) <= at) row++;
  return [row, at - packedIndex(row, 0)];
}

/** Whether numbers agree; what has overflown agrees with nothing. */
function near(a: number, b: number, bound: number): boolean {
  return bound < Infinity && Math.abs(a - b) <= bound;
}
