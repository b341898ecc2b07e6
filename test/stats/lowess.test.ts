import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { binnedLowess, lowess } from "../../src/stats/lowess.js";
import { normal } from "../normal.js";

const { r, lowess: golden } = JSON.parse(
  readFileSync(new URL("../golden/plots.json", import.meta.url), "utf8"),
) as { r: string; lowess: Record<"x" | "y" | "smooth" | "span" | "few", number[]> };

/** Both sum in double what cancels little: twelve digits of values about 1. */
const expectClose = (found: Float64Array, wanted: readonly number[]) => {
  expect(found.length).toBe(wanted.length);
  found.forEach((value, i) => {
    expect(Math.abs(value - wanted[i]!)).toBeLessThan(1e-12 * (1 + Math.abs(wanted[i]!)));
  });
};

describe("lowess", () => {
  const x = Float64Array.from(golden.x);
  const y = Float64Array.from(golden.y);

  test(`is ${r}'s, with ties and outliers`, () => {
    expectClose(lowess(x, y), golden.smooth);
    expectClose(lowess(x, y, { span: 0.2, iterations: 0 }), golden.span);
    expectClose(lowess(Float64Array.of(1, 2, 3), Float64Array.of(1, 5, 2)), golden.few);
  });

  test("of fewer than two points, or of one x, is what can be told", () => {
    expect([...lowess(new Float64Array(0), new Float64Array(0))]).toEqual([]);
    expect([...lowess(Float64Array.of(1), Float64Array.of(4))]).toEqual([4]);
    expect([...lowess(Float64Array.of(1, 1, 1), Float64Array.of(1, 2, 3))]).toEqual([2, 2, 2]);
  });

  test("of bins with one row each is that of the rows where there is nothing to interpolate", () => {
    const few = Float64Array.from({ length: 60 }, (_, i) => i);
    const values = few.map((v) => Math.sin(v / 9) + ((v * 7919) % 11) / 20);
    // 60 points lie farther apart than a hundredth of their range, and none ties in distance with another's far end.
    const rows = few.map(() => 1);
    const binned = binnedLowess(few, values, rows, { iterations: 0 });
    expectClose(binned, [...lowess(few, values, { iterations: 0 })]);
  });

  test("of the means of bins follows that of the rows", () => {
    const n = 20_000;
    const noise = normal(7);
    const all = Float64Array.from({ length: n }, (_, i) => (10 * i) / n);
    const values = all.map((v) => Math.sin(v) + 0.5 * noise());
    const exact = lowess(all, values);
    const size = n / 200;
    const mean = (of: Float64Array) =>
      Float64Array.from(
        { length: 200 },
        (_, b) => of.subarray(b * size, (b + 1) * size).reduce((s, v) => s + v, 0) / size,
      );
    const centres = mean(all);
    const binned = binnedLowess(
      centres,
      mean(values),
      centres.map(() => size),
    );
    // What the robust rounds leave out differs, rows there and bins here: a tenth of the rows' deviation bounds it.
    const gaps = Array.from(binned, (value, b) => Math.abs(value - exact[Math.round((b + 0.5) * size)]!));
    expect(Math.max(...gaps)).toBeLessThan(0.05);
  });
});
