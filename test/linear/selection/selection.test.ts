import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formulaSpec } from "../../../src/dataset/formula/resolve.js";
import { BLOCK_ROWS } from "../../../src/kernels/block-rows.js";
import { bestSubsets } from "../../../src/linear/selection/best-subset.js";
import { type Direction, stepwise } from "../../../src/linear/selection/stepwise.js";
import { type Criterion, type SelectionData, Submodels } from "../../../src/linear/selection/submodels.js";
import { inOneGo } from "../../../src/parallel/steps.js";
import { ExtendedMoments } from "../../../src/stats/extended-moments.js";
import { DenseScan } from "../../dataset/formula/dense-scan.js";
import { columnsOf, rawBlock, type Table } from "../../dataset/formula/table.js";

/** The moments of a table, in all and in k folds of every k-th row. */
function selectionData(formula: string, table: Table, k = 1): SelectionData {
  const spec = formulaSpec(formula, { columns: columnsOf(table) });
  const scan = new DenseScan(spec);
  const raw = rawBlock(table, spec);
  const rows = Object.values(table)[0]!.length;
  const folds = Array.from({ length: k }, () => ExtendedMoments.empty([]));
  for (let r = 0; r < rows; r++) {
    const block = scan.fill(raw, r, 1);
    const fold = folds[r % k]!;
    fold.widen(block.columns.slice(fold.columns.length));
    fold.updateBlock(block.values, undefined, block.rows, BLOCK_ROWS);
  }
  const moments = folds.reduce((all, fold) => all.merge(fold));
  const levels = Object.fromEntries([...scan.levels].map(([label, names]) => [label, [...names].sort()]));
  return { spec, moments, folds, levels };
}

interface Change {
  change: string;
  df: number;
  sumOfSquares: number;
  rss: number;
  criterion: number;
}
interface Case {
  call: string;
  data: string;
  formula: string;
  direction: Direction;
  criterion: Criterion;
  changes: string[];
  criteria: number[];
  terms: string[];
  rss: number;
  first: Change[];
}
const golden = JSON.parse(readFileSync(new URL("../../golden/step.json", import.meta.url), "utf8")) as {
  r: string;
  data: Record<string, Table>;
  cases: Case[];
};

/** Both sides are exact to about 1e-11 here; sums of squares of single terms cancel two or three digits more. */
const close = (found: number, expected: number) =>
  expect(Math.abs(found - expected)).toBeLessThan(1e-8 * Math.max(1, Math.abs(expected)));

describe(`step of ${golden.r}`, () => {
  for (const { call, data, formula, direction, criterion, ...expected } of golden.cases)
    test(call, () => {
      const found = stepwise(selectionData(formula, golden.data[data]!), { direction, criterion });
      const taken = found.steps.slice(0, -1).map(({ table }) => table[0]!.change);
      expect(taken).toEqual(expected.changes);
      found.steps.forEach((step, i) => {
        close(step.criterion, expected.criteria[i]!);
      });
      // R names an interaction by the order in which its factors came in.
      const parts = (label: string) => label.split(":").sort().join(":");
      expect(found.terms.map(parts).sort()).toEqual(expected.terms.map(parts).sort());
      close(found.rss, expected.rss);
      const table = found.steps[0]!.table;
      expect(table).toHaveLength(expected.first.length + 1);
      for (const row of expected.first) {
        const same = table.find(({ change }) => change === row.change)!;
        expect(same.df).toBe(row.df);
        close(same.sumOfSquares, row.sumOfSquares);
        close(same.rss, row.rss);
        close(same.criterion, row.criterion);
      }
    });
});

describe("best subsets", () => {
  // Without an intercept, or where an interaction stands without its margins, what is left is coded anew.
  test.each([
    "y ~ x * s + z + w + I(x^2)",
    "y ~ s + t + x + z - 1",
    "y ~ x:s + s:t + z",
    "y ~ x:s + s:t + t - 1",
  ])("are those that trying all of them finds, margins kept: %s", (formula) => {
    const row = fc.tuple(
      fc.integer({ min: -9, max: 9 }),
      fc.integer({ min: -9, max: 9 }),
      fc.constantFrom("a", "b", "c"),
      fc.integer({ min: -9, max: 9 }),
      fc.constantFrom("p", "q"),
    );
    fc.assert(
      fc.property(fc.array(row, { minLength: 25, maxLength: 40 }), (rows) => {
        const table: Table = {
          y: rows.map(([x, z, s, e]) => x - (s === "a" ? 3 : 0) + z * 0.3 + e),
          x: rows.map(([x]) => x),
          z: rows.map(([, z]) => z),
          s: rows.map(([, , s]) => s),
          t: rows.map(([, , , , t]) => t),
          w: rows.map(([x, z, , e]) => x * e - z),
        };
        const data = selectionData(formula, table);
        const submodels = new Submodels(data, "bic");
        const all = data.spec.terms.map((_, t) => t);
        const least = new Map<number, number>();
        for (let set = 0; set < 2 ** all.length; set++) {
          const terms = all.filter((t) => (set >> t) % 2 === 1);
          if (
            terms.some((outer) =>
              all.some((inner) => !terms.includes(inner) && submodels.contains(outer, inner)),
            )
          )
            continue;
          const { rank, rss } = inOneGo(submodels.of(terms));
          least.set(rank, Math.min(least.get(rank) ?? Infinity, rss));
        }
        const { bySize, best } = bestSubsets(data, "bic");
        expect(bySize.map(({ rank }) => rank)).toEqual([...least.keys()].sort((a, b) => a - b));
        // The search removes columns one by one, each step rounding a little.
        for (const { rank, rss } of bySize) expect(Math.abs(rss / least.get(rank)! - 1)).toBeLessThan(1e-9);
        expect(bySize[best]!.criterion).toBe(Math.min(...bySize.map(({ criterion }) => criterion)));
      }),
      { numRuns: 20 },
    );
  });

  test("of 20 columns out of a million models, by cross-validation", () => {
    const n = 120;
    const columns = Array.from({ length: 20 }, (_, j) => `x${j}`);
    const table: Table = Object.fromEntries(
      columns.map((name, j) => [name, Array.from({ length: n }, (_, r) => Math.sin(r * (j + 2.3) ** 2))]),
    );
    table.y = Array.from(
      { length: n },
      (_, r) => 3 * Number(table.x3![r]) - 2 * Number(table.x11![r]) + 0.1 * Math.cos(r * r),
    );
    const { bySize, best } = bestSubsets(selectionData("y ~ .", table, 5), "cv");
    expect(bySize).toHaveLength(21);
    expect(bySize[2]!.labels).toEqual(["x3", "x11"]);
    expect(bySize[best]!.labels).toEqual(expect.arrayContaining(["x3", "x11"]));
  });

  test("refuse what they cannot search", () => {
    const many: Table = Object.fromEntries(Array.from({ length: 42 }, (_, j) => [`x${j}`, [1, 2]]));
    expect(() => bestSubsets(selectionData("x0 ~ .", many))).toThrow("at most 40 terms, the model has 41");
  });
});

test("a factor's reference changes nothing in what is selected, and its levels stay together", () => {
  const { iris } = golden.data;
  const data = selectionData("Sepal.Length ~ Species + Petal.Width", iris!);
  const plain = stepwise(data);
  const other = stepwise({ ...data, references: { Species: "virginica" } });
  expect(other.terms).toEqual(plain.terms);
  expect(plain.steps[0]!.table.find(({ change }) => change === "- Species")!.df).toBe(2);
});

test("cross-validation is refused without folds", () => {
  const { folds: _, ...data } = selectionData("mpg ~ wt", golden.data.mtcars!);
  expect(() => stepwise(data, { criterion: "cv" })).toThrow("needs the folds' moments");
});
