import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crossValidatePath } from "../../../src/linear/penalty/cross-validated-path.js";
import { elasticNet, lambdaPath } from "../../../src/linear/penalty/elastic-net.js";
import { solve } from "../../../src/linear/solve/solve.js";
import { Moments } from "../../../src/stats/moments.js";
import { packedIndex } from "../../../src/stats/packed.js";
import { type Sample, samples } from "../samples.js";

const regressionOf = ({ columns }: Sample, intercept = true) => ({
  target: "y",
  terms: columns.slice(1),
  intercept,
});
const momentsOf = ({ columns, X, weights }: Sample) => Moments.fromRows(columns, X, weights);

/** The gradient of the squared part on the scaled columns, cov(Dx, residual), and the scaled slopes. */
function gradients(moments: Moments, intercept: boolean, coefficients: Float64Array, standardize: boolean) {
  const k = moments.columns.length - 1;
  const W = moments.sumW;
  const product = (i: number, j: number) =>
    (moments.c[packedIndex(i, j)]! + (intercept ? 0 : W * moments.mean[i]! * moments.mean[j]!)) / W;
  return Array.from({ length: k }, (_, i) => {
    const scale = standardize ? Math.sqrt(product(i + 1, i + 1)) : 1;
    let gradient = product(i + 1, 0);
    for (let j = 0; j < k; j++) gradient -= product(i + 1, j + 1) * coefficients[j + (intercept ? 1 : 0)]!;
    return { gradient: gradient / scale, slope: coefficients[i + (intercept ? 1 : 0)]! * scale };
  });
}

describe("the elastic net", () => {
  test("satisfies its optimality conditions", () => {
    fc.assert(
      fc.property(
        samples({ rows: [5, 60], columns: [1, 12] }),
        fc.constantFrom(0.05, 0.5, 0.9, 1),
        fc.double({ min: 1e-3, max: 1, noNaN: true }),
        fc.boolean(),
        fc.boolean(),
        (sample, alpha, share, intercept, standardize) => {
          const moments = momentsOf(sample);
          const regression = regressionOf(sample, intercept);
          const options = { alpha, standardize, parametrization: "plain" as const };
          const [largest] = lambdaPath(moments, regression, { ...options, count: 1 });
          const lambda = largest! * share;
          const [fit] = elasticNet(moments, regression, [lambda], options);
          // Slopes and gradients are of the size of the largest covariance; n may be below k, so some sets are singular.
          const bound = 1e-9 * largest!;
          for (const { gradient, slope } of gradients(moments, intercept, fit!.coefficients, standardize)) {
            const pull = gradient - lambda * (1 - alpha) * slope;
            if (slope === 0) expect(Math.abs(pull)).toBeLessThanOrEqual(lambda * alpha + bound);
            else expect(Math.abs(pull - Math.sign(slope) * lambda * alpha)).toBeLessThanOrEqual(bound);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("as ridge is least squares on augmented rows", () => {
    fc.assert(
      fc.property(
        samples({ rows: [5, 40], columns: [1, 6] }),
        fc.double({ min: 1e-3, max: 10, noNaN: true }),
        (sample, lambda) => {
          const moments = momentsOf(sample);
          const k = sample.columns.length - 1;
          const [fit] = elasticNet(moments, regressionOf(sample, false), [lambda], {
            alpha: 0,
            standardize: false,
            parametrization: "plain",
          });
          // √(Wλ) on the diagonal adds Wλ‖β‖² to the squares.
          const rows = new Float64Array(k * (k + 1));
          for (let j = 0; j < k; j++) rows[j * (k + 1) + j + 1] = Math.sqrt(moments.sumW * lambda);
          const augmented = moments.merge(Moments.fromRows(sample.columns, rows));
          const plain = solve(augmented, regressionOf(sample, false));
          fit!.coefficients.forEach((beta, j) => {
            const expected = plain.coefficients[j]!;
            // Scales differ by 10³ and the augmented rows are solved without centring: κ² of about 1e6.
            expect(Math.abs(beta - expected)).toBeLessThan(
              1e-8 * Math.max(...plain.coefficients.map(Math.abs)),
            );
          });
        },
      ),
    );
  });

  test("without a penalty is least squares; with the largest nothing is left", () => {
    fc.assert(
      fc.property(
        samples({ rows: [20, 60], columns: [2, 6] }),
        fc.constantFrom(0, 0.5, 1),
        (sample, alpha) => {
          const moments = momentsOf(sample);
          const regression = regressionOf(sample);
          const [largest] = lambdaPath(moments, regression, { alpha: Math.max(alpha, 0.1), count: 1 });
          const [full, none] = elasticNet(moments, regression, [0, largest! * 1.0000001], {
            alpha: Math.max(alpha, 0.1),
          });
          const plain = solve(moments, regression);
          expect(none!.nonZero).toBe(0);
          expect(none!.coefficients[0]).toBe(moments.mean[0]);
          // At least 20 rows for at most 6 columns of mild correlation: condition below 1e3, squared.
          expect(Math.abs(full!.rss / plain.rss - 1)).toBeLessThan(1e-9);
        },
      ),
    );
  });

  const golden = JSON.parse(readFileSync(new URL("../../golden/ridge.json", import.meta.url), "utf8"));
  test(`${golden.call}, ${golden.r}`, () => {
    const names = ["Employed", ...Object.keys(golden.data).filter((name) => name !== "Employed")];
    const X = Float64Array.from(
      golden.data.Employed.flatMap((_: number, r: number) => names.map((c) => golden.data[c][r])),
    );
    const regression = { target: "Employed", terms: names.slice(1), intercept: true };
    const fits = elasticNet(Moments.fromRows(names, X), regression, golden.lambdas, {
      alpha: 0,
      parametrization: "plain",
    });
    fits.forEach(({ coefficients }, i) => {
      golden.coefficients[i].forEach((value: number, j: number) => {
        // longley's condition number is about 1e2 once scaled, and the normal equation squares it.
        expect(Math.abs(coefficients[j]! / value - 1)).toBeLessThan(1e-9);
      });
    });
  });

  test("leaves constant columns out", () => {
    const moments = Moments.fromRows(["y", "a", "one"], Float64Array.of(1, 1, 1, 2, 2, 1, 4, 3, 1, 4, 4, 1));
    const [fit] = elasticNet(moments, { target: "y", terms: ["a", "one"], intercept: true }, [0.1], {
      alpha: 0.5,
    });
    expect(fit!.coefficients[2]).toBe(0);
    expect(fit!.nonZero).toBe(1);
  });

  test("gives 0 to a column that no row has, and the others what they have without it", () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 0.5, 1), fc.boolean(), (alpha, intercept) => {
        const moments = Moments.fromRows(["y", "a"], Float64Array.of(1, 1, 2, 3, 4, 4, 7, 9));
        const of = (terms: string[]) =>
          elasticNet(moments, { target: "y", terms, intercept }, [0.1], { alpha })[0]!.coefficients;
        const [first, absent] = [of(["a"]), of(["a", "absent"])];
        expect([...absent]).toEqual([...first, 0]);
      }),
    );
  });

  test("refuses what is not a penalty", () => {
    const moments = Moments.fromRows(["y", "a"], Float64Array.of(1, 1, 2, 3));
    const regression = { target: "y", terms: ["a"], intercept: true };
    expect(() => elasticNet(moments, regression, [-1])).toThrow("lambda must be 0 or more, got -1");
    expect(() => elasticNet(moments, regression, [1], { alpha: 2 })).toThrow(
      "alpha must be from 0 (ridge) to 1 (lasso), got 2",
    );
    expect(() => elasticNet(moments, { ...regression, target: "b" }, [1])).toThrow('no column "b"');
  });
});

describe("a cross-validated path", () => {
  test("chooses the least error and the simplest fit within one standard error of it", () => {
    fc.assert(
      fc.property(
        samples({ rows: [40, 80], columns: [3, 8] }),
        fc.constantFrom(0, 0.7, 1),
        (sample, alpha) => {
          const { columns, X } = sample;
          const width = columns.length;
          const folds = Array.from({ length: 5 }, (_, f) =>
            Moments.fromRows(columns, Float64Array.from(X.filter((_, i) => Math.floor(i / width) % 5 === f))),
          );
          const { path, best, withinOneError } = crossValidatePath(folds, regressionOf(sample), {
            alpha,
            count: 20,
          });
          expect(path.map((fit) => fit.lambda)).toEqual(
            [...path.map((fit) => fit.lambda)].sort((a, b) => b - a),
          );
          expect(path[best]!.mse).toBe(Math.min(...path.map((fit) => fit.mse)));
          expect(withinOneError).toBeLessThanOrEqual(best);
          expect(path[withinOneError]!.mse).toBeLessThanOrEqual(path[best]!.mse + path[best]!.mseError);
          // Less penalty never fits the rows of the fit worse, rounding apart.
          for (let i = 1; i < path.length; i++)
            expect(path[i]!.rss).toBeLessThanOrEqual(path[i - 1]!.rss * (1 + 1e-9));
        },
      ),
      { numRuns: 30 },
    );
  });
});
