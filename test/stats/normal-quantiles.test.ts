import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { normalQuantile } from "../../src/stats/distributions.js";
import { orderBand, plottingPosition, quartileLine } from "../../src/stats/normal-quantiles.js";
import { quantilesOf } from "../../src/stats/quantile.js";

interface Golden {
  call: string;
  qq: Record<"x" | "y" | "lower" | "upper", number[]> & { slope: number; intercept: number };
}
const { r, fits } = JSON.parse(readFileSync(new URL("../golden/plots.json", import.meta.url), "utf8")) as {
  r: string;
  fits: Golden[];
};

describe(`normal quantile plots as ${r} has them`, () => {
  test.each(fits)("$call", ({ qq }) => {
    const n = qq.x.length;
    const line = quartileLine(quantilesOf(qq.y));
    // R's qnorm is good to 16 digits and qbeta to about 14.
    expect(line.slope).toBeCloseTo(qq.slope, 12);
    expect(line.intercept).toBeCloseTo(qq.intercept, 12);
    for (let i = 0; i < n; i += Math.ceil(n / 40)) {
      expect(normalQuantile(plottingPosition(i, n))).toBeCloseTo(qq.x[i]!, 12);
      const [lower, upper] = orderBand(i, n, 0.95);
      expect(lower).toBeCloseTo(qq.lower[i]!, 9);
      expect(upper).toBeCloseTo(qq.upper[i]!, 9);
    }
  });

  test("the band of ten million values is narrow in the middle, and mirrored", () => {
    const n = 10_000_000;
    const [low, high] = orderBand(n / 2, n, 0.95);
    // The median's standard error is sqrt(π/2/n).
    expect((high - low) / 2).toBeCloseTo(1.959964 * Math.sqrt(Math.PI / 2 / n), 7);
    const [first] = orderBand(0, n, 0.95);
    expect(orderBand(n - 1, n, 0.95)[1]).toBe(-first);
  });
});
