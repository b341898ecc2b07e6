import { ModelError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { option, wording } from "../../wording.js";
import type { Solution } from "./solution.js";

/**
 * Least squares by Householder QR of the design matrix, X = QR, θ = R⁻¹Qᵀy and (XᵀX)⁻¹ = R⁻¹R⁻ᵀ (Golub & Van Loan 2013,
 * section 5.2.2), columns scaled to length 1. In steps, for it takes 2np² multiplications.
 *
 * It needs all rows in memory, twice over, and is here as the classical alternative to compare with; the double-double
 * normal equation is both faster and more accurate.
 *
 * @param X n × k row-major, without the intercept's column
 * @param weights n values ≥ 0; rows are scaled by their roots
 * @throws ModelError where X is rank deficient: unpivoted QR cannot say which columns are at fault
 */
export function* qrSteps(
  X: Float64Array,
  y: Float64Array,
  k: number,
  intercept: boolean,
  weights?: Float64Array,
): Steps<Solution> {
  const n = y.length;
  const p = k + (intercept ? 1 : 0);
  if (n < p)
    throw new ModelError(`${n} rows do not determine ${p} coefficients`, {
      hint: wording`use ${option("solver", "auto")}`,
    });
  const root = weights?.map(Math.sqrt) ?? new Float64Array(n).fill(1);
  const columns = new Array<Float64Array>(p);
  const scale = new Float64Array(p);
  for (let j = 0; j < p; j++) {
    const at = j - (p - k);
    const column = at < 0 ? root.slice() : Float64Array.from(root, (r, i) => r * X[i * k + at]!);
    scale[j] = norm(column, 0) || 1;
    for (let i = 0; i < n; i++) column[i]! /= scale[j]!;
    columns[j] = column;
    yield;
  }
  const target = Float64Array.from(root, (r, i) => r * y[i]!);
  // R is p × p row-major; behind the diagonal, the columns hold the reflections' vectors.
  const R = new Float64Array(p * p);
  for (let j = 0; j < p; j++) {
    const v = columns[j]!;
    const length = norm(v, j);
    if (length < 1e-12)
      throw new ModelError("the design matrix is rank deficient", {
        hint: wording`use ${option("solver", "auto")}, which names the dependent terms and leaves them out`,
      });
    const diagonal = v[j]! > 0 ? -length : length;
    R[j * p + j] = diagonal;
    v[j]! -= diagonal;
    // H = I − vvᵀ/(length · |v_j|).
    const half = length * Math.abs(v[j]!);
    for (let c = j + 1; c < p; c++) {
      reflect(v, columns[c]!, j, half);
      R[j * p + c] = columns[c]![j]!;
      yield;
    }
    reflect(v, target, j, half);
    yield;
  }
  const theta = new Float64Array(p);
  for (let j = p - 1; j >= 0; j--) {
    let rest = target[j]!;
    for (let c = j + 1; c < p; c++) rest -= R[j * p + c]! * theta[c]!;
    theta[j] = rest / R[j * p + j]!;
  }
  const coefficients = theta.map((value, j) => value / scale[j]!);
  const { rss, tss } = yield* squares(X, y, coefficients, intercept, weights);
  const rInverse = yield* upperInverse(R, p);
  const inverse = new Float64Array(packedLength(p));
  for (let i = 0; i < p; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let t = i; t < p; t++) sum += rInverse[i * p + t]! * rInverse[j * p + t]!;
      inverse[packedIndex(i, j)] = sum / scale[i]! / scale[j]!;
    }
    yield;
  }
  return {
    coefficients,
    inverse,
    aliased: [],
    rank: p,
    conditionNumber: normOne(R, p) * normOne(rInverse, p),
    rss,
    tss,
  };
}

/** √Σ x² from row `from` on. */
function norm(x: Float64Array, from: number): number {
  let sum = 0;
  for (let i = from; i < x.length; i++) sum += x[i]! ** 2;
  return Math.sqrt(sum);
}

/** x − v(vᵀx)/half, from row `from` on. */
function reflect(v: Float64Array, x: Float64Array, from: number, half: number): void {
  let product = 0;
  for (let i = from; i < x.length; i++) product += v[i]! * x[i]!;
  const factor = product / half;
  for (let i = from; i < x.length; i++) x[i]! -= factor * v[i]!;
}

/** Rows between two places where others may run. */
const ROWS = 1 << 12;

/** Σ w (y − ŷ)² from the rows themselves, and the total about the mean, or about 0 without an intercept. */
function* squares(
  X: Float64Array,
  y: Float64Array,
  coefficients: Float64Array,
  intercept: boolean,
  weights: Float64Array | undefined,
): Steps<{ rss: number; tss: number }> {
  const n = y.length;
  const k = X.length / n;
  const first = intercept ? 1 : 0;
  let sumW = 0;
  let mean = 0;
  for (let i = 0; i < n; i++) {
    const w = weights?.[i] ?? 1;
    sumW += w;
    if (w > 0 && intercept) mean += (y[i]! - mean) * (w / sumW);
  }
  let rss = 0;
  let tss = 0;
  for (let i = 0; i < n; i++) {
    const w = weights?.[i] ?? 1;
    let residual = y[i]! - (intercept ? coefficients[0]! : 0);
    for (let j = 0; j < k; j++) residual -= X[i * k + j]! * coefficients[j + first]!;
    rss += w * residual ** 2;
    tss += w * (y[i]! - mean) ** 2;
    if (i % ROWS === 0) yield;
  }
  return { rss, tss };
}

/** The inverse of an upper triangular matrix, row-major, by back substitution. */
function* upperInverse(R: Float64Array, p: number): Steps<Float64Array> {
  const inverse = new Float64Array(p * p);
  for (let j = 0; j < p; j++) {
    inverse[j * p + j] = 1 / R[j * p + j]!;
    for (let i = j - 1; i >= 0; i--) {
      let sum = 0;
      for (let t = i + 1; t <= j; t++) sum += R[i * p + t]! * inverse[t * p + j]!;
      inverse[i * p + j] = -sum / R[i * p + i]!;
    }
    yield;
  }
  return inverse;
}

/** ‖A‖₁ of a p × p matrix. */
function normOne(a: Float64Array, p: number): number {
  let largest = 0;
  for (let j = 0; j < p; j++) {
    let sum = 0;
    for (let i = 0; i < p; i++) sum += Math.abs(a[i * p + j]!);
    largest = Math.max(largest, sum);
  }
  return largest;
}
