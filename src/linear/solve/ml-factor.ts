import { ModelError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import { backSubstitute, cholesky, forwardSubstitute, inverseFromFactor } from "./cholesky.js";
import { CholeskyDecomposition, Matrix } from "./ml-matrix.js";
import type { SolvedColumn, SpdFactor, SymmetricRows } from "./spd-factor.js";

/**
 * The factor of a small matrix by ml-matrix's CholeskyDecomposition.
 *
 * It knows no dependent columns, but the square of its diagonal's entry j is column j's pivot, 1 − R² of its regression
 * on the columns before it: where all are above the tolerance, there are none. Otherwise `cholesky` says which to leave
 * out, in the order of the columns, and ml-matrix factors the others.
 */
export class MlFactor implements SpdFactor {
  readonly by = "ml-matrix";
  readonly extended = false;
  readonly kept: readonly number[];
  readonly aliased: readonly number[];
  /** L, r × r row-major. */
  readonly #lower: Float64Array;

  private constructor(kept: readonly number[], aliased: readonly number[], lower: Float64Array) {
    this.kept = kept;
    this.aliased = aliased;
    this.#lower = lower;
  }

  static of({ order, row }: SymmetricRows, tolerance: number): MlFactor {
    const rows: Float64Array[] = [];
    for (let i = 0; i < order; i++) {
      rows.push(new Float64Array(order));
      row(i, rows[i]!, undefined);
    }
    const all = Array.from({ length: order }, (_, i) => i);
    const first = factorOf(rows, all, tolerance);
    if (first !== undefined) return new MlFactor(all, [], first);
    const packed = new Float64Array((order * (order + 1)) / 2);
    for (let i = 0, at = 0; i < order; i++) for (let j = 0; j <= i; j++) packed[at++] = rows[i]![j]!;
    const { kept, aliased, lower } = cholesky(packed, order, tolerance);
    // Sums in another order may find a pivot on the other side of the tolerance: then the factor stays that of `cholesky`.
    return new MlFactor(kept, aliased, factorOf(rows, kept, tolerance) ?? lower);
  }

  // biome-ignore lint/correctness/useYield: small enough to be done at once
  *solve(b: Float64Array): Steps<SolvedColumn> {
    const r = this.kept.length;
    const high = b.slice();
    forwardSubstitute(this.#lower, r, high);
    const half = high.slice();
    backSubstitute(this.#lower, r, high);
    return { high, low: new Float64Array(r), half, halfLow: new Float64Array(r) };
  }

  // biome-ignore lint/correctness/useYield: small enough to be done at once
  *inverse(): Steps<Float64Array> {
    return inverseFromFactor(this.#lower, this.kept.length);
  }

  /** It has no memory of its own. */
  release(): void {}
}

/** L of ml-matrix over some columns; undefined where a pivot is not above the tolerance. `rows` has lower triangles. */
function factorOf(
  rows: readonly Float64Array[],
  kept: readonly number[],
  tolerance: number,
): Float64Array | undefined {
  const r = kept.length;
  const matrix = Matrix.zeros(r, r);
  for (let i = 0; i < r; i++)
    for (let j = 0; j <= i; j++) {
      const value = rows[kept[i]!]![kept[j]!]!;
      // Of sums that overflow, which no data give that were fitted.
      if (Number.isNaN(value))
        throw new ModelError("the moments overflow: a square of theirs is more than a number can be", {
          hint: "scale the columns, or train the model anew",
        });
      matrix.set(i, j, value);
      matrix.set(j, i, value);
    }
  const { lowerTriangularMatrix } = new CholeskyDecomposition(matrix);
  const lower = new Float64Array(r * r);
  for (let i = 0; i < r; i++) {
    const pivot = lowerTriangularMatrix.get(i, i) ** 2;
    if (!(pivot > tolerance)) return undefined;
    for (let j = 0; j <= i; j++) lower[i * r + j] = lowerTriangularMatrix.get(i, j);
  }
  return lower;
}
