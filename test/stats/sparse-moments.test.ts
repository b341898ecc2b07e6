import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formulaSpec } from "../../src/dataset/formula/resolve.js";
import { UsageError } from "../../src/errors.js";
import { BLOCK_ROWS } from "../../src/kernels/block-rows.js";
import { ExtendedMoments } from "../../src/stats/extended-moments.js";
import { Moments } from "../../src/stats/moments.js";
import { packedIndex } from "../../src/stats/packed.js";
import type { SparseMoments } from "../../src/stats/sparse-moments.js";
import { DenseScan } from "../dataset/formula/dense-scan.js";
import { columnsOf, rawBlock, type Table } from "../dataset/formula/table.js";
import { sparseMoments } from "./sparse.js";

const FORMULAS = [
  "y ~ s",
  "y ~ x + s",
  "y ~ s + t + x",
  "y ~ x * s",
  "y ~ s:x + t:z",
  "y ~ s * t + x",
  "y ~ s:t:x + z",
  "y ~ x + s:poly(x, 2, raw = TRUE) + t:x:z",
  "y ~ factor(k) * s + t:x",
  "y ~ s + t + factor(k) + s:t + x:factor(k)",
  "y ~ 0 + s:x + s + t:s:z + factor(k)",
];

/** Decimals, which no double is: so that sums round. */
const decimal = fc.integer({ min: -900, max: 900 }).map((i) => i / 100);
const cell = fc.record({
  y: decimal,
  x: decimal,
  z: fc.integer({ min: -3, max: 3 }),
  s: fc.constantFrom("a", "b", "c", "d", null),
  t: fc.constantFrom("u", "v", "w"),
  k: fc.constantFrom(4, 6, 8),
  w: fc.constantFrom(0, 0.5, 1, 3),
});
const design = fc.record({
  formula: fc.constantFrom(...FORMULAS),
  rows: fc.array(cell, { minLength: 1, maxLength: 60 }),
  offset: fc.constantFrom(0, 0, 1000),
  weighted: fc.boolean(),
  extended: fc.boolean(),
});
type Row = { [K in "y" | "x" | "z" | "k" | "w"]: number } & { s: string | null; t: string };

function tableOf(rows: readonly Row[], offset: number): Table {
  return {
    y: rows.map(({ y }) => y),
    x: rows.map(({ x }) => x + offset),
    z: rows.map(({ z }) => z),
    s: rows.map(({ s }) => s),
    t: rows.map(({ t }) => t),
    k: rows.map(({ k }) => k),
  };
}

function specOf(formula: string) {
  const kinds = columnsOf({ y: [1], x: [1], z: [1], s: ["a"], t: ["u"], k: [4] });
  return formulaSpec(formula, { columns: kinds });
}

/** The same moments with indicators summed as columns like any other. */
function denseMoments(formula: string, table: Table, weights: number[] | undefined, extended: boolean) {
  const spec = specOf(formula);
  const scan = new DenseScan(spec, { extended });
  const raw = { ...rawBlock(table, spec), weights: weights && Float64Array.from(weights) };
  const block = scan.fill(raw, 0, table.y!.length);
  if (extended)
    return ExtendedMoments.empty([...block.columns]).updateBlock(
      block.values,
      block.low,
      block.rows,
      BLOCK_ROWS,
      block.weights?.subarray(0, block.rows),
    );
  return Moments.empty([...block.columns]).updateBlock(
    block.values,
    block.rows,
    BLOCK_ROWS,
    block.weights?.subarray(0, block.rows),
  );
}

/**
 * Compares entry by entry, each on the scale of the columns that it is made of: with r = √(Σ w x²), an entry of C is a
 * sum of terms of at most r_i r_j, each rounded a few times. `unit` is the arithmetic's roundoff; 60 rows.
 */
function expectSame(sparse: SparseMoments, dense: Moments | ExtendedMoments, unit: number): void {
  const over = sparse.over(dense.columns);
  expect(over.n).toBe(dense.n);
  // Up to 60 logarithms of at most ln 3.
  expect(Math.abs(over.sumLogW - dense.sumLogW)).toBeLessThanOrEqual(60 * 66 * Number.EPSILON);
  expect(Math.abs(over.sumW - dense.sumW)).toBeLessThanOrEqual(60 * Number.EPSILON * dense.sumW);
  const low = (m: Moments | ExtendedMoments, part: "meanLow" | "cLow", i: number) =>
    m instanceof ExtendedMoments ? m[part][i]! : 0;
  const p = dense.columns.length;
  const scale = Array.from({ length: p }, (_, i) =>
    Math.sqrt(dense.c[packedIndex(i, i)]! + dense.sumW * dense.mean[i]! ** 2),
  );
  for (let i = 0; i < p; i++) {
    const mean = over.mean[i]! - dense.mean[i]! + (low(over, "meanLow", i) - low(dense, "meanLow", i));
    expect(Math.abs(mean), `mean of ${dense.columns[i]}`).toBeLessThanOrEqual(
      200 * unit * Math.max(1, scale[i]!),
    );
    for (let j = 0; j <= i; j++) {
      const at = packedIndex(i, j);
      const difference = over.c[at]! - dense.c[at]! + (low(over, "cLow", at) - low(dense, "cLow", at));
      expect(Math.abs(difference), `${dense.columns[i]} with ${dense.columns[j]}`).toBeLessThanOrEqual(
        500 * unit * (scale[i]! * scale[j]! + 1),
      );
    }
  }
}

describe("sparse moments", () => {
  test("are those of indicators as columns, for any terms, weights and missing cells", () => {
    fc.assert(
      fc.property(design, ({ formula, rows, offset, weighted, extended }) => {
        const table = tableOf(rows, offset);
        const weights = weighted ? rows.map(({ w }) => w) : undefined;
        const sparse = sparseMoments(specOf(formula), table, { extended, weights: weights! });
        const dense = denseMoments(formula, table, weights, extended);
        expectSame(sparse, dense, extended ? 2 ** -100 : Number.EPSILON);
        // Columns that only rows of weight 0 have are columns of the dense scan, of zeros.
        const met = dense.columns.filter((_, i) => dense.c[packedIndex(i, i)] !== 0 || dense.mean[i] !== 0);
        for (const key of met) expect(sparse.columns).toContain(key);
      }),
      { numRuns: process.env.GOML_LONG ? 5000 : 300 },
    );
  });

  test("merge into those of all rows, in any order of levels, and come apart again", () => {
    fc.assert(
      fc.property(design, fc.nat(), ({ formula, rows, offset, weighted, extended }, cut) => {
        const table = tableOf(rows, offset);
        const weights = weighted ? rows.map(({ w }) => w) : undefined;
        const at = cut % (rows.length + 1);
        const options = { extended, weights: weights! };
        const part = (from: number, to: number) =>
          sparseMoments(specOf(formula), table, { ...options, from, to, size: 7 });
        const [first, second] = [part(0, at), part(at, rows.length)];
        const unit = extended ? 2 ** -98 : 8 * Number.EPSILON;
        expectSame(second.merge(first), denseMoments(formula, table, weights, extended), unit);
        if (first.n === 0 || second.n === 0) return;
        const left = first.merge(second).subtract(second);
        const dense = denseMoments(
          formula,
          Object.fromEntries(Object.entries(table).map(([name, cells]) => [name, cells.slice(0, at)])),
          weights?.slice(0, at),
          extended,
        );
        // Taking away what was larger costs its rounding: up to 60 rows of 1e3 against single rows of 1e-2.
        expectSame(left, dense, unit * 1e4 * (1 + offset));
      }),
      { numRuns: process.env.GOML_LONG ? 5000 : 200 },
    );
  });

  test("do not give rows away that they do not have, though all levels are there", () => {
    const spec = specOf("y ~ s + t");
    const rows = (pairs: [s: string, t: string][]) =>
      tableOf(
        pairs.map(([s, t], i) => ({ y: i, x: i, z: 0, s, t, k: 4, w: 1 })),
        0,
      );
    const whole = sparseMoments(
      spec,
      rows([
        ["a", "u"],
        ["b", "v"],
        ["a", "u"],
      ]),
    );
    const never = sparseMoments(spec, rows([["a", "v"]]));
    expect(() => whole.subtract(never)).toThrow(UsageError);
    expect(() => whole.subtract(never)).toThrow("rows to take away that are not there");
  });

  test("numbered in order do not tell in which order levels were met", () => {
    const spec = specOf("y ~ s:t + x:s:t");
    const rows: Row[] = Array.from({ length: 40 }, (_, i) => ({
      y: i % 7,
      x: i % 5,
      z: 0,
      s: ["c", "a", "b"][i % 3]!,
      t: ["w", "u"][i % 2]!,
      k: 4,
      w: 1,
    }));
    const names = [
      ["a", "b", "c"],
      ["u", "w"],
    ];
    const tables = (reverse: boolean) => {
      // The same rows in each cell, in the same order; cells met in another order.
      const sorted = [...rows].sort(
        (a, b) => (reverse ? -1 : 1) * (a.s!.localeCompare(b.s!) || a.t.localeCompare(b.t)),
      );
      const { levels, tables: cells } = sparseMoments(spec, tableOf(sorted, 0)).ordered(names);
      return {
        names: levels.map((level) => level.names),
        cells: cells.map(({ codes, records }) => [codes, records]),
      };
    };
    expect(tables(true)).toEqual(tables(false));
  });
});
