import { describe, expect, test } from "vitest";
import { ModelError } from "../../../src/errors.js";
import type { FitOptions } from "../../../src/training/fit.js";
import { fit } from "../../../src/training/fit.js";
import { normal } from "../../normal.js";

const next = normal(7);
const rows = Array.from({ length: 40 }, () => [next(), next()]);
const y = rows.map(([a, b]) => 1 + a! - b! + next());

describe.each(["normal", "extended"] as const)("numbers far from one, %s", (solver) => {
  /** The fit with the first column, y and the weights scaled. */
  const scaled = (column: number, target: number, options: FitOptions = {}) =>
    fit(
      rows.map(([a, b]) => [a! * column, b!]),
      y.map((value) => value * target),
      { terms: ["a", "b"], target: "y", solver, ...options },
    );

  test.each([1e-150, 1e-100, 1e100, 1e145])("are fitted as others, times %d", (scale) => {
    const [plain, model] = [scaled(1, 1), scaled(scale, scale)];
    const expected = plain.coefficients.map((c, j) => (j === 1 ? c : c * scale));
    // Scaling rounds every number, and so do the fits: some hundred roundings of 1e-16, and in squares of 1e-300
    // the low parts of double-double are lost.
    for (const [j, c] of model.coefficients.entries())
      expect(Math.abs(c / expected[j]! - 1)).toBeLessThan(1e-12);
  });

  test.each<[what: string, run: () => unknown, message: string]>([
    ["a large column", () => scaled(1e160, 1), 'the numbers of "a" are too large'],
    ["a small column", () => scaled(1e-160, 1), 'the numbers of "a" are too small'],
    ["the smallest numbers", () => scaled(1e-310, 1), 'the numbers of "a" are too small'],
    ["a large target", () => scaled(1, 1e200), 'the numbers of "y" are too large'],
    ["weights", () => scaled(1, 1, { weights: new Float64Array(40).fill(1e308) }), "too large"],
  ])("are refused where squares overflow or vanish: %s", (_, run, message) => {
    expect(run).toThrow(ModelError);
    expect(run).toThrow(message);
  });
});

test("a column of zeros, or of one small number, is none of that", () => {
  const model = fit(
    rows.map(([a], i) => [a!, 0, 1e-100, i % 2]),
    y,
  );
  expect(model.aliased).toEqual(["x2", "x3"]);
});
