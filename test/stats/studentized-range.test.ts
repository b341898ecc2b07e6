import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { tTwoSided } from "../../src/stats/distributions.js";
import { studentizedRangeQuantile, studentizedRangeSurvival } from "../../src/stats/studentized-range.js";

const { range, quantiles } = JSON.parse(readFileSync("test/golden/means.json", "utf8"));

test("tails are those of the two integrals in R", () => {
  range.q.forEach((q: number, i: number) => {
    const p = studentizedRangeSurvival(q, range.k[i], range.df[i] === 0 ? Infinity : range.df[i]);
    // The outer integral is asked for to 1e-10.
    expect(Math.abs(p - range.p[i]), `q ${q}, k ${range.k[i]}, df ${range.df[i]}`).toBeLessThan(1e-9);
  });
});

test("two means are Student's t, to all digits, far out in the tail too", () => {
  for (const df of [1, 2, 3.5, 10, 200, 1e4, Infinity])
    for (const t of [0.01, 0.5, 2, 8, 15]) {
      const exact = tTwoSided(t, df);
      if (exact < 1e-30) continue;
      expect(studentizedRangeSurvival(t * Math.SQRT2, 2, df) / exact, `${t} on ${df}`).toBeCloseTo(1, 10);
    }
});

test("quantiles invert tails, and are R's to its four digits", () => {
  const asked = [
    [0.95, 3, 10],
    [0.99, 8, 30],
    [0.9, 2, 5],
  ] as const;
  asked.forEach(([p, k, df], i) => {
    const q = studentizedRangeQuantile(p, k, df);
    expect(studentizedRangeSurvival(q, k, df)).toBeCloseTo(1 - p, 12);
    expect(Math.abs(q - quantiles[i])).toBeLessThan(1e-3);
  });
});
