import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { crossValidatePath } from "../../../src/linear/penalty/cross-validated-path.js";
import { elasticNet, lambdaPath } from "../../../src/linear/penalty/elastic-net.js";
import { ExtendedMoments } from "../../../src/stats/extended-moments.js";
import { Moments } from "../../../src/stats/moments.js";

interface Limits {
  name: string;
  alpha: number;
  factor: number[];
  lower: (number | null)[];
  upper: (number | null)[];
}

interface Golden {
  r: string;
  glmnet: string;
  x: number[][];
  y: number[];
  w: number[];
  foldid: number[];
  fits: (Limits & {
    variant: "plain" | "weights" | "origin" | "large";
    scale: number;
    lambdas: number[];
    coefficients: number[][];
    relaxed: number[][];
  })[];
  paths: (Limits & { intercept: boolean; lambda: number[] })[];
  cv: (Limits & {
    weighted: boolean;
    lambda: number[];
    gamma: number[];
    cvm: Record<string, number[]>;
    cvsd: Record<string, number[]>;
    min: [lambda: number, gamma: number];
    oneSe: [lambda: number, gamma: number];
  })[];
}

// The calls are in test/golden/penalties.R.
const golden: Golden = JSON.parse(readFileSync("test/golden/penalties.json", "utf8"));
const terms = ["x1", "x2", "x3", "x4", "x5"];
const all = golden.y.map((_, i) => i);

function momentsOf(
  rows: readonly number[],
  scale: number,
  weighted: boolean,
  kind: typeof Moments | typeof ExtendedMoments,
) {
  const values = Float64Array.from(rows.flatMap((i) => [...golden.x[i]!, golden.y[i]! * scale]));
  const weights = weighted ? Float64Array.from(rows, (i) => golden.w[i]!) : undefined;
  return kind.fromRows([...terms, "y"], values, weights);
}

function optionsOf({ alpha, factor, lower, upper }: Limits, scale = 1) {
  return {
    alpha,
    factors: Float64Array.from(factor),
    lower: Float64Array.from(lower, (bound) => (bound === null ? -Infinity : bound * scale)),
    upper: Float64Array.from(upper, (bound) => (bound === null ? Infinity : bound * scale)),
  };
}

describe(`glmnet ${golden.glmnet}, ${golden.r}`, () => {
  test.each(golden.fits.map((fit) => ({ ...fit, title: `${fit.name}, α ${fit.alpha}, ${fit.variant}` })))(
    "$title",
    (fit) => {
      const { scale, variant } = fit;
      const intercept = variant !== "origin";
      for (const kind of [Moments, ExtendedMoments]) {
        const moments = momentsOf(all, scale, variant === "weights", kind);
        const regression = { target: "y", terms, intercept };
        const options = optionsOf(fit, scale);
        const penalised = elasticNet(moments, regression, fit.lambdas, options);
        const relaxed = elasticNet(moments, regression, fit.lambdas, { ...options, gammas: [0] });
        for (const [found, expected] of [
          [penalised, fit.coefficients],
          [relaxed, fit.relaxed],
        ] as const) {
          expect(found).toHaveLength(expected.length);
          found.forEach(({ coefficients }, l) => {
            const row = intercept ? expected[l]! : expected[l]!.slice(1);
            // glmnet stops when a sweep changes less than 1e-14 of the null deviance: 1e-7 in the coefficients.
            row.forEach((value, j) => {
              expect(Math.abs(coefficients[j]! - value) / Math.max(Math.abs(value), scale)).toBeLessThan(
                1e-7,
              );
            });
            expect(coefficients.map((value) => Math.abs(Math.sign(value)))).toEqual(
              Float64Array.from(row, (value) => Math.abs(Math.sign(value))),
            );
          });
        }
      }
    },
  );

  test.each(
    golden.paths.map((path) => ({
      ...path,
      title: `${path.name}, α ${path.alpha}, intercept ${path.intercept}`,
    })),
  )("the default path begins where glmnet's does: $title", (path) => {
    const moments = momentsOf(all, 1, false, ExtendedMoments);
    const found = lambdaPath(moments, { target: "y", terms, intercept: path.intercept }, optionsOf(path));
    // The fit of what is not penalised, at the start, is as exact as glmnet's threshold.
    path.lambda.forEach((lambda, i) => {
      expect(Math.abs(found[i]! / lambda - 1)).toBeLessThan(1e-7);
    });
  });

  test.each(golden.cv.map((cv) => ({ ...cv, title: `${cv.name}, α ${cv.alpha}, weighted ${cv.weighted}` })))(
    "cv.glmnet of relaxed fits: $title",
    (cv) => {
      const folds = [1, 2, 3, 4, 5].map((fold) =>
        momentsOf(
          all.filter((i) => golden.foldid[i] === fold),
          1,
          cv.weighted,
          ExtendedMoments,
        ),
      );
      // Where cv.glmnet says 0 it takes 1e-5.
      const own = cv.gamma.map((gamma) => Math.max(gamma, 1e-5));
      const { path, best, withinOneError } = crossValidatePath(
        folds,
        { target: "y", terms, intercept: true },
        { ...optionsOf(cv), lambdas: cv.lambda, gammas: own },
      );
      expect(path).toHaveLength(cv.lambda.length * own.length);
      for (const { lambda, gamma, mse, mseError } of path) {
        const l = cv.lambda.indexOf(lambda);
        const key = Object.keys(cv.cvm)[own.indexOf(gamma!)]!;
        expect(Math.abs(mse / cv.cvm[key]![l]! - 1)).toBeLessThan(1e-6);
        expect(Math.abs(mseError / cv.cvsd[key]![l]! - 1)).toBeLessThan(1e-5);
      }
      const chosen = [path[best]!, path[withinOneError]!].map(({ lambda, gamma }) => [
        lambda,
        gamma === 1e-5 ? 0 : gamma,
      ]);
      expect(chosen).toEqual([cv.min, cv.oneSe]);
    },
  );
});
