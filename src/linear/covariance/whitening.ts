import { ModelError } from "../../errors.js";
import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { DoubleDouble } from "../../stats/double-double.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { ended } from "../../stats/pauses.js";
import { option, wording } from "../../wording.js";
import {
  extendedCholeskySteps,
  extendedForward,
  extendedVector,
  setEntry,
} from "../solve/extended-cholesky.js";
import type { Regression } from "../solve/regression.js";
import { factorMeat, type MeatFactor } from "./meat-factor.js";

/**
 * Coordinates u = R⁻ᵀx in which the rows of a fit are orthonormal, Σ w uuᵀ = I (X = QR: u is a row of Q): with an
 * intercept u₀ = 1/√W and, for the other columns, u = L⁻¹D⁻¹(x − x̄), LLᵀ being the Cholesky factor of their centred
 * Gram matrix scaled to unit diagonal.
 *
 * Leverage is w‖u‖², the variance of a fitted value σ²‖u‖², and neither loses digits where the columns are far from
 * zero, as xᵀ Cov(θ̂) x does. Plain data, so that it can go to a worker.
 */
export interface Whitening {
  /** The number of coordinates: the rank. */
  rank: number;
  /** 1/√W, the first coordinate; 0 where there is no intercept, and so no such coordinate. */
  constant: number;
  /** The columns of X that are not aliased, by index; r of them. */
  kept: number[];
  /** Their means, and what these lack as doubles where columns lie far from zero; zeros without an intercept. */
  mean: Float64Array;
  meanLow: Float64Array;
  /** The mean of y, and what means lack as doubles: ȳ = target + low, low with that of Σ x̄_j β_j taken off. */
  target: readonly [number, number];
  /** The slopes, in the order of `kept`. */
  slopes: Float64Array;
  /** L⁻¹D⁻¹, r × r lower triangular, packed by rows. */
  lower: Float64Array;
}

/** Products that are added up between two pauses: some 5 ms. */
const WORK = 1 << 21;

/** From so many standard deviations on the digits that a mean lacks as a double are some of what leverages show. */
const FAR_DEVIATIONS = 1e4;

/** Coordinates for which the factor of their covariances is kept: 36 MB of it, twice that while it is made. */
const MOST_COORDINATES = 3000;

/**
 * The whitening of a fit from its moments, computed in double-double arithmetic.
 *
 * @param coefficients θ, the intercept first where there is one; NaN marks the aliased columns
 * @throws ModelError where the moments do not have the rank of the fit
 */
export function whiteningOf(
  given: CrossProducts,
  regression: Regression,
  coefficients: Float64Array,
): Whitening {
  return inOneGo(whiteningSteps(given, regression, coefficients));
}

/** `whiteningOf`, in steps: of a thousand columns it takes seconds. */
export function* whiteningSteps(
  given: CrossProducts,
  regression: Regression,
  coefficients: Float64Array,
): Steps<Whitening> {
  const { terms, intercept } = regression;
  const kept = terms.map((_, j) => j).filter((j) => !Number.isNaN(coefficients[j + (intercept ? 1 : 0)]!));
  const r = kept.length;
  if (r > MOST_COORDINATES)
    throw new ModelError(
      `${r} coefficients have too many covariances for robust errors, intervals and leverages`,
      {
        hint: `these can be had for up to ${MOST_COORDINATES}: leave out a factor of very many levels`,
      },
    );
  const moments = given.over([...regression.terms, regression.target]);
  const at = kept.map((j) => moments.index(terms[j]!));
  const product = (i: number, j: number) => moments.extendedProduct(at[i]!, at[j]!, intercept);
  const root = at.map((_, i) => product(i, i).sqrt());
  const gram = extendedVector(packedLength(r));
  for (let i = 0; i < r; i++) {
    for (let j = 0; j <= i; j++) setEntry(gram, packedIndex(i, j), product(i, j).div(root[i]!).div(root[j]!));
    yield;
  }
  const { rows, aliased } = yield* extendedCholeskySteps(gram, r, 0);
  if (aliased.length > 0)
    throw new ModelError(
      `the moments are singular in ${terms[kept[aliased[0]!]!]}, which the model estimates`,
      {
        hint: wording`train with ${option("solver", "auto")}, which finds the rank from the moments`,
      },
    );
  const lower = new Float64Array(packedLength(r));
  for (let j = 0; j < r; j++) {
    const column = extendedVector(r);
    setEntry(column, j, new DoubleDouble(1).div(root[j]!));
    extendedForward(rows, column, j);
    yield;
    for (let i = j; i < r; i++) lower[packedIndex(i, j)] = column.hi[i]!;
  }
  const y = moments.extendedMean(moments.index(regression.target));
  const lowOf = (i: number) => moments.extendedMean(at[i]!).lo;
  const meanLow = Float64Array.from(at, (column, i) => {
    const deviation = root[i]!.hi / Math.sqrt(moments.sumW);
    return intercept && Math.abs(moments.extendedMean(column).hi) > FAR_DEVIATIONS * deviation ? lowOf(i) : 0;
  });
  const slopes = Float64Array.from(kept, (j) => coefficients[j + (intercept ? 1 : 0)]!);
  return {
    rank: r + (intercept ? 1 : 0),
    constant: intercept ? 1 / Math.sqrt(moments.sumW) : 0,
    kept,
    mean: Float64Array.from(at, (i) => (intercept ? moments.extendedMean(i).hi : 0)),
    meanLow,
    target: intercept
      ? [y.hi, slopes.reduce((low, slope, i) => low - slope * (lowOf(i) - meanLow[i]!), y.lo)]
      : [0, 0],
    slopes,
    lower,
  };
}

/**
 * R⁻¹, rank × rank, row-major and upper triangular: what coordinate j adds to coefficient i, the intercept first where there
 * is one.
 */
export function inverseRoot({ rank, constant, kept, mean, lower }: Whitening): Float64Array {
  const first = constant === 0 ? 0 : 1;
  const rows = new Float64Array(rank * rank);
  kept.forEach((_, j) => {
    for (let i = j; i < kept.length; i++) rows[(j + first) * rank + i + first] = lower[packedIndex(i, j)]!;
  });
  if (first === 1) {
    rows[0] = constant;
    for (let i = 0; i < kept.length; i++)
      for (let j = 0; j <= i; j++) rows[i + 1]! -= mean[j]! * lower[packedIndex(i, j)]!;
  }
  return rows;
}

/**
 * R⁻ᵀℓ, the whitened coordinates of a contrast ℓᵀθ.
 *
 * @param weights ℓ by places in θ
 * @param intercept whether θ has an intercept, first
 */
export function whitenedContrast(
  { rank, constant, kept, mean, meanLow, lower }: Whitening,
  weights: ReadonlyMap<number, number>,
  intercept: boolean,
): Float64Array {
  const first = constant === 0 ? 0 : 1;
  const share = intercept ? (weights.get(0) ?? 0) : 0;
  const shift = intercept ? 1 : 0;
  const centred = Float64Array.from(
    kept,
    (j, i) => (weights.get(j + shift) ?? 0) - share * mean[i]! - share * meanLow[i]!,
  );
  const u = new Float64Array(rank);
  if (first === 1) u[0] = share * constant;
  for (let i = 0; i < kept.length; i++) {
    let sum = 0;
    for (let j = 0; j <= i; j++) sum += lower[packedIndex(i, j)]! * centred[j]!;
    u[i + first] = sum;
  }
  return u;
}

/**
 * Cov(θ̂) = R⁻¹ S R⁻ᵀ of a covariance S in whitened coordinates, as a packed lower triangle in the order of θ.
 *
 * @param S packed lower triangle, rank × rank
 * @param k the number of columns of X; aliased ones have NaN
 */
export function unwhiten(whitening: Whitening, S: Float64Array, k: number): Float64Array {
  const { rank, constant, kept } = whitening;
  const first = constant === 0 ? 0 : 1;
  const rows = inverseRoot(whitening);
  const { rank: columns, order: taken, values, noise } = factorMeat(S, rank);
  // R⁻¹F, whose rows' products are the covariances.
  const product = new Float64Array(rank * columns);
  const order = first === 1 ? [0, ...kept.map((j) => j + 1)] : kept;
  const covariance = new Float64Array(packedLength(k + first)).fill(Number.NaN);
  for (let i = 0; i < rank; i++) {
    let size = 0;
    for (let p = 0; p < rank; p++) {
      const own = rows[i * rank + taken[p]!]!;
      if (own === 0) continue;
      size += Math.abs(own) * Math.sqrt(S[packedIndex(taken[p]!, taken[p]!)]!);
      const last = Math.min(p + 1, columns);
      for (let s = 0; s < last; s++) product[i * columns + s]! += own * values[p * columns + s]!;
    }
    // What rounding leaves of a variance that is 0 is 0.
    let isZero = true;
    for (let s = 0; s < columns && isZero; s++)
      isZero = Math.abs(product[i * columns + s]!) <= size * noise[s]!;
    if (isZero) product.fill(0, i * columns, (i + 1) * columns);
  }
  for (let i = 0; i < rank; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let s = 0; s < columns; s++) sum += product[i * columns + s]! * product[j * columns + s]!;
      covariance[packedIndex(order[i]!, order[j]!)] = sum;
    }
  return covariance;
}

/** The whitened coordinates of up to 128 rows. */
export class WhitenedBlock {
  /** Column-major, coordinate i at i·128. */
  values: Float64Array;
  /** ‖u‖²: leverage but for the row's weight. */
  readonly squares = new Float64Array(BLOCK_ROWS);
  readonly #sums = new Float64Array(BLOCK_ROWS);
  #whitening: Whitening;
  #centred: Float64Array;

  constructor(whitening: Whitening) {
    this.#whitening = whitening;
    this.values = new Float64Array(whitening.rank * BLOCK_ROWS);
    this.#centred = new Float64Array(whitening.kept.length * BLOCK_ROWS);
  }

  /** Takes another fit's coordinates from now on, in the same buffers where these are large enough. */
  use(whitening: Whitening): void {
    this.#whitening = whitening;
    const [size, centred] = [whitening.rank * BLOCK_ROWS, whitening.kept.length * BLOCK_ROWS];
    if (this.values.length < size) this.values = new Float64Array(size);
    if (this.#centred.length < centred) this.#centred = new Float64Array(centred);
  }

  /** Fills `values` and `squares`; `column(j)` gives column j of X for the rows. */
  fill(column: (j: number) => Float64Array, rows: number): void {
    ended(this.fillSteps(column, rows));
  }

  /** `fill` with pauses: of a thousand columns it takes 200 ms. */
  *fillSteps(column: (j: number) => Float64Array, rows: number): Generator<undefined, void, void> {
    const { kept, mean, meanLow, lower, constant } = this.#whitening;
    const { values, squares } = this;
    const centred = this.#centred;
    kept.forEach((j, i) => {
      const x = column(j);
      const centre = mean[i]!;
      const rest = meanLow[i]!;
      for (let r = 0; r < rows; r++) centred[i * BLOCK_ROWS + r] = x[r]! - centre - rest;
    });
    squares.fill(constant * constant, 0, rows);
    const first = constant === 0 ? 0 : 1;
    if (first === 1) values.fill(constant, 0, rows);
    let work = 0;
    for (let i = 0; i < kept.length; i++) {
      work += i * rows;
      if (work > WORK) {
        work = 0;
        yield;
      }
      const u = values.subarray((i + first) * BLOCK_ROWS, (i + first + 1) * BLOCK_ROWS);
      u.fill(0, 0, rows);
      for (let j = 0; j <= i; j++) {
        const factor = lower[packedIndex(i, j)]!;
        const at = j * BLOCK_ROWS;
        for (let r = 0; r < rows; r++) u[r]! += factor * centred[at + r]!;
      }
      for (let r = 0; r < rows; r++) squares[r]! += u[r]! * u[r]!;
    }
  }

  /**
   * Writes Σ_j (x_j − x̄_j) β_j for the rows that were filled in, x̄ as doubles: ŷ − ȳ, without the digits that ŷ = β₀ + Σ x_j β_j loses
   * where columns lie far from zero. Without an intercept it is ŷ.
   */
  deviations(out: Float64Array, rows: number): void {
    const { slopes } = this.#whitening;
    out.fill(0, 0, rows);
    for (let i = 0; i < slopes.length; i++) {
      const slope = slopes[i]!;
      const at = i * BLOCK_ROWS;
      for (let r = 0; r < rows; r++) out[r]! += slope * this.#centred[at + r]!;
    }
  }

  /** y − ŷ of a row, from its deviation. */
  residual(y: number, deviation: number): number {
    const [mean, rest] = this.#whitening.target;
    return y - mean - rest - deviation;
  }

  /** Writes uᵀSu = ‖Fᵀu‖² for each row to `out`, F being a factor of S. */
  form(meat: MeatFactor, out: Float64Array, rows: number): void {
    ended(this.formSteps(meat, out, rows));
  }

  /** `form` with pauses. */
  *formSteps(
    { rank, order, values: factor }: MeatFactor,
    out: Float64Array,
    rows: number,
  ): Generator<undefined, void, void> {
    const { values } = this;
    const sums = this.#sums;
    out.fill(0, 0, rows);
    let work = 0;
    for (let s = 0; s < rank; s++) {
      work += (order.length - s) * rows;
      if (work > WORK) {
        work = 0;
        yield;
      }
      sums.fill(0, 0, rows);
      for (let p = s; p < order.length; p++) {
        const share = factor[p * rank + s]!;
        const at = order[p]! * BLOCK_ROWS;
        for (let r = 0; r < rows; r++) sums[r]! += share * values[at + r]!;
      }
      for (let r = 0; r < rows; r++) out[r]! += sums[r]! * sums[r]!;
    }
  }
}
