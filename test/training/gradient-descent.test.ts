import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ModelError, UsageError } from "../../src/errors.js";
import { fit } from "../../src/training/fit.js";
import { descend } from "../../src/training/gradient-descent.js";

const numbers = (seed: number) => {
  let state = seed | 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
};

const boston = () => {
  const rows = readFileSync(new URL("../../data/boston.csv", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(",").map(Number));
  return {
    X: Float64Array.from(rows.flatMap((row) => row.slice(0, -1))),
    y: Float64Array.from(rows, (row) => row.at(-1)!),
  };
};

function expectClose(got: Float64Array, want: Float64Array, tolerance: number): void {
  expect(got.length).toBe(want.length);
  for (let j = 0; j < want.length; j++) expect(Math.abs(got[j]! / want[j]! - 1)).toBeLessThan(tolerance);
}

describe("reaches the normal equation's θ to 1e-8", () => {
  test.each([true, false])("on Boston, with an intercept: %s", async (intercept) => {
    const { X, y } = boston();
    const model = fit(X, y, { intercept });
    const found = await descend(X, y, { intercept });
    expect(found.converged).toBe(true);
    expectClose(found.coefficients, model.coefficients, 1e-8);
    expect(Math.abs(found.rss / model.rss - 1)).toBeLessThan(1e-10);
  });

  test("on random data of any scale and offset", () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        async (seed, k, intercept) => {
          const random = numbers(seed);
          const n = 30 + Math.floor(random() * 50);
          const scales = Array.from({ length: k }, () => 10 ** (6 * random() - 3));
          const X = Float64Array.from(
            { length: n * k },
            (_, i) => scales[i % k]! * (random() + random() + 2),
          );
          const y = Float64Array.from({ length: n }, (_, i) => {
            let value = 5 + random();
            for (let j = 0; j < k; j++) value += ((j + 1) * X[i * k + j]!) / scales[j]!;
            return value;
          });
          const found = await descend(X, y, { intercept });
          expect(found.converged).toBe(true);
          expectClose(found.coefficients, fit(X, y, { intercept }).coefficients, 1e-8);
        },
      ),
      { numRuns: 25 },
    ));
});

test("weighted least squares: θ of the weighted normal equation; whole weights count rows", async () => {
  const { X, y } = boston();
  const random = numbers(3);
  const weights = Float64Array.from(y, () => Math.floor(4 * random()));
  const model = fit(X, y, { weights });
  const found = await descend(X, y, { weights });
  expectClose(found.coefficients, model.coefficients, 1e-8);
  expect(Math.abs(found.rss / model.rss - 1)).toBeLessThan(1e-10);
  await expect(descend(X, y, { weights: weights.subarray(1) })).rejects.toThrow(
    "weights has 505 values, the data have 506 rows",
  );
});

test("both machines take the same steps, bit for bit, with workers too", async () => {
  const { X, y } = boston();
  const tape = await descend(X, y);
  expect(await descend(X, y, { machine: "go" })).toEqual(tape);
  expect(await descend(X, y, { machine: "go", workers: 2 })).toEqual(tape);
});

test("a fixed momentum converges too, and faster than none", async () => {
  const { X, y } = boston();
  const plain = await descend(X, y, { momentum: 0, tolerance: 1e-6 });
  const heavy = await descend(X, y, { momentum: 0.8, tolerance: 1e-6 });
  const rising = await descend(X, y, { tolerance: 1e-6 });
  expect([plain.converged, heavy.converged, rising.converged]).toEqual([true, true, true]);
  expect(heavy.iterations).toBeLessThan(plain.iterations / 2);
  expect(rising.iterations).toBeLessThan(plain.iterations / 2);
});

test("the iteration limit is kept and said", async () => {
  const { X, y } = boston();
  const found = await descend(X, y, { maxIterations: 3 });
  expect([found.iterations, found.converged]).toEqual([3, false]);
  expect(found.gradient).toBeGreaterThan(1e-12);
});

test("columns that do not vary get 0, a constant target the mean, no columns the mean", async () => {
  const X = Float64Array.of(1, 7, 2, 7, 3, 7, 5, 7);
  const y = Float64Array.of(2, 4, 6, 10);
  const { coefficients } = await descend(X, y);
  expect(coefficients[2]).toBe(0);
  expect(coefficients[1]).toBeCloseTo(2, 10);
  expect((await descend(X, Float64Array.of(3, 3, 3, 3))).coefficients).toEqual(Float64Array.of(3, 0, 0));
  const none = await descend(new Float64Array(0), y);
  expect([none.coefficients, none.rss]).toEqual([Float64Array.of(5.5), 35]);
});

test("wrong options, a rate that diverges, and an abort", async () => {
  const { X, y } = boston();
  await expect(descend(X, y.subarray(1))).rejects.toThrow(UsageError);
  for (const options of [{ rate: 0 }, { momentum: 1 }, { tolerance: 0 }, { maxIterations: 0 }]) {
    await expect(descend(X, y, options)).rejects.toThrow(UsageError);
  }
  await expect(descend(X, y, { rate: 1e3 })).rejects.toThrow(ModelError);
  await expect(descend(X, y, { signal: AbortSignal.abort() })).rejects.toMatchObject({ kind: "interrupted" });
});
