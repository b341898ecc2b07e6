import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aicExtract, type FitSums, fitMetrics, PredictionErrors } from "../../src/stats/metrics.js";

interface Golden {
  r: string;
  fits: (FitSums & { call: string; expected: Record<string, number> })[];
}
const golden: Golden = JSON.parse(readFileSync(new URL("../golden/metrics.json", import.meta.url), "utf8"));

describe("the metrics of a fit", () => {
  for (const { call, expected, ...sums } of golden.fits)
    test(`${call}, as ${golden.r} has them`, () => {
      const found: Record<string, number> = { ...fitMetrics(sums) };
      for (const [name, value] of Object.entries(expected)) {
        // The sums have all digits; a dozen operations from there.
        expect(Math.abs(found[name]! / value - 1), name).toBeLessThan(1e-12);
      }
      expect(found.mse).toBe(sums.rss / sums.n);
      expect(found.rmse).toBe(Math.sqrt(sums.rss / sums.n));
    });

  test("Boston, medv on all others (R 4.2.2: extractAIC 1589.64279847242)", () => {
    expect(Math.abs(aicExtract(506, 21.8948311817292 * 506, 14) / 1589.64279847242 - 1)).toBeLessThan(1e-14);
  });

  test("without residual freedom there is no variance", () => {
    const m = fitMetrics({ n: 3, p: 3, intercept: true, rss: 0, tss: 5 });
    expect([m.sigma, m.f, m.adjR2]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect(m.r2).toBe(1);
  });

  test("a model of the intercept alone has no F", () => {
    expect(fitMetrics({ n: 9, p: 1, intercept: true, rss: 5, tss: 5 }).f).toBeNaN();
  });
});

describe("prediction errors", () => {
  test("by hand", () => {
    const errors = new PredictionErrors();
    for (const [y, prediction] of [
      [1, 2],
      [3, 3],
      [5, 2],
      [7, 7],
    ] as const)
      errors.add(y, prediction);
    errors.add(100, 0, 0);
    const found = errors.metrics(2);
    expect(found).toMatchObject({ n: 4, mse: 2.5, rmse: Math.sqrt(2.5), mae: 1, r2: 0.5 });
    expect(found.aicExtract).toBe(4 * Math.log(2.5) + 4);
  });

  test("of parts merge to those of the whole", () => {
    const row = fc.tuple(fc.integer({ min: -999, max: 999 }), fc.integer({ min: -999, max: 999 }), fc.nat(9));
    fc.assert(
      fc.property(fc.array(row), fc.array(row), (a, b) => {
        const [left, right, whole] = [a, b, [...a, ...b]].map((rows) => {
          const errors = new PredictionErrors();
          for (const [y, prediction, w] of rows) errors.add(y, prediction, w);
          return errors;
        }) as [PredictionErrors, PredictionErrors, PredictionErrors];
        const found = left.absorb(right).metrics(3);
        for (const [name, value] of Object.entries(whole.metrics(3))) {
          const merged = found[name as keyof typeof found];
          // Sums of integers are exact; only the spread behind r2 is rounded.
          if (Number.isFinite(value))
            expect(Math.abs(merged - value)).toBeLessThanOrEqual(1e-9 * Math.abs(value) + 1e-12);
          else expect(Number.isFinite(merged)).toBe(false);
        }
      }),
    );
  });
});
