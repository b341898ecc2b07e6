import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chiSquareCdf,
  chiSquareQuantile,
  chiSquareSurvival,
  fCdf,
  fQuantile,
  fSurvival,
  normalQuantile,
  normalSurvival,
  tCritical,
  tQuantile,
  tSurvival,
  tTwoSided,
} from "../../src/stats/distributions.js";
import { findRoot } from "../../src/stats/root.js";
import { tCritical as tCriticalAlone } from "../../src/stats/t-critical.js";

const functions = {
  chiSquareCdf,
  chiSquareQuantile,
  chiSquareSurvival,
  fCdf,
  fQuantile,
  fSurvival,
  normalQuantile,
  normalSurvival,
  tQuantile,
  tSurvival,
  tTwoSided,
};

type Row = (number | string)[];
const { r, ...golden } = JSON.parse(
  readFileSync(new URL("../golden/distributions.json", import.meta.url), "utf8"),
) as { r: string } & Record<string, Row[]>;

describe(`as ${r} has them, far tails included`, () => {
  for (const [name, rows] of Object.entries(golden))
    test(`${name}, ${rows.length} values`, () => {
      const f = functions[name as keyof typeof functions] as (...x: number[]) => number;
      for (const row of rows) {
        const numbers = row.map(Number);
        const value = numbers.pop()!;
        // Both sides compute in double. A tail of 1e-300 comes from exponents near 700, whose last bit is 1e-13;
        // exponents df/2 up to 500,000 cost another factor of 100.
        expect(Math.abs(f(...numbers) / value - 1), `${name}(${row.slice(0, -1)}) = ${value}`).toBeLessThan(
          2e-11,
        );
      }
    });
});

test.each([
  ["by special functions", tCritical],
  ["alone", tCriticalAlone],
])("the critical value of an interval is the quantile of its upper end: %s", (_, critical) => {
  // R 4.2.2: qt(0.975, 492), qt(0.995, 3), qnorm(0.975)
  expect(critical(0.95, 492)).toBeCloseTo(1.96479735565394, 12);
  expect(critical(0.99, 3)).toBeCloseTo(5.84090930973335, 12);
  expect(critical(0.95, Infinity)).toBeCloseTo(1.95996398454005, 13);
  expect(critical(0, 5)).toBe(0);
  expect(critical(1, 5)).toBe(Infinity);
});

test("critical values without special functions have the tails that these say", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -12, max: -1e-3, noNaN: true }),
      fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 10_000_000 })),
      (exponent, df) => {
        const tails = 10 ** exponent;
        const t = tCriticalAlone(1 - tails, df);
        expect(Math.abs(tCritical(1 - tails, df) / t - 1)).toBeLessThan(df > 1000 ? 1e-10 : 1e-12);
        // 1 − level as a double; the special functions lose digits as df grows (see above).
        expect(Math.abs(tTwoSided(t, df) / (1 - (1 - tails)) - 1)).toBeLessThan(df > 1000 ? 1e-10 : 1e-12);
      },
    ),
    { numRuns: 200 },
  );
});

test("quantiles invert", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-12, max: 1 - 1e-9, noNaN: true }),
      fc.integer({ min: 1, max: 500 }),
      (p, df) => {
        // The rounding of the quantile times the density's relative slope, at most about 50 here.
        expect(Math.abs(tSurvival(-tQuantile(p, df), df) / p - 1)).toBeLessThan(1e-12);
        expect(Math.abs(chiSquareCdf(chiSquareQuantile(p, df), df) / p - 1)).toBeLessThan(1e-12);
      },
    ),
    { numRuns: 50 },
  );
});

test("a p-value of 1e-300 is one, and zero only where doubles end", () => {
  expect(tTwoSided(2e298, 1)).toBeGreaterThan(0);
  expect(tTwoSided(1e5, 492)).toBe(0);
  expect(fSurvival(Infinity, 3, 5)).toBe(0);
  expect(fSurvival(0, 3, 5)).toBe(1);
});

test("roots are found to the last bits", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (c) => {
      expect(Math.abs(findRoot((x) => x ** 3 - c, 0, 1 + c) / Math.cbrt(c) - 1)).toBeLessThan(1e-15);
      expect(Math.abs(findRoot((x) => Math.atan(x - c), -1e4, 1e4) / c - 1)).toBeLessThan(1e-14);
    }),
  );
});
