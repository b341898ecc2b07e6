import { chiSquareSurvival } from "../../stats/distributions.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { symmetricEigen } from "../../stats/symmetric-eigen.js";
import { backSubstitute, cholesky, forwardSubstitute } from "../solve/cholesky.js";
import { type FTest, fTest } from "./first-stage.js";
import type { Overidentification } from "./overidentification.js";
import { explained, type ReducedForm, reducedDf, unexplained } from "./reduced-form.js";
import { type EffectiveF, effectiveF } from "./weak.js";

/** Tests of instruments under a robust covariance. */
export interface RobustInstrumentTests {
  /** Kleibergen and Paap's F. */
  kleibergenPaap: FTest;
  /** Of one endogenous term. */
  effectiveF?: EffectiveF | undefined;
  overidentification?: (Overidentification & { test: "Hansen J" }) | undefined;
  andersonRubin: FTest;
}

/** The estimate of two-step GMM in whitened coordinates, and its covariance there. */
export interface EfficientGmm {
  gamma: Float64Array;
  meat: Float64Array;
  /** What it minimises: Hansen's J. */
  j: number;
}

/** A part of the joint meat: the cross-products of the scores of residuals a and b. */
export function jointPart(
  meat: ArrayLike<number>,
  q: number,
  a: number,
  b: number,
): (i: number, j: number) => number {
  return (i, j) => {
    const [s, t] = [a * q + i, b * q + j];
    return meat[s >= t ? packedIndex(s, t) : packedIndex(t, s)]!;
  };
}

/** T S Tᵀ of a k × q matrix by rows and a symmetric S, packed. */
export function sandwiched(
  T: readonly Float64Array[],
  S: (i: number, j: number) => number,
  factor: number,
): Float64Array {
  const q = T[0]!.length;
  const half = T.map((row) => {
    const out = new Float64Array(q);
    for (let j = 0; j < q; j++) for (let t = 0; t < q; t++) out[j]! += row[t]! * S(t, j);
    return out;
  });
  const packed = new Float64Array(packedLength(T.length));
  for (let i = 0; i < T.length; i++)
    for (let j = 0; j <= i; j++)
      packed[packedIndex(i, j)] = factor * half[i]!.reduce((sum, value, t) => sum + value * T[j]![t]!, 0);
  return packed;
}

/**
 * Two-step GMM: γ = (T S⁻¹ Tᵀ)⁻¹ T S⁻¹ y, S the meat of the first step's scores, T and y the coordinates of X and of y; undefined where S
 * is singular, as it is of fewer clusters than instruments.
 *
 * @param y Qᵀ(y − ȳ), the intercept's first where there is one
 */
export function efficientGmm(
  T: readonly Float64Array[],
  y: Float64Array,
  S: (i: number, j: number) => number,
): EfficientGmm | undefined {
  const q = y.length;
  const inner = positive(S, q);
  if (inner === undefined) return undefined;
  const rows = T.map((row) => inner.half(row));
  const own = inner.half(y);
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, t) => sum + value * b[t]!, 0);
  const outer = positive((i, j) => dot(rows[i]!, rows[j]!), T.length);
  if (outer === undefined) return undefined;
  const gamma = outer.solve(Float64Array.from(rows, (row) => dot(row, own)));
  const rest = own.map((value, t) => value - rows.reduce((sum, row, i) => sum + gamma[i]! * row[t]!, 0));
  const meat = new Float64Array(packedLength(T.length));
  for (let j = 0; j < T.length; j++) {
    const unit = new Float64Array(T.length);
    unit[j] = 1;
    const column = outer.solve(unit);
    for (let i = j; i < T.length; i++) meat[packedIndex(i, j)] = column[i]!;
  }
  return { gamma, meat, j: dot(rest, rest) };
}

/** A pivot below this counts as 0. */
const SINGULAR = 1e-12;

/** The Cholesky factor of a symmetric matrix, scaled; undefined where it is singular. */
function positive(a: (i: number, j: number) => number, size: number) {
  const scale = Float64Array.from({ length: size }, (_, i) => Math.sqrt(a(i, i)));
  if (!scale.every((value) => value > 0)) return undefined;
  const gram = new Float64Array(packedLength(size));
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) gram[packedIndex(i, j)] = a(i, j) / scale[i]! / scale[j]!;
  const { kept, lower } = cholesky(gram, size, SINGULAR);
  if (kept.length < size) return undefined;
  const half = (b: Float64Array) => {
    const z = b.map((value, i) => value / scale[i]!);
    forwardSubstitute(lower, size, z);
    return z;
  };
  const solve = (b: Float64Array) => {
    const z = half(b);
    backSubstitute(lower, size, z);
    return z.map((value, i) => value / scale[i]!);
  };
  return { half, solve };
}

/**
 * The tests of instruments from the joint meat of all residuals' scores (see `JointMeat`).
 *
 * @param first where the instruments' coordinates begin
 * @param factor of the covariance of the reduced form, which has n − W − L
 * @param df2 the denominators' degrees of freedom
 */
export function robustTests(
  form: ReducedForm,
  meat: ArrayLike<number>,
  parts: { q: number; first: number; factor: number; df2: number; gmm: EfficientGmm | undefined },
): RobustInstrumentTests {
  const { endogenous: m, instruments: l, projected } = form;
  const { q, first, factor, df2, gmm } = parts;
  const block = (a: number, b: number) => {
    const part = jointPart(meat, q, a, b);
    return (i: number, j: number) => part(i + first, j + first);
  };
  const reduced = positive(block(m + 1, m + 1), l);
  const half = reduced?.half(projected[m]!);
  const wald = half === undefined ? Number.NaN : half.reduce((sum, value) => sum + value * value, 0);
  const W = new Float64Array(packedLength(l));
  const own = block(1, 1);
  for (let i = 0; i < l; i++) for (let j = 0; j <= i; j++) W[packedIndex(i, j)] = own(i, j) * factor;
  const df = l - m;
  return {
    kleibergenPaap: fTest(kleibergenPaap(form, block) / l / factor, l, df2),
    ...(m === 1 ? { effectiveF: effectiveF(projected[0]!, W) } : {}),
    ...(df > 0 && gmm !== undefined
      ? {
          overidentification: {
            test: "Hansen J" as const,
            statistic: gmm.j,
            df,
            p: chiSquareSurvival(gmm.j, df),
          },
        }
      : {}),
    andersonRubin: fTest(wald / l / factor, l, df2),
  };
}

/**
 * The statistic of Kleibergen & Paap (2006) that the first stages' coefficients have rank m − 1: with Θ those of columns whose
 * cross-products about the exogenous are I, λ = U₂ᵀΘV₂ of its singular vectors beyond the first m − 1, λᵀ Var(λ)⁻¹ λ.
 */
function kleibergenPaap(
  form: ReducedForm,
  block: (a: number, b: number) => (i: number, j: number) => number,
): number {
  const { endogenous: m, instruments: l, projected } = form;
  const both = (i: number, j: number) => explained(form, i, j) + unexplained(form, i, j);
  const norm = positive(both, m);
  if (norm === undefined) return Number.NaN;
  // Rows of L⁻¹ of YᵀY = LLᵀ: Θ = Π L⁻ᵀ, column by column.
  const G = Array.from({ length: m }, (_, j) => {
    const unit = new Float64Array(m);
    unit[j] = 1;
    return norm.half(unit);
  });
  const theta = Array.from({ length: m }, (_, k) => {
    const column = new Float64Array(l);
    for (let j = 0; j < m; j++) for (let t = 0; t < l; t++) column[t]! += G[j]![k]! * projected[j]![t]!;
    return column;
  });
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, t) => sum + value * b[t]!, 0);
  const gram = new Float64Array(packedLength(m));
  for (let i = 0; i < m; i++)
    for (let j = 0; j <= i; j++) gram[packedIndex(i, j)] = dot(theta[i]!, theta[j]!);
  const { values, vectors } = symmetricEigen(gram, m);
  const order = Array.from(values, (_, k) => k).sort((a, b) => values[b]! - values[a]!);
  const vector = (k: number) => vectors.subarray(order[k]! * m, (order[k]! + 1) * m);
  const image = (v: Float64Array) => {
    const out = new Float64Array(l);
    for (let k = 0; k < m; k++) for (let t = 0; t < l; t++) out[t]! += v[k]! * theta[k]![t]!;
    return out;
  };
  // The complement of the first m − 1 left singular vectors.
  const basis: Float64Array[] = [];
  const add = (from: Float64Array, least: number) => {
    const own = from.slice();
    for (let again = 0; again < 2; again++)
      for (const b of basis) {
        const share = dot(b, own);
        for (let t = 0; t < l; t++) own[t]! -= share * b[t]!;
      }
    const length = Math.sqrt(dot(own, own));
    if (length > least) basis.push(own.map((value) => value / length));
  };
  for (let k = 0; k < m - 1; k++) add(image(vector(k)), 0);
  const rank = basis.length;
  for (let t = 0; t < l && basis.length < l; t++) {
    const unit = new Float64Array(l);
    unit[t] = 1;
    add(unit, 1e-6);
  }
  const complement = basis.slice(rank);
  const last = vector(m - 1);
  const lambda = Float64Array.from(complement, (u) => dot(u, image(last)));
  // Of Y's own columns: what the last vector is a combination of.
  const combination = G.map((column) => column.reduce((sum, value, k) => sum + value * last[k]!, 0));
  const variance = (a: number, b: number) => {
    let sum = 0;
    for (let i = 0; i < m; i++)
      for (let j = 0; j < m; j++) {
        const part = block(i + 1, j + 1);
        let own = 0;
        for (let s = 0; s < l; s++)
          for (let t = 0; t < l; t++) own += complement[a]![s]! * part(s, t) * complement[b]![t]!;
        sum += combination[i]! * combination[j]! * own;
      }
    return sum;
  };
  const half = positive(variance, complement.length)?.half(lambda);
  return half === undefined ? Number.NaN : dot(half, half);
}

/** The denominators' degrees of freedom under clusters: G − 1. */
export function robustDf(form: ReducedForm, clusters: number | undefined): number {
  return clusters === undefined ? reducedDf(form) : clusters - 1;
}
