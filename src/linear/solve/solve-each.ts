import { packedIndex, packedLength } from "../../stats/packed.js";
import { backSubstitute, forwardSubstitute, inverseFromFactor } from "./cholesky.js";
import { isDoubtful, isFar } from "./ladder.js";
import { CholeskyDecomposition, Matrix } from "./ml-matrix.js";
import type { Regression } from "./regression.js";
import { isConstant } from "./solution.js";
import { columnsIn, DOUBLE_TOLERANCE } from "./solve.js";

/** Regressions of more columns than this go one by one: their own work is then most of what they cost. */
const MOST_COLUMNS = 31;

/** Means below this are looked at more closely, see `checkSquares`. */
const SMALL_MEAN = 1e-140;

/** Moments in a list of many, the columns' means from `mean` on and their cross-products from `product` on. */
export interface ListedMoments {
  sumW: number;
  means: Float64Array;
  mean: number;
  products: Float64Array;
  product: number;
}

/**
 * Solves one regression for many moments in double, one after the other: the bits of `solve`, whose steps and objects
 * would cost ten times what a small system does. What is not plain sailing (dependent columns, a constant target,
 * numbers near the ends of doubles) it leaves to `solve`.
 */
export class EachSolver {
  readonly #at: readonly number[];
  /** Where entry (i, j) of the columns in order is among the cross-products, at i (k + 1) + j. */
  readonly #places: Int32Array;
  readonly #intercept: boolean;
  readonly #k: number;
  readonly #matrix: Matrix;
  readonly #lower: Float64Array;
  readonly #mean: Float64Array;
  readonly #scale: Float64Array;
  readonly #half: Float64Array;
  readonly #z: Float64Array;
  readonly #norms: Float64Array;
  readonly #inner: Float64Array;
  readonly #slopesInverse: Float64Array;
  /** The solution: θ, (XᵀX)⁻¹ packed, and the figures of `Solution`. */
  readonly coefficients: Float64Array;
  readonly inverse: Float64Array;
  readonly rank: number;
  conditionNumber = Number.NaN;
  rss = Number.NaN;
  tss = Number.NaN;
  /** Whether double precision is not enough for it, see `needsExtended`. */
  doubtful = false;

  private constructor(at: readonly number[], intercept: boolean) {
    const k = at.length - 1;
    const first = intercept ? 1 : 0;
    this.#at = at;
    this.#places = Int32Array.from({ length: (k + 1) ** 2 }, (_, e) =>
      packedIndex(at[Math.floor(e / (k + 1))]!, at[e % (k + 1)]!),
    );
    this.#intercept = intercept;
    this.#k = k;
    this.#matrix = Matrix.zeros(k, k);
    this.#lower = new Float64Array(k * k);
    this.#mean = new Float64Array(k + 1);
    this.#scale = new Float64Array(k);
    this.#half = new Float64Array(k);
    this.#z = new Float64Array(k);
    this.#norms = new Float64Array(k);
    this.#inner = new Float64Array(k * k);
    this.#slopesInverse = new Float64Array(packedLength(k));
    this.rank = k + first;
    this.coefficients = new Float64Array(k + first);
    this.inverse = new Float64Array(packedLength(k + first));
  }

  /** The solver of a regression on moments of these columns; undefined where `solve` is as good. */
  static of(columns: readonly string[], regression: Regression): EachSolver | undefined {
    if (regression.absorbed !== undefined || regression.terms.length > MOST_COLUMNS) return undefined;
    const at = columnsIn((name) => columns.indexOf(name), regression);
    return at.length < 2 || at.includes(-1) ? undefined : new EachSolver(at, regression.intercept);
  }

  /** Solves for one of the moments; false where `solve` should, for what it finds or refuses. */
  solve({ sumW, means, mean: from, products, product: first }: ListedMoments): boolean {
    const k = this.#k;
    const mean = this.#mean;
    for (let i = 0; i <= k; i++) mean[i] = means[from + this.#at[i]!]!;
    const places = this.#places;
    const intercept = this.#intercept;
    const product = (i: number, j: number) => {
      const c = products[first + places[i * (k + 1) + j]!]!;
      return intercept ? c : c + sumW * mean[i]! * mean[j]!;
    };
    let far = false;
    for (let i = 0; i <= k; i++) {
      far ||= isFar(sumW, mean[i]!, products[first + places[i * (k + 2)]!]!);
      const square = product(i, i);
      if (!(Math.abs(mean[i]!) >= SMALL_MEAN && Math.abs(mean[i]!) < Infinity && square < Infinity))
        return false;
      if (isConstant(square, sumW, mean[i]!)) return false;
      if (i < k) this.#scale[i] = Math.sqrt(square);
    }
    const scale = this.#scale;
    const matrix = this.#matrix;
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < i; j++) {
        const value = product(i, j) / scale[i]! / scale[j]!;
        matrix.set(i, j, value);
        matrix.set(j, i, value);
      }
      matrix.set(i, i, 1);
    }
    const { lowerTriangularMatrix } = new CholeskyDecomposition(matrix);
    const lower = this.#lower;
    for (let i = 0; i < k; i++) {
      const root = lowerTriangularMatrix.get(i, i);
      if (!(root * root > DOUBLE_TOLERANCE)) return false;
      for (let j = 0; j <= i; j++) lower[i * k + j] = lowerTriangularMatrix.get(i, j);
    }
    this.#slopes(product);
    this.#invert(sumW);
    this.doubtful = far || isDoubtful(this);
    return true;
  }

  #slopes(product: (i: number, j: number) => number): void {
    const k = this.#k;
    const [lower, scale, half, mean] = [this.#lower, this.#scale, this.#half, this.#mean];
    for (let i = 0; i < k; i++) half[i] = product(i, k) / scale[i]!;
    forwardSubstitute(lower, k, half);
    let explained = 0;
    for (let i = 0; i < k; i++) explained += half[i]! * half[i]!;
    backSubstitute(lower, k, half);
    const slopes = this.#intercept ? 1 : 0;
    let intercept = mean[k]!;
    for (let i = 0; i < k; i++) {
      const beta = half[i]! / scale[i]!;
      this.coefficients[slopes + i] = beta;
      intercept -= mean[i]! * beta;
    }
    if (this.#intercept) this.coefficients[0] = intercept;
    this.tss = product(k, k);
    this.rss = Math.max(0, this.tss - explained);
  }

  /** (XᵀX)⁻¹ and the condition number. */
  #invert(sumW: number): void {
    const k = this.#k;
    const [lower, scale, inverse] = [this.#lower, this.#scale, this.inverse];
    const slopes = inverseFromFactor(lower, k, this.#inner, this.#slopesInverse);
    const matrix = this.#matrix;
    const own = this.#normOne((i, j) => matrix.get(i, j));
    this.conditionNumber = Math.sqrt(own * this.#normOne((i, j) => slopes[packedIndex(i, j)]!));
    const first = this.#intercept ? 1 : 0;
    for (let i = 0; i < k; i++)
      for (let j = 0; j <= i; j++)
        inverse[packedIndex(i + first, j + first)] = slopes[packedIndex(i, j)]! / (scale[i]! * scale[j]!);
    if (!this.#intercept) return;
    const z = this.#z;
    for (let i = 0; i < k; i++) z[i] = this.#mean[i]! / scale[i]!;
    forwardSubstitute(lower, k, z);
    let variance = 1 / sumW;
    for (let i = 0; i < k; i++) variance += z[i]! * z[i]!;
    backSubstitute(lower, k, z);
    inverse[0] = variance;
    for (let i = 0; i < k; i++) inverse[packedIndex(i + 1, 0)] = -z[i]! / scale[i]!;
  }

  #normOne(entry: (i: number, j: number) => number): number {
    const sums = this.#norms.fill(0);
    for (let i = 0; i < this.#k; i++) {
      for (let j = 0; j < i; j++) {
        const size = Math.abs(entry(i, j));
        sums[i]! += size;
        sums[j]! += size;
      }
      sums[i]! += Math.abs(entry(i, i));
    }
    let most = 0;
    for (let i = 0; i < this.#k; i++) most = Math.max(most, sums[i]!);
    return most;
  }
}
