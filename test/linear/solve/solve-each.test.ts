import fc from "fast-check";
import { expect, test } from "vitest";
import { needsExtended } from "../../../src/linear/solve/ladder.js";
import { solve } from "../../../src/linear/solve/solve.js";
import { EachSolver } from "../../../src/linear/solve/solve-each.js";
import { Moments } from "../../../src/stats/moments.js";
import { uniform } from "../../uniform.js";

test("solves what it solves with the bits of solve, and leaves the rest to it", () => {
  let left = 0;
  let doubtful = 0;
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 12 }),
      fc.boolean(),
      fc.constantFrom("plain", "dependent", "far", "perfect", "near"),
      (seed, k, intercept, kind) => {
        const next = uniform(seed);
        const columns = ["y", ...Array.from({ length: k }, (_, j) => `x${j}`)];
        const n = k + 2 + Math.floor(20 * next());
        const rows = Array.from({ length: n }, () => {
          const x = Array.from({ length: k }, () => (kind === "far" ? 1e7 : 0) + next());
          if (kind === "dependent" && k > 1) x[k - 1] = 2 * x[0]! - 1;
          if (kind === "near" && k > 1) x[k - 1] = x[0]! + 1e-4 * next();
          return [x.reduce((sum, v) => sum + v, 0) + (kind === "perfect" ? 1e-5 : 1) * next(), ...x];
        });
        const weights = seed % 2 === 0 ? Float64Array.from(rows, () => 0.5 + next()) : undefined;
        const moments = Moments.fromRows(columns, Float64Array.from(rows.flat()), weights);
        const regression = { target: "y", terms: columns.slice(1), intercept };
        const solver = EachSolver.of(columns, regression)!;
        const expected = solve(moments, regression);
        const { sumW, mean, c } = moments;
        const solved = solver.solve({ sumW, means: mean, mean: 0, products: c, product: 0 });
        if (!solved) {
          left++;
          // Nothing else is left here: the numbers are neither huge nor tiny.
          expect(expected.aliased.length).toBeGreaterThan(0);
          return;
        }
        if (solver.doubtful) doubtful++;
        expect(solver.doubtful).toBe(needsExtended(expected, moments, regression));
        expect(solver.coefficients).toEqual(expected.coefficients);
        expect(solver.inverse).toEqual(expected.inverse);
        expect({ rank: solver.rank, rss: solver.rss, tss: solver.tss }).toEqual({
          rank: expected.rank,
          rss: expected.rss,
          tss: expected.tss,
        });
        expect(solver.conditionNumber).toBe(expected.conditionNumber);
      },
    ),
    { numRuns: 400, seed: 7 },
  );
  expect(left).toBeGreaterThan(20);
  expect(doubtful).toBeGreaterThan(20);
});

test("wide designs, absorbed effects and no columns are none of its", () => {
  const columns = ["y", ...Array.from({ length: 40 }, (_, j) => `x${j}`)];
  const of = (terms: readonly string[], more = {}) =>
    EachSolver.of(columns, { target: "y", terms, intercept: true, ...more });
  expect(of(columns.slice(1))).toBeUndefined();
  expect(of([])).toBeUndefined();
  expect(of(["x1", "unknown"])).toBeUndefined();
  expect(of(["x1"], { absorbed: ["f"] })).toBeUndefined();
  expect(of(["x1"])).toBeDefined();
});
