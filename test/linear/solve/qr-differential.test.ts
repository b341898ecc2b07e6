import fc from "fast-check";
import { inverse, Matrix, QrDecomposition } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { fit } from "../../../src/training/fit.js";
import { samples } from "../samples.js";

/** θ and its standard errors by Householder QR in ml-matrix: X = QR, θ = R⁻¹Qᵀy, cov = σ²(RᵀR)⁻¹. */
function byQr(X: number[][], y: number[], intercept: boolean) {
  const design = new Matrix(intercept ? X.map((row) => [1, ...row]) : X);
  const qr = new QrDecomposition(design);
  const target = Matrix.columnVector(y);
  const theta = qr.solve(target);
  const residuals = Matrix.sub(target, design.mmul(theta));
  const R = qr.upperTriangularMatrix;
  const variance = residuals.norm("frobenius") ** 2 / (design.rows - design.columns);
  const covariance = inverse(R.transpose().mmul(R)).mul(variance);
  return { theta: theta.to1DArray(), errors: covariance.diagonal().map(Math.sqrt) };
}

describe.each(["auto", "normal", "extended"] as const)("solver %s", (solver) => {
  test("θ and standard errors are those of ml-matrix's QR on random data", () => {
    fc.assert(
      fc.property(
        samples({ rows: [20, 300], columns: [1, 8] }),
        fc.boolean(),
        ({ columns, X, weights }, intercept) => {
          const p = columns.length;
          const rows = Array.from(weights, (_, i) => Array.from(X.subarray(i * p + 1, (i + 1) * p)));
          const y = Array.from(weights, (_, i) => X[i * p]!);
          const { theta, errors } = byQr(rows, y, intercept);
          const model = fit(rows, y, { intercept, solver });
          // ml-matrix squares the condition number for the inverse; columns differ by up to 1000 in scale, so that
          // 1e-16 · (1e3 · 10)² = 1e-8 of the error of the coefficient is what may be lost.
          theta.forEach((value, i) => {
            expect(Math.abs(model.coefficients[i]! - value)).toBeLessThan(
              1e-8 * (Math.abs(value) + errors[i]!),
            );
            expect(Math.abs(model.standardErrors[i]! / errors[i]! - 1)).toBeLessThan(1e-8);
          });
        },
      ),
      { numRuns: 100 },
    );
  });
});
