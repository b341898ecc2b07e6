import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codedTerms, sortLevels } from "../../../src/dataset/formula/coding.js";
import { formulaSpec } from "../../../src/dataset/formula/resolve.js";
import { regressionOf } from "../../../src/linear/model/model-parts.js";
import { eliminateFactor } from "../../../src/linear/solve/eliminate.js";
import { predictionSquares } from "../../../src/linear/solve/prediction-squares.js";
import { solve } from "../../../src/linear/solve/solve.js";
import { inOneGo } from "../../../src/parallel/steps.js";
import { packedIndex } from "../../../src/stats/packed.js";
import { columnsOf, type Table } from "../../dataset/formula/table.js";
import { sparseMoments } from "../../stats/sparse.js";
import { uniform } from "../../uniform.js";

const FORMULAS = [
  "y ~ x + g",
  "y ~ x + z + g",
  "y ~ g + s + x",
  "y ~ s * x + g + z",
  "y ~ 0 + g + x + s",
  "y ~ x + g + x:s",
  "y ~ g + s:t + z",
  "y ~ g + s + t + s:t + x:t",
];

/** A table of n rows on L levels of g, unbalanced, some combinations of the other factors empty. */
function tableOf(seed: number, n: number, L: number, offset: number): Table {
  const next = uniform(seed);
  const g = Array.from({ length: n }, (_, i) => `g${i < L ? i : Math.floor(L * next() ** 2)}`);
  const x = g.map(() => offset + 4 * next());
  const z = g.map((_, i) => x[i]! + next());
  const s = g.map(() => "abcde"[Math.floor(5 * next())]!);
  const t = g.map(() => "uv"[Math.floor(2 * next())]!);
  const y = g.map((_, i) => x[i]! - z[i]! + Number(g[i]!.slice(1)) / 7 + next());
  return { y, x, z, g, s, t };
}

describe("a factor of many levels, eliminated", () => {
  test("leaves the solution of the whole design", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FORMULAS),
        fc.integer({ min: 1, max: 1 << 30 }),
        fc.integer({ min: 25, max: 60 }),
        fc.constantFrom(0, 0, 100),
        fc.boolean(),
        fc.boolean(),
        (formula, seed, L, offset, weighted, extended) => {
          const n = 6 * L + 30;
          const table = tableOf(seed, n, L, offset);
          const spec = formulaSpec(formula, { columns: columnsOf(table) });
          const next = uniform(seed + 1);
          const weights = weighted ? table.y!.map(() => Math.floor(4 * next()) + 0.5) : undefined;
          const moments = sparseMoments(spec, table, { extended, weights: weights! });
          const levels = Object.fromEntries(
            spec.variables.flatMap((variable) =>
              variable.kind === "factor"
                ? [[variable.label, sortLevels(new Set(table[variable.column]!.map(String)), variable.of)]]
                : [],
            ),
          );
          const regression = regressionOf(spec, codedTerms(spec, levels));
          expect(inOneGo(eliminateFactor(moments, regression))).toBeDefined();
          const found = solve(moments, regression);
          const dense = solve(moments.over([...regression.terms, regression.target]), regression);
          expect(found.rank).toBe(dense.rank);
          expect(found.aliased).toEqual(dense.aliased);
          // In double the sums carry some n ulps of the columns' squares, which the condition number magnifies; in
          // double-double only what is rounded to double at the end is left.
          const scale = 1 + (offset / 4) ** 2;
          const unit = extended ? 4e-15 * dense.conditionNumber : 1e-12 * scale * dense.conditionNumber;
          expect(Math.abs(found.rss / dense.rss - 1)).toBeLessThan(unit * 10);
          dense.coefficients.forEach((value, i) => {
            const error = Math.sqrt(dense.inverse[packedIndex(i, i)]! * dense.rss);
            if (Number.isNaN(value)) expect(found.coefficients[i]).toBeNaN();
            else
              expect(Math.abs(found.coefficients[i]! - value)).toBeLessThan(unit * (Math.abs(value) + error));
            for (let j = 0; j <= i; j++) {
              const at = packedIndex(i, j);
              const size = Math.sqrt(dense.inverse[packedIndex(i, i)]! * dense.inverse[packedIndex(j, j)]!);
              if (Number.isNaN(size)) continue;
              expect(Math.abs(found.inverse[at]! - dense.inverse[at]!)).toBeLessThan(10 * unit * size);
            }
          });
        },
      ),
      { numRuns: process.env.GOML_LONG ? 2000 : 60 },
    );
  }, 300_000);

  test("leaves it to the order of terms which column is the dependent one", () => {
    const table = tableOf(3, 300, 30, 0);
    // z is a function of g: behind g it is the one too many, before it a level of g is, as in R.
    table.z = table.g!.map((level) => Number(String(level).slice(1)) % 7);
    const names = (formula: string) => {
      const spec = formulaSpec(formula, { columns: columnsOf(table) });
      const levels = { g: sortLevels(new Set(table.g!.map(String)), "text") };
      const regression = regressionOf(spec, codedTerms(spec, levels));
      const solution = solve(sparseMoments(spec, table, { extended: true }), regression);
      return solution.aliased.map((i) => regression.terms[i]);
    };
    expect(names("y ~ x + g + z")).toEqual(["z"]);
    expect(names("y ~ x + z + g")).toEqual(["g[g9]"]);
  });
});

test("the squared error on some rows is the same from cells as from columns", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...FORMULAS),
      fc.integer({ min: 1, max: 1 << 30 }),
      fc.constantFrom(0, 50),
      fc.boolean(),
      (formula, seed, offset, weighted) => {
        const table = tableOf(seed, 400, 30, offset);
        const spec = formulaSpec(formula, { columns: columnsOf(table) });
        const next = uniform(seed + 1);
        const weights = weighted ? table.y!.map(() => Math.floor(4 * next())) : undefined;
        const levels = Object.fromEntries(
          spec.variables.flatMap((variable) =>
            variable.kind === "factor"
              ? [[variable.label, sortLevels(new Set(table[variable.column]!.map(String)), variable.of)]]
              : [],
          ),
        );
        const regression = regressionOf(spec, codedTerms(spec, levels));
        const moments = sparseMoments(spec, table, { weights: weights! });
        const others = sparseMoments(spec, tableOf(seed + 2, 400, 30, offset));
        const { coefficients } = solve(others, regression);
        const keys = [...regression.terms, regression.target];
        const dense = predictionSquares(moments.over(keys), regression, coefficients);
        const sparse = predictionSquares(moments, regression, coefficients);
        // Both are sums of some 400 terms that cancel from the target's squares about 0 down to the error's.
        const size = dense + moments.sumW * (offset + 20) ** 2;
        expect(Math.abs(sparse - dense)).toBeLessThan(1e-12 * size);
      },
    ),
    { numRuns: process.env.GOML_LONG ? 2000 : 60 },
  );
}, 300_000);
