import { ModelError } from "../../errors.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { refuseInstruments } from "../instruments/check-instruments.js";
import type { LinearModel } from "../model/model.js";
import { extendedCholesky, extendedVector, setEntry } from "../solve/extended-cholesky.js";
import { solve } from "../solve/solve.js";

/** How much a term's variance is inflated by the terms beside it. */
export interface InflationRow {
  term: string;
  /** The columns of the term. */
  df: number;
  /** The variance inflation factor: 1/(1 − R²) of one column; generalised where the term has several. */
  gvif: number;
  /** gvif^(1/(2 df)): on the scale of a standard error, comparable between terms. */
  perDegree: number;
}

/** Columns of a model up to which a term of several is factored once more in double-double, some tenths of a second. */
const MOST_FACTORED = 300;

/**
 * Generalised variance inflation factors of a model's terms, det(S_tt) det((S⁻¹)_tt) with S the Gram matrix of the
 * columns (centred, with an intercept) and t those of one term; from the moments, without the data. NaN for a term
 * with an aliased column, as the others are inflated without it.
 *
 * det(S_tt) is the product of the term's squared pivots by itself, 1/det((S⁻¹)_tt) of those behind all other columns: both
 * from Cholesky factors in double-double, for the determinants of a raw polynomial are far beyond double precision. The
 * other columns are inflated by the term as it is by them, so it is taken from whichever has the larger least pivot.
 *
 * Source: Fox & Monette 1992, "Generalized collinearity diagnostics", JASA 87; R's `car::vif`.
 *
 * @example
 * ```js
 * import { fitCsv, varianceInflation } from "goml";
 *
 * const { model } = await fitCsv("data/boston.csv", { features: ["rm", "lstat"] });
 * console.log(varianceInflation(model).map(({ term, gvif }) => `${term} ${gvif.toFixed(4)}`)); // [ 'rm 1.6045', 'lstat 1.6045' ]
 * ```
 */
export function varianceInflation(model: LinearModel): InflationRow[] {
  refuseInstruments(model, "variance inflation factors");
  const { regression, absorption } = model;
  // Absorbed effects are among the other terms, and the constant among them.
  const intercept = model.intercept || absorption !== undefined;
  const moments = model.moments.over(regression.terms);
  const within = absorption?.moments ?? moments;
  const at = regression.terms.map((key) => moments.index(key));
  const product = (i: number, j: number) => moments.extendedProduct(at[i]!, at[j]!, intercept).toNumber();
  const { inverse, aliased } = solve(model.moments, regression);
  const left = new Set(aliased);
  const kept = regression.terms.map((_, j) => j).filter((j) => !left.has(j));
  const first = model.intercept ? 1 : 0;
  /** The squared pivots of the last columns behind those before them: the least, and the logarithm of their product. */
  const pivots = (from: CrossProducts, columns: readonly number[], last = columns.length) => {
    const of = (j: number) => from.index(regression.terms[j]!);
    const gram = extendedVector(packedLength(columns.length));
    const scale = columns.map((i) => moments.extendedProduct(at[i]!, at[i]!, intercept).sqrt());
    columns.forEach((a, i) => {
      for (let j = 0; j <= i; j++) {
        const value = from.extendedProduct(of(a), of(columns[j]!), intercept);
        setEntry(gram, packedIndex(i, j), value.div(scale[i]!).div(scale[j]!));
      }
    });
    const { rows } = extendedCholesky(gram, columns.length, 0);
    const own = rows.slice(columns.length - last).map(({ hi }) => hi.at(-1)! ** 2);
    return {
      least: own.reduce((least, pivot) => Math.min(least, pivot), 1),
      log: own.reduce((sum, pivot) => sum + Math.log(pivot), 0),
    };
  };
  const inflation = (own: readonly number[], others: readonly number[]) => {
    const [a, b] = [pivots(within, own), pivots(within, others)];
    const inAll = absorption === undefined ? a.log : pivots(moments, own).log;
    return a.least >= b.least
      ? Math.exp(inAll - pivots(within, [...others, ...own], own.length).log)
      : Math.exp(inAll - a.log + b.log - pivots(within, [...own, ...others], others.length).log);
  };
  let column = 0;
  return model.codedTerms.map(({ label, columns }) => {
    const own = columns.map(() => column++);
    if (own.length > 1 && kept.length <= MOST_FACTORED) {
      const among = new Set(own);
      const others = kept.filter((j) => !among.has(j));
      const gvif = own.some((j) => left.has(j)) ? Number.NaN : inflation(own, others);
      return { term: label, df: own.length, gvif, perDegree: gvif ** (1 / (2 * own.length)) };
    }
    const root = own.map((i) => Math.sqrt(product(i, i)));
    const scaled = (i: number, j: number) => product(own[i]!, own[j]!) / root[i]! / root[j]!;
    const inverted = (i: number, j: number) =>
      inverse[packedIndex(own[i]! + first, own[j]! + first)]! * root[i]! * root[j]!;
    const gvif = determinant(own.length, scaled) * determinant(own.length, inverted);
    return { term: label, df: own.length, gvif, perDegree: gvif ** (1 / (2 * own.length)) };
  });
}

/** The determinant of a symmetric positive definite matrix, by Gaussian elimination. */
function determinant(n: number, value: (i: number, j: number) => number): number {
  const rows = Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (_, j) => value(i, j)));
  let product = 1;
  for (let k = 0; k < n; k++) {
    const pivot = rows[k]!;
    product *= pivot[k]!;
    for (let i = k + 1; i < n; i++) {
      const factor = rows[i]![k]! / pivot[k]!;
      for (let j = k; j < n; j++) rows[i]![j]! -= factor * pivot[j]!;
    }
  }
  return product;
}

/**
 * The correlation matrix of a model's coefficients, packed lower triangle in the order of θ; NaN for the aliased.
 *
 * @example
 * ```js
 * import { coefficientCorrelation, fit } from "goml";
 *
 * const model = fit([[1, 2], [2, 1], [3, 5], [4, 4]], [1, 2, 3, 5]);
 * // p × p, row by row; the intercept comes first.
 * console.log(coefficientCorrelation(model).length, coefficientCorrelation(model)[1].toFixed(4)); // 6 -0.5080
 * ```
 */
export function coefficientCorrelation({ covariance, standardErrors }: LinearModel): Float64Array {
  if (covariance.length === 0)
    throw new ModelError(`the correlations of ${standardErrors.length} coefficients are too many to keep`, {
      hint: "look at a model of fewer levels",
    });
  const correlation = new Float64Array(covariance.length);
  for (let i = 0; i < standardErrors.length; i++)
    for (let j = 0; j <= i; j++) {
      const at = packedIndex(i, j);
      correlation[at] =
        i === j ? standardErrors[i]! * 0 + 1 : covariance[at]! / standardErrors[i]! / standardErrors[j]!;
    }
  return correlation;
}
