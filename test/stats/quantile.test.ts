import fc from "fast-check";
import { expect, test } from "vitest";
import { median, quantilesOf } from "../../src/stats/quantile.js";

test("quantiles are R's type 7", () => {
  // R: quantile(c(3, 1, 4, 1, 5, 9, 2, 6), c(0, .5, .75, .99, 1))
  expect([0, 0.5, 0.75, 0.99, 1].map(quantilesOf([3, 1, 4, 1, 5, 9, 2, 6]))).toEqual([1, 3.5, 5.25, 8.79, 9]);
  expect(quantilesOf([7])(0.3)).toBe(7);
  expect(quantilesOf([])(0.5)).toBeNaN();
});

test("very many numbers are sorted in pieces, to the same order", () => {
  const n = (1 << 18) * 3 + 17;
  const values = Float64Array.from({ length: n }, (_, i) => (i % 1000 === 0 ? Number.NaN : Math.sin(i * i)));
  const sorted = values.slice().sort();
  const at = quantilesOf(values);
  // Where a place is no double it is between two numbers, which are a millionth apart.
  for (const place of [0, 5, n >> 2, n >> 1, n - 800])
    expect(at(place / (n - 1))).toBeCloseTo(sorted[place]!, 5);
  expect(at(1)).toBeNaN();
});

test("as many numbers lie below the median as above it, and the numbers stay in their order", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1 }), (values) => {
      const before = [...values];
      const middle = median(values);
      expect(values).toEqual(before);
      const below = values.filter((v) => v < middle).length;
      const above = values.filter((v) => v > middle).length;
      expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
      // + 0: the median of −0 and −0 is −0.
      expect(median(values.map((v) => -v)) + 0).toBe(0 - middle);
    }),
  );
});
