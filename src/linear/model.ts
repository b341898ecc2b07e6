import { UsageError } from "../errors.js";
import type { ExtendedMoments } from "../stats/extended-moments.js";
import type { Moments } from "../stats/moments.js";
import { packedIndex } from "../stats/packed.js";
import { type ModelDocument, parseModelDocument, SCHEMA } from "./model-document.js";
import { type PredictConcurrentOptions, predictRowsConcurrent } from "./predict-concurrent.js";
import { predictRows } from "./predict-rows.js";
import type { Solution } from "./solution.js";
import { type Summary, summarize } from "./summary.js";

/** How θ was found: Cholesky in double or in double-double, Householder QR of X, or gradient descent. */
export type Solver = "normal" | "extended" | "qr" | "gd";

/** The file a model was fitted on, so that it can be found again and a change be noticed. */
export interface DataSource {
  path: string;
  /** Bytes. */
  size: number;
  /** Time of the last change, in milliseconds since 1970. */
  mtimeMs: number;
}

/** What a fitted model is made of. */
export interface ModelParts {
  target: string;
  terms: readonly string[];
  intercept: boolean;
  solver: Solver;
  solution: Solution;
  moments: Moments | ExtendedMoments;
  source?: DataSource | undefined;
}

/**
 * A fitted linear model ŷ = β₀ + Σ_j x_j β_j of one target on k terms.
 *
 * Fitted by `fit` or `fitCsv`, or read back from JSON; immutable.
 */
export class LinearModel {
  /** The name of y. */
  readonly target: string;
  /** The names of the k columns of X, in order. */
  readonly terms: readonly string[];
  readonly intercept: boolean;
  /** θ: the intercept first where there is one, then one per term; NaN for an aliased term. */
  readonly coefficients: Float64Array;
  /**
   * The estimated covariance of θ, σ² (XᵀX)⁻¹, as a packed lower triangle: entry (i, j), i ≥ j, at i(i + 1)/2 + j.
   * NaN for aliased terms.
   */
  readonly covariance: Float64Array;
  /** Terms that depend linearly on terms before them and were left out. */
  readonly aliased: readonly string[];
  /** The number of coefficients estimated. */
  readonly rank: number;
  /** √κ₁ of the Gram matrix of the centred columns scaled to length 1. */
  readonly conditionNumber: number;
  readonly solver: Solver;
  /** Residual sum of squares on the rows of the fit. */
  readonly rss: number;
  /** Total sum of squares: about the mean with an intercept, about 0 without. */
  readonly tss: number;
  /** The moments of the rows of the fit. */
  readonly moments: Moments | ExtendedMoments;
  readonly source: DataSource | undefined;

  private constructor(
    parts: Omit<ModelParts, "solution"> &
      Omit<Solution, "inverse" | "aliased"> & { covariance: Float64Array; aliased: readonly string[] },
  ) {
    this.target = parts.target;
    this.terms = parts.terms;
    this.intercept = parts.intercept;
    this.coefficients = parts.coefficients;
    this.covariance = parts.covariance;
    this.aliased = parts.aliased;
    this.rank = parts.rank;
    this.conditionNumber = parts.conditionNumber;
    this.solver = parts.solver;
    this.rss = parts.rss;
    this.tss = parts.tss;
    this.moments = parts.moments;
    this.source = parts.source;
  }

  /** A model from a solution of its moments. */
  static of(parts: ModelParts): LinearModel {
    const { solution, ...rest } = parts;
    const variance = solution.rss / (parts.moments.n - solution.rank);
    return new LinearModel({
      ...rest,
      ...solution,
      aliased: solution.aliased.map((i) => parts.terms[i]!),
      covariance: solution.inverse.map((v) => v * variance),
    });
  }

  /** The number of rows of the fit (of positive weight). */
  get n(): number {
    return this.moments.n;
  }

  /** n − rank. */
  get dfResidual(): number {
    return this.n - this.rank;
  }

  /** The residual standard error σ = √(RSS/(n − rank)). */
  get sigma(): number {
    return Math.sqrt(this.rss / this.dfResidual);
  }

  /** The coefficients' names in the order of θ. */
  get coefficientNames(): string[] {
    return this.intercept ? ["(Intercept)", ...this.terms] : [...this.terms];
  }

  /** The standard errors of θ: the roots of the covariance's diagonal. */
  get standardErrors(): Float64Array {
    return this.coefficients.map((_, i) => Math.sqrt(this.covariance[packedIndex(i, i)]!));
  }

  /** θ with 0 for aliased terms and, first, the intercept (0 where there is none): what predicting needs. */
  get weights(): Float64Array {
    const weights = new Float64Array(this.terms.length + 1);
    weights.set(this.coefficients, this.intercept ? 0 : 1);
    return weights.map((w) => (Number.isNaN(w) ? 0 : w));
  }

  /** The table of coefficients and the statistics of the fit; `level` is that of the intervals. */
  summary(level = 0.95): Summary {
    return summarize(this, level);
  }

  /**
   * ŷ = Xθ for the rows of X: n × k row-major, or an array of rows of k numbers, k being the number of terms.
   *
   * @param out a buffer for the n predictions; a new one where it is left out
   * @throws UsageError where the shapes do not fit
   */
  predict(X: Float64Array | readonly (readonly number[])[], out?: Float64Array): Float64Array {
    const flat = flatten(X, this.terms.length);
    const n = rowCount(flat, this.terms.length);
    if (out !== undefined && out.length !== n)
      throw new UsageError(`out has ${out.length} places, X has ${n} rows`);
    const result = out ?? new Float64Array(n);
    predictRows(flat, this.weights, result);
    return result;
  }

  /**
   * `predict` on worker threads, without blocking the event loop; the same bits as `predict`.
   *
   * Put X (and out) into a SharedArrayBuffer to save a copy. Small inputs are predicted at once.
   *
   * @throws InterruptedError when `options.signal` aborts
   */
  async predictConcurrent(
    X: Float64Array | readonly (readonly number[])[],
    options: PredictConcurrentOptions = {},
  ): Promise<Float64Array> {
    const flat = flatten(X, this.terms.length);
    return predictRowsConcurrent(flat, this.weights, rowCount(flat, this.terms.length), options);
  }

  /** The document that model.json holds; `JSON.stringify(model)` calls it. */
  toJSON(): ModelDocument {
    const numbers = (values: Float64Array) => Array.from(values, (v) => (Number.isFinite(v) ? v : null));
    return {
      format: "goml-model",
      schema: SCHEMA,
      target: this.target,
      terms: [...this.terms],
      intercept: this.intercept,
      solver: this.solver,
      coefficients: numbers(this.coefficients),
      covariance: numbers(this.covariance),
      aliased: [...this.aliased],
      rank: this.rank,
      conditionNumber: this.conditionNumber,
      n: this.n,
      sigma: Number.isFinite(this.sigma) ? this.sigma : null,
      rss: this.rss,
      tss: this.tss,
      source: this.source ?? null,
      moments: this.moments.toJSON(),
    };
  }

  /**
   * A model from its document, as parsed from JSON.
   *
   * @param name what to call the document in messages
   * @throws ModelError where it is not such a document, or of a later schema
   */
  static fromJSON(document: unknown, name = "model"): LinearModel {
    const { coefficients, covariance, moments, source, ...rest } = parseModelDocument(document, name);
    const values = (list: readonly (number | null)[]) => Float64Array.from(list, (v) => v ?? Number.NaN);
    return new LinearModel({
      ...rest,
      coefficients: values(coefficients),
      covariance: values(covariance),
      moments,
      source: source ?? undefined,
    });
  }
}

/** X as row-major values; an array of rows is copied. */
export function flatten(X: Float64Array | readonly (readonly number[])[], k: number): Float64Array {
  if (X instanceof Float64Array) return X;
  const flat = new Float64Array(X.length * k);
  X.forEach((row, i) => {
    if (row.length !== k) throw new UsageError(`row ${i} of X has ${row.length} values, expected ${k}`);
    flat.set(row, i * k);
  });
  return flat;
}

/** The number of rows of k values in X. */
export function rowCount(X: Float64Array, k: number): number {
  if (k === 0) throw new UsageError("a model without terms does not tell the number of rows from X");
  if (X.length % k !== 0)
    throw new UsageError(`X has ${X.length} values, which do not make rows of ${k} (the number of terms)`);
  return X.length / k;
}
