import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LinearModel } from "../../../src/linear/model/model.js";
import { packedIndex } from "../../../src/stats/packed.js";
import { fit } from "../../../src/training/fit.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { type Sample, samples } from "../samples.js";

/** A model of a sample, and the rows of X that it was fitted on. */
function fitted(
  { X, columns, weights }: Sample,
  intercept: boolean,
): { model: LinearModel; rows: number[][] } {
  const p = columns.length;
  const all = Array.from({ length: X.length / p }, (_, i) => [...X.subarray(i * p, (i + 1) * p)]);
  const rows = all.map((row) => row.slice(1));
  const y = all.map((row) => row[0]!);
  return { model: fit(rows, y, { terms: columns.slice(1), target: "y", intercept, weights }), rows };
}

describe("intervals", () => {
  test("are R's on Boston Housing, row 1", async () => {
    // R 4.2.2: b <- read.csv("data/boston.csv"); predict(lm(medv ~ ., b), b[1, ], interval = "prediction")
    const { model } = await fitCsv("data/boston.csv");
    const X = [[0.00632, 18, 2.31, 0, 0.538, 6.575, 65.2, 4.09, 1, 296, 15.3, 396.9, 4.98]];
    const { prediction, lower, upper } = model.predictInterval(X);
    // Ten digits: R's own QR keeps about twelve here.
    expect(prediction[0]).toBeCloseTo(30.0038433770168, 9);
    expect(lower[0]).toBeCloseTo(20.6017255544842, 9);
    expect(upper[0]).toBeCloseTo(39.4059611995494, 9);
  });

  test("have the standard errors √(xᵀ Cov(θ̂) x)", () => {
    fc.assert(
      fc.property(samples({ rows: [12, 40], columns: [1, 5] }), fc.boolean(), (sample, intercept) => {
        const { model, rows } = fitted(sample, intercept);
        const { stdError } = model.predictInterval(rows, { interval: "confidence" });
        rows.forEach((row, i) => {
          const x = intercept ? [1, ...row] : row;
          let variance = 0;
          for (let a = 0; a < x.length; a++)
            for (let b = 0; b < x.length; b++)
              variance += x[a]! * x[b]! * model.covariance[packedIndex(a, b)]!;
          // The plain form loses digits by cancellation where columns lie far from zero: these do by a factor of 100.
          expect(Math.abs(stdError[i]! ** 2 / variance - 1)).toBeLessThan(1e-8);
        });
      }),
      { numRuns: 40 },
    );
  });

  test("keep their digits where the columns lie far from zero", () => {
    const x = Array.from({ length: 20 }, (_, i) => i);
    const y = x.map((v) => 3 * v + Math.sin(v));
    const near = fit(
      x.map((v) => [v]),
      y,
    );
    // 2³⁰ away every x is still exact, so the standard errors are the same numbers.
    const far = fit(
      x.map((v) => [v + 2 ** 30]),
      y,
    );
    const a = near.predictInterval(x.map((v) => [v])).stdError;
    const b = far.predictInterval(x.map((v) => [v + 2 ** 30])).stdError;
    a.forEach((se, i) => {
      expect(Math.abs(b[i]! / se - 1)).toBeLessThan(1e-13);
    });
  });

  test("refuse a level outside 0 to 1", () => {
    const model = fit([[1], [2], [4]], [1, 2, 3]);
    expect(() => model.predictInterval([[1]], { level: 95 })).toThrow(
      "level should be between 0 and 1, got 95",
    );
  });
});
