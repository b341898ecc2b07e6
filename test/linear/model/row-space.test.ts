import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fit } from "../../../src/training/fit.js";

/**
 * Whether a row is a linear combination of others, by Gaussian elimination on integers (BigInt, fraction free): nothing
 * is rounded.
 */
function inSpan(rows: readonly (readonly number[])[], row: readonly number[]): boolean {
  const rank = (list: readonly (readonly number[])[]) => {
    const m = list.map((r) => r.map(BigInt));
    let at = 0;
    for (let j = 0; j < row.length && at < m.length; j++) {
      const pivot = m.findIndex((r, i) => i >= at && r[j] !== 0n);
      if (pivot < 0) continue;
      [m[at], m[pivot]] = [m[pivot]!, m[at]!];
      const own = m[at]!;
      for (let i = at + 1; i < m.length; i++) {
        const factor = m[i]![j]!;
        m[i] = m[i]!.map((v, k) => v * own[j]! - own[k]! * factor);
      }
      at++;
    }
    return at;
  };
  return rank([...rows, row]) === rank(rows);
}

describe("rows outside the row space of a fit", () => {
  test("have no prediction, and all others have: told from exact elimination", () => {
    const whole = fc.integer({ min: -3, max: 3 });
    const designs = fc
      .record({ k: fc.integer({ min: 2, max: 5 }), intercept: fc.boolean() })
      .chain(({ k, intercept }) =>
        fc.record({
          intercept: fc.constant(intercept),
          // Few small integers: dependent and constant columns come by themselves, and by copies and sums.
          base: fc.array(fc.array(whole, { minLength: k, maxLength: k }), { minLength: 6, maxLength: 12 }),
          mix: fc.array(fc.array(fc.integer({ min: -1, max: 1 }), { minLength: k, maxLength: k }), {
            minLength: 1,
            maxLength: 2,
          }),
          news: fc.array(fc.array(whole, { minLength: k + 2, maxLength: k + 2 }), {
            minLength: 8,
            maxLength: 8,
          }),
          y: fc.array(whole, { minLength: 12, maxLength: 12 }),
        }),
      );
    let outside = 0;
    let inside = 0;
    fc.assert(
      fc.property(designs, ({ intercept, base, mix, news, y }) => {
        const X = base.map((row) => [
          ...row,
          ...mix.map((m) => m.reduce((sum, v, i) => sum + v * row[i]!, 0)),
        ]);
        const width = X[0]!.length;
        const rows = news.map((row) => row.slice(0, width));
        // The rows of the fit, and sums of two of them, are inside.
        rows.push(
          ...X,
          X[0]!.map((v, j) => (intercept ? v + X[1]![j]! - X[2]![j]! : v + X[1]![j]!)),
        );
        const model = fit(X, y.slice(0, X.length), { intercept });
        const lead = intercept ? [1] : [];
        const predicted = model.predict(rows);
        rows.forEach((row, i) => {
          const determined = inSpan(
            X.map((r) => [...lead, ...r]),
            [...lead, ...row],
          );
          if (determined) inside++;
          else outside++;
          expect([row, Number.isNaN(predicted[i]!)]).toEqual([row, !determined]);
        });
      }),
      { numRuns: process.env.GOML_LONG ? 3000 : 150 },
    );
    expect(Math.min(inside, outside)).toBeGreaterThan(100);
  });

  test("are told from rounding: decimals that add up to the last digits", () => {
    // x3 = x1 + x2 as decimals; as doubles 0.1 + 0.2 is not 0.3.
    const X = Array.from({ length: 20 }, (_, i) => [i / 10, ((7 * i) % 20) / 10, (i + ((7 * i) % 20)) / 10]);
    const model = fit(
      X,
      X.map(([a, b], i) => a! + 2 * b! + (i % 3)),
    );
    expect(model.aliased).toEqual(["x3"]);
    const predicted = model.predict([
      [0.1, 0.2, 0.3],
      [1e9, 2e9, 3e9],
      [0.1, 0.2, 0.31],
    ]);
    expect([...predicted].map(Number.isNaN)).toEqual([false, false, true]);
    expect([...model.predictInterval([[0.1, 0.2, 0.31]]).stdError]).toEqual([Number.NaN]);
  });

  test("are the same on threads", async () => {
    const X = Array.from({ length: 9 }, (_, i) => [i, 2 * i + 1, (i * i) % 5]);
    const model = fit(
      X,
      X.map((_, i) => i % 4),
    );
    const rows = Float64Array.from({ length: 3 * 200_000 }, (_, i) => (i % 7) + (i % 3));
    expect(await model.predictConcurrent(rows, { threads: 2 })).toEqual(model.predict(rows));
  });
});
