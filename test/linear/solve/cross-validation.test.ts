import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crossValidate } from "../../../src/linear/solve/cross-validation.js";
import { predictionSquares } from "../../../src/linear/solve/prediction-squares.js";
import { solve } from "../../../src/linear/solve/solve.js";
import { ExtendedMoments } from "../../../src/stats/extended-moments.js";
import { Moments } from "../../../src/stats/moments.js";
import { samples } from "../samples.js";

const FOLDS = 4;

/** Rows of a sample as arrays, and which of them each fold takes. */
function split(columns: string[], X: Float64Array, weights: Float64Array) {
  const width = columns.length;
  const rows = Array.from(weights, (w, r) => ({
    row: X.subarray(r * width, (r + 1) * width),
    w,
    fold: (r * 7) % FOLDS,
  }));
  const gather = (chosen: typeof rows) => ({
    X: Float64Array.from(chosen.flatMap(({ row }) => [...row])),
    weights: Float64Array.from(chosen, ({ w }) => w),
  });
  return { rows, gather };
}

describe("cross-validation from the folds' moments", () => {
  test("is cross-validation by refitting and predicting row by row", () => {
    fc.assert(
      fc.property(
        samples({ rows: [30, 60], columns: [1, 5] }),
        fc.boolean(),
        fc.boolean(),
        (sample, intercept, extended) => {
          const { columns, X, weights } = sample;
          const { rows, gather } = split(columns, X, weights);
          const regression = { target: "y", terms: columns.slice(1), intercept };
          const parts = Array.from({ length: FOLDS }, (_, f) =>
            gather(rows.filter(({ fold }) => fold === f)),
          );
          const cv = extended
            ? crossValidate(
                parts.map((part) => ExtendedMoments.fromRows(columns, part.X, part.weights)),
                regression,
              )
            : crossValidate(
                parts.map((part) => Moments.fromRows(columns, part.X, part.weights)),
                regression,
              );
          let total = 0;
          cv.folds.forEach((found, f) => {
            const others = gather(rows.filter(({ fold }) => fold !== f));
            const { coefficients } = solve(
              ExtendedMoments.fromRows(columns, others.X, others.weights),
              regression,
            );
            let squares = 0;
            let weight = 0;
            for (const { row, w } of rows.filter(({ fold }) => fold === f)) {
              let prediction = intercept ? coefficients[0]! : 0;
              for (let j = 1; j < row.length; j++)
                prediction += row[j]! * coefficients[j - (intercept ? 0 : 1)]!;
              squares += w * (row[0]! - prediction) ** 2;
              weight += w;
            }
            total += squares;
            expect(Math.abs(found.mse / (squares / weight) - 1)).toBeLessThan(1e-9);
          });
          const sum = weights.reduce((a, b) => a + b, 0);
          // Out-of-fold R² stays below 0.999 here, so at most three digits cancel.
          expect(Math.abs(cv.mse / (total / sum) - 1)).toBeLessThan(1e-9);
          expect(cv.rmse).toBe(Math.sqrt(cv.mse));
        },
      ),
    );
  });

  test("passes over empty folds and needs two with rows", () => {
    const moments = Moments.fromRows(["y", "x"], Float64Array.of(1, 1, 2, 2, 4, 3));
    const empty = Moments.empty(["y", "x"]);
    const regression = { target: "y", terms: ["x"], intercept: true };
    expect(() => crossValidate([moments, empty], regression)).toThrow("needs two folds with rows, found 1");
    expect(crossValidate([moments, empty, moments], regression).folds).toHaveLength(2);
  });

  test("a level that only one fold has is no column for the others", () => {
    const left = Moments.fromRows(["y", "l"], Float64Array.of(1, 1, 2, 0, 3, 0));
    const right = Moments.fromRows(["y"], Float64Array.of(2, 2, 5));
    const { folds } = crossValidate([left, right], { target: "y", terms: ["l"], intercept: true });
    expect([...folds[0]!.coefficients]).toEqual([3, Number.NaN]);
    // Its effect is not known from the others, so its fold has no error; the other one has.
    expect([folds[0]!.needs, folds[0]!.mse]).toEqual([[0], Number.NaN]);
    expect([folds[1]!.needs, folds[1]!.mse]).toEqual([[], (0.25 + 0.25 + 6.25) / 3]);
  });

  test("leaves out folds that need what the others cannot estimate: y on x and an indicator of one fold", () => {
    // Rows (y, x, d) in three folds; only the third has d other than 0. The first two are predicted by y on x alone.
    const folds = [
      [
        [1, 0, 0],
        [3, 1, 0],
        [4, 2, 0],
      ],
      [
        [2, 0, 0],
        [2, 1, 0],
        [6, 3, 0],
      ],
      [
        [9, 1, 1],
        [3, 1, 0],
      ],
    ];
    const regression = { target: "y", terms: ["x", "d"], intercept: true };
    const errorBySimpleRegression = (fold: number[][], others: number[][]) => {
      // With d in the fit its one row is fitted exactly, and counts for nothing.
      const rows = others.filter(([, , d]) => d === 0);
      const mean = (of: (row: number[]) => number) =>
        rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
      const [mx, my] = [mean(([, x]) => x!), mean(([y]) => y!)];
      const slope =
        rows.reduce((sum, [y, x]) => sum + (x! - mx) * (y! - my), 0) /
        rows.reduce((sum, [, x]) => sum + (x! - mx) ** 2, 0);
      return fold.reduce((sum, [y, x]) => sum + (y! - my - slope * (x! - mx)) ** 2, 0);
    };
    const squares = [0, 1].map((f) =>
      errorBySimpleRegression(folds[f]!, folds.filter((_, i) => i !== f).flat()),
    );
    for (const kind of [Moments, ExtendedMoments]) {
      const moments = folds.map((rows) => kind.fromRows(["y", "x", "d"], Float64Array.from(rows.flat())));
      const cv = crossValidate(moments, regression);
      expect(cv.leftOut).toBe(1);
      expect(cv.folds.map(({ needs }) => needs)).toEqual([[], [], [1]]);
      // Six rows counted; errors of a few ulps.
      expect(cv.mse).toBeCloseTo((squares[0]! + squares[1]!) / 6, 12);
    }
  });
});

test("a model's squared error on its own rows is its RSS", () => {
  fc.assert(
    fc.property(
      samples({ rows: [20, 60], columns: [1, 6] }),
      fc.boolean(),
      ({ columns, X, weights }, intercept) => {
        const regression = { target: "y", terms: columns.slice(1), intercept };
        const moments = ExtendedMoments.fromRows(columns, X, weights);
        const { coefficients, rss } = solve(moments, regression);
        expect(Math.abs(predictionSquares(moments, regression, coefficients) / rss - 1)).toBeLessThan(1e-12);
      },
    ),
  );
});
