import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { crossValidatePath } from "../../../src/linear/penalty/cross-validated-path.js";
import { elasticNet } from "../../../src/linear/penalty/elastic-net.js";
import { ExtendedMoments } from "../../../src/stats/extended-moments.js";
import { Moments } from "../../../src/stats/moments.js";

interface Golden {
  x: number[][];
  y: number[];
  w: number[];
  foldid: number[];
  fits: {
    alpha: number;
    scale: number;
    weighted: boolean;
    intercept: boolean;
    lambdas: number[];
    coefficients: number[][];
  }[];
  cv: { alpha: number; lambda: number[]; cvm: number[]; cvsd: number[]; min: number; oneSe: number }[];
}

// glmnet 4.1.6 with thresh = 1e-14: test/golden/glmnet.R
const golden: Golden = JSON.parse(readFileSync("test/golden/glmnet.json", "utf8"));
const terms = ["x1", "x2", "x3", "x4", "x5"];
const columns = [...terms, "y"];

function momentsOf(
  rows: readonly number[],
  scale: number,
  weighted: boolean,
  kind: typeof Moments | typeof ExtendedMoments,
) {
  const values = Float64Array.from(rows.flatMap((i) => [...golden.x[i]!, golden.y[i]! * scale]));
  return kind.fromRows(columns, values, weighted ? Float64Array.from(rows, (i) => golden.w[i]!) : undefined);
}

describe("glmnet's parametrisation", () => {
  const all = golden.y.map((_, i) => i);
  test.each(
    golden.fits.map((fit) => ({
      name: `α ${fit.alpha}, y × ${fit.scale}, weights ${fit.weighted}, intercept ${fit.intercept}`,
      fit,
    })),
  )("$name", ({ fit }) => {
    for (const kind of [Moments, ExtendedMoments]) {
      const moments = momentsOf(all, fit.scale, fit.weighted, kind);
      const regression = { target: "y", terms, intercept: fit.intercept };
      const found = elasticNet(moments, regression, fit.lambdas, { alpha: fit.alpha });
      found.forEach(({ coefficients }, l) => {
        const [constant, ...slopes] = fit.coefficients[l]!;
        const expected = fit.intercept ? [constant!, ...slopes] : slopes;
        // glmnet stops when a sweep changes less than 1e-14 of the null deviance: 1e-7 in the coefficients.
        expected.forEach((value, j) => {
          const size = Math.max(Math.abs(value), fit.scale);
          expect(Math.abs(coefficients[j]! - value) / size).toBeLessThan(1e-7);
        });
      });
    }
  });

  test("cv.glmnet's errors, and both of its choices, on its own path", () => {
    const folds = [1, 2, 3, 4, 5].map((fold) =>
      momentsOf(
        all.filter((i) => golden.foldid[i] === fold),
        1,
        false,
        ExtendedMoments,
      ),
    );
    const regression = { target: "y", terms, intercept: true };
    for (const { alpha, lambda, cvm, cvsd, min, oneSe } of golden.cv) {
      const { path, best, withinOneError } = crossValidatePath(folds, regression, { alpha, lambdas: lambda });
      path.forEach(({ mse, mseError }, i) => {
        expect(Math.abs(mse / cvm[i]! - 1)).toBeLessThan(1e-6);
        expect(Math.abs(mseError / cvsd[i]! - 1)).toBeLessThan(1e-5);
      });
      expect([path[best]!.lambda, path[withinOneError]!.lambda]).toEqual([min, oneSe]);
    }
  });

  test("does not depend on y's scale: the default path, its choice and its errors", () => {
    const regression = { target: "y", terms, intercept: true };
    for (const alpha of [0, 0.5, 1]) {
      const [own, large] = [1, 2 ** 20].map((scale) =>
        crossValidatePath(
          [1, 2, 3, 4, 5].map((fold) =>
            momentsOf(
              all.filter((i) => golden.foldid[i] === fold),
              scale,
              false,
              ExtendedMoments,
            ),
          ),
          regression,
          { alpha },
        ),
      );
      expect(large!.best).toBe(own!.best);
      expect(large!.path[large!.best]!.rmse / own!.path[own!.best]!.rmse).toBeCloseTo(2 ** 20, 5);
      // What is chosen is no worse than no penalty, but for what its last λ, a hundred-millionth of the first, still costs.
      expect(own!.path[own!.best]!.mse).toBeLessThanOrEqual(own!.unpenalized!.mse * (1 + 1e-5));
    }
  });
});
