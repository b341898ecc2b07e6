import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { elasticNet, lambdaPath } from "../../../src/linear/penalty/elastic-net.js";
import { solve } from "../../../src/linear/solve/solve.js";
import { Moments } from "../../../src/stats/moments.js";
import { packedIndex } from "../../../src/stats/packed.js";
import { samples } from "../samples.js";

/** Factors and bounds for columns of scales 1 to 1,000, whose slopes are of size 1 and less. */
const limits = fc.array(
  fc.record({
    factor: fc.constantFrom(0, 0, 0.3, 1, 1, 4),
    lower: fc.constantFrom(-Infinity, -Infinity, 0, -0.2, -1e-4),
    upper: fc.constantFrom(Infinity, Infinity, 0, 0.1, 1e-3),
  }),
  { minLength: 12, maxLength: 12 },
);

/** The columns as the penalty sees them: of standard deviation 1, and the part of the gradient that is smooth. */
function scaled(moments: Moments, intercept: boolean, coefficients: Float64Array) {
  const k = moments.columns.length - 1;
  const W = moments.sumW;
  const centred = (i: number) => moments.c[packedIndex(i, i)]! / W;
  const product = (i: number, j: number) =>
    moments.c[packedIndex(Math.max(i, j), Math.min(i, j))]! / W +
    (intercept ? 0 : moments.mean[i]! * moments.mean[j]!);
  return Array.from({ length: k }, (_, i) => {
    const d = Math.sqrt(centred(i + 1));
    let pull = product(i + 1, 0);
    let size = Math.abs(pull);
    for (let j = 0; j < k; j++) {
      const part = product(i + 1, j + 1) * coefficients[j + (intercept ? 1 : 0)]!;
      pull -= part;
      size += Math.abs(part);
    }
    const beta = coefficients[i + (intercept ? 1 : 0)]!;
    return { d, pull: pull / d, size: size / d, beta, b: beta * d };
  });
}

describe("with factors and bounds", () => {
  test("the elastic net satisfies its optimality conditions, and so do relaxed fits", () => {
    fc.assert(
      fc.property(
        samples({ rows: [5, 60], columns: [2, 12] }),
        limits,
        fc.constantFrom(0, 0.05, 0.5, 1),
        fc.oneof(fc.double({ min: 1e-4, max: 1, noNaN: true }), fc.constant(0)),
        fc.boolean(),
        (sample, drawn, alpha, share, intercept) => {
          const { columns, X, weights } = sample;
          const moments = Moments.fromRows(columns, X, weights);
          const regression = { target: "y", terms: columns.slice(1), intercept };
          const k = regression.terms.length;
          const own = drawn.slice(0, k);
          own[0]!.factor = 1;
          const factors = Float64Array.from(own, ({ factor }) => factor);
          const lower = Float64Array.from(own, (one) => one.lower);
          const upper = Float64Array.from(own, (one) => one.upper);
          const options = { alpha, factors, lower, upper };
          const [largest] = lambdaPath(moments, regression, { ...options, count: 1 });
          const lambda = largest! * share;
          const s = Math.sqrt(moments.c[0]! / moments.sumW + (intercept ? 0 : moments.mean[0]! ** 2));
          const mean = factors.reduce((sum, factor) => sum + factor, 0) / k;
          const [fit] = elasticNet(moments, regression, [lambda], options);
          const chosen = fit!.coefficients.subarray(intercept ? 1 : 0).map((beta) => (beta === 0 ? 0 : 1));
          const [relaxed] = elasticNet(moments, regression, [lambda], { ...options, gammas: [0] });
          const many = chosen.reduce((sum, one) => sum + one, 0) > moments.n - 3;
          if (many) expect(relaxed!.coefficients).toEqual(fit!.coefficients);
          for (const [coefficients, penalty] of [
            [fit!.coefficients, lambda],
            [relaxed!.coefficients, 0],
          ] as const) {
            if (penalty === 0 && many && share > 0) continue;
            scaled(moments, intercept, coefficients).forEach(({ d, pull, size, beta, b }, j) => {
              if (coefficients === relaxed!.coefficients && share > 0 && chosen[j] === 0) {
                expect(beta).toBe(0);
                return;
              }
              const { factor, lower: least, upper: most } = own[j]!;
              const lasso = (penalty * alpha * factor) / mean;
              const rest = pull - ((penalty * (1 - alpha) * factor) / mean / s) * b;
              // Sums of up to 12 products cancel; with fewer rows than columns some sets are all but singular.
              const bound = 1e-9 * (size + lasso);
              expect(beta).toBeGreaterThanOrEqual(least - 1e-12 * Math.abs(least));
              expect(beta).toBeLessThanOrEqual(most + 1e-12 * Math.abs(most));
              // −1 where it may only rise, 1 where it may only fall, by its bounds.
              const atLower = Math.abs(b - least * d) <= 1e-12 * Math.abs(b) || beta === least;
              const atUpper = Math.abs(b - most * d) <= 1e-12 * Math.abs(b) || beta === most;
              if (!atUpper) expect(rest - (b >= 0 ? lasso : -lasso)).toBeLessThanOrEqual(bound);
              if (!atLower) expect(rest + (b <= 0 ? lasso : -lasso)).toBeGreaterThanOrEqual(-bound);
            });
          }
        },
      ),
      { numRuns: process.env.GOML_LONG ? 5000 : 1000 },
    );
  });

  test("factors count by their shares alone, and one of 1 for all is none", () => {
    fc.assert(
      fc.property(
        samples({ rows: [20, 60], columns: [2, 6] }),
        fc.constantFrom(0, 0.5, 1),
        fc.array(fc.constantFrom(0.5, 1, 2, 4), { minLength: 6, maxLength: 6 }),
        (sample, alpha, drawn) => {
          const moments = Moments.fromRows(sample.columns, sample.X);
          const regression = { target: "y", terms: sample.columns.slice(1), intercept: true };
          const k = regression.terms.length;
          const of = (factors: Float64Array | undefined) =>
            elasticNet(moments, regression, [0.3, 0.01], { alpha, factors }).map((fit) => [
              ...fit.coefficients,
            ]);
          const factors = Float64Array.from(drawn.slice(0, k));
          // Powers of two: their quotients are exact.
          expect(of(factors.map((factor) => factor * 8))).toEqual(of(factors));
          expect(of(new Float64Array(k).fill(2))).toEqual(of(undefined));
        },
      ),
    );
  });

  test("a column without a penalty has the slope of least squares where all others are out", () => {
    fc.assert(
      fc.property(samples({ rows: [20, 60], columns: [2, 6] }), (sample) => {
        const moments = Moments.fromRows(sample.columns, sample.X);
        const regression = { target: "y", terms: sample.columns.slice(1), intercept: true };
        const factors = Float64Array.from(regression.terms, (_, j) => (j === 1 ? 0 : 1));
        const [largest] = lambdaPath(moments, regression, { alpha: 1, factors, count: 1 });
        const [fit] = elasticNet(moments, regression, [largest! * 1.0000001], { alpha: 1, factors });
        const plain = solve(moments, { ...regression, terms: [regression.terms[1]!] });
        expect([...fit!.coefficients].map((beta) => beta !== 0).slice(1)).toEqual(
          regression.terms.map((_, j) => j === 1),
        );
        // One column: nothing is ill-conditioned.
        expect(Math.abs(fit!.coefficients[2]! / plain.coefficients[1]! - 1)).toBeLessThan(1e-12);
      }),
    );
  });

  test("refuses factors that penalise nothing, and shares outside 0 to 1", () => {
    const moments = Moments.fromRows(["y", "a"], Float64Array.of(1, 1, 2, 3, 2, 4));
    const regression = { target: "y", terms: ["a"], intercept: true };
    expect(() => elasticNet(moments, regression, [1], { factors: Float64Array.of(0) })).toThrow(
      "all penalty factors are 0: nothing would be penalised",
    );
    expect(() => elasticNet(moments, regression, [1], { gammas: [1.5] })).toThrow("gamma must be from 0");
  });
});
