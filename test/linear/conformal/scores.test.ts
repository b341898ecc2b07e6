import fc from "fast-check";
import { expect, test } from "vitest";
import { shiftedOrderStatistic, thinned } from "../../../src/linear/conformal/scores.js";

const scores = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { maxLength: 30 });
const lists = fc.array(fc.tuple(scores, fc.double({ min: -1000, max: 1000, noNaN: true })), {
  minLength: 1,
  maxLength: 6,
});

test("the k-th smallest of shifted scores is that of their sorted sums", () => {
  fc.assert(
    fc.property(lists, fc.nat(60), (drawn, k) => {
      const sums = drawn.flatMap(([list, shift]) => list.map((score) => shift + score)).sort((a, b) => a - b);
      const kept = drawn.map(([list]) => thinned(Float64Array.from(list).sort(), 1));
      const found = shiftedOrderStatistic(
        kept,
        drawn.map(([, shift]) => shift),
        k + 1,
      );
      expect(found).toBe(sums[k] ?? Infinity);
    }),
  );
});

test("thinned scores give an order statistic that is never too small, and at most a run too large", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 12 }),
      fc.nat(199),
      (list, run, at) => {
        const sorted = Float64Array.from(list).sort();
        const k = (at % list.length) + 1;
        const found = shiftedOrderStatistic([thinned(sorted, run)], [0], k);
        expect(found).toBeGreaterThanOrEqual(sorted[k - 1]!);
        expect(found).toBeLessThanOrEqual(sorted[Math.min(list.length, k - 1 + run) - 1]!);
      },
    ),
  );
});
