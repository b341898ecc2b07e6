import { ModelError } from "../../errors.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { option, wording } from "../../wording.js";
import { Matrix, QrDecomposition } from "./ml-matrix.js";
import type { Solution } from "./solution.js";

/**
 * Least squares by Householder QR of the design matrix, X = QR, θ = R⁻¹Qᵀy and (XᵀX)⁻¹ = R⁻¹R⁻ᵀ, by ml-matrix.
 *
 * It needs all rows in memory, several times over, and is here as the classical alternative to compare with; the
 * double-double normal equation is both faster and more accurate.
 *
 * @param X n × k row-major, without the intercept's column
 * @param weights n values ≥ 0; rows are scaled by their roots
 * @throws ModelError where X is rank deficient: unpivoted QR cannot say which columns are at fault
 */
export function solveQr(
  X: Float64Array,
  y: Float64Array,
  k: number,
  intercept: boolean,
  weights?: Float64Array,
): Solution {
  const n = y.length;
  const p = k + (intercept ? 1 : 0);
  if (n < p)
    throw new ModelError(`${n} rows do not determine ${p} coefficients`, {
      hint: wording`use ${option("solver", "auto")}`,
    });
  const design = Matrix.zeros(n, p);
  const target = Matrix.zeros(n, 1);
  let sumW = 0;
  let meanY = 0;
  for (let i = 0; i < n; i++) {
    const w = weights?.[i] ?? 1;
    const root = Math.sqrt(w);
    if (intercept) design.set(i, 0, root);
    for (let j = 0; j < k; j++) design.set(i, p - k + j, X[i * k + j]! * root);
    target.set(i, 0, y[i]! * root);
    sumW += w;
    meanY += (y[i]! - meanY) * (w === 0 ? 0 : w / sumW);
  }
  // Columns are scaled to length 1, so that R's diagonal tells dependence and not units.
  const scale = Array.from({ length: p }, (_, j) => columnNorm(design, j) || 1);
  for (let j = 0; j < p; j++) design.mulColumn(j, 1 / scale[j]!);
  const qr = new QrDecomposition(design);
  const R = qr.upperTriangularMatrix;
  for (let j = 0; j < p; j++)
    if (Math.abs(R.get(j, j)) < 1e-12)
      throw new ModelError("the design matrix is rank deficient", {
        hint: wording`use ${option("solver", "auto")}, which names the dependent terms and leaves them out`,
      });
  const theta = qr.solve(target);
  let rss = 0;
  let tss = 0;
  for (let i = 0; i < n; i++) {
    let residual = target.get(i, 0);
    for (let j = 0; j < p; j++) residual -= design.get(i, j) * theta.get(j, 0);
    rss += residual * residual;
    const w = weights?.[i] ?? 1;
    tss += w * (y[i]! - (intercept ? meanY : 0)) ** 2;
  }
  const rInverse = upperInverse(R, p);
  const inverse = new Float64Array(packedLength(p));
  for (let i = 0; i < p; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let t = i; t < p; t++) sum += rInverse[i * p + t]! * rInverse[j * p + t]!;
      inverse[packedIndex(i, j)] = sum / scale[i]! / scale[j]!;
    }
  return {
    coefficients: Float64Array.from(scale, (s, j) => theta.get(j, 0) / s),
    inverse,
    aliased: [],
    rank: p,
    conditionNumber: normOneUpper(R, p) * normOneDense(rInverse, p),
    rss,
    tss,
  };
}

function columnNorm(matrix: Matrix, j: number): number {
  let sum = 0;
  for (let i = 0; i < matrix.rows; i++) sum += matrix.get(i, j) ** 2;
  return Math.sqrt(sum);
}

/** The inverse of an upper triangular matrix, row-major, by back substitution. */
function upperInverse(R: Matrix, p: number): Float64Array {
  const inverse = new Float64Array(p * p);
  for (let j = 0; j < p; j++) {
    inverse[j * p + j] = 1 / R.get(j, j);
    for (let i = j - 1; i >= 0; i--) {
      let sum = 0;
      for (let t = i + 1; t <= j; t++) sum += R.get(i, t) * inverse[t * p + j]!;
      inverse[i * p + j] = -sum / R.get(i, i);
    }
  }
  return inverse;
}

function normOneUpper(R: Matrix, p: number): number {
  const dense = new Float64Array(p * p);
  for (let i = 0; i < p; i++) for (let j = i; j < p; j++) dense[i * p + j] = R.get(i, j);
  return normOneDense(dense, p);
}

function normOneDense(a: Float64Array, p: number): number {
  let norm = 0;
  for (let j = 0; j < p; j++) {
    let sum = 0;
    for (let i = 0; i < p; i++) sum += Math.abs(a[i * p + j]!);
    norm = Math.max(norm, sum);
  }
  return norm;
}
