import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { importanceOf } from "../../../src/linear/selection/importance.js";
import { shapleyShares } from "../../../src/linear/selection/shapley-shares.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { agree, refit } from "../golden-fits.js";

interface Golden {
  file: string;
  call: string;
  formula: string;
  weights: string | null;
  terms: string[];
  beta: number[];
  partialR2: number[];
  semiPartialR2: number[];
  share: number[];
  r2: number;
}

const goldens: Golden[] = JSON.parse(readFileSync("test/golden/importance.json", "utf8"));

describe("importance is that of all subsets in R", () => {
  test.each(goldens.map((golden) => [golden.call, golden] as const))("%s", async (_, golden) => {
    const { model } = await refit(golden, golden.formula);
    const { standardized, terms, r2 } = importanceOf(model);
    expect(terms.map(({ term }) => term)).toEqual(golden.terms);
    standardized.forEach(({ term, beta }, j) => {
      agree(beta, golden.beta[j]!, `β of ${term}`);
    });
    terms.forEach((row, t) => {
      for (const name of ["partialR2", "semiPartialR2", "share"] as const)
        agree(row[name], golden[name][t]!, `${name} of ${row.term}`);
    });
    agree(r2, golden.r2, "R²");
  });
});

test("shares add up to R², are those of equals alike, and do not hang on the order of blocks", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 1e6 }), (p, seed) => {
      // Rows of small integers: their products are exact.
      const value = (r: number, i: number) => (((r + 1) * 7919 + (i + 1) * 104729 + seed) ** 2 % 1009) % 19;
      const product = (i: number, j: number) =>
        Array.from({ length: 30 }, (_, r) => value(r, i) * value(r, j)).reduce((a, b) => a + b, 0);
      const blocks = Array.from({ length: p }, (_, i) => [i]);
      const shares = shapleyShares(blocks, product, 1e-11);
      const flipped = (i: number) => (i < p ? p - 1 - i : p);
      const other = shapleyShares(blocks, (i, j) => product(flipped(i), flipped(j)), 1e-11);
      shares.forEach((share, i) => {
        expect(other[p - 1 - i]).toBeCloseTo(share, 10);
      });
      // One block of all columns has R² alone.
      const [whole] = shapleyShares([blocks.flat()], product, 1e-11);
      expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(whole!, 9);
    }),
    { numRuns: 40 },
  );
});

test("interactions and more than 20 terms have no shares, and say so; absorbed effects have those within", async () => {
  const { model } = await fitCsv("data/boston.csv", { formula: "medv ~ lstat * rm", threads: 1 });
  const with2 = importanceOf(model);
  expect(with2.notes[0]).toMatch(/^no shares in R²: with interactions/);
  expect(with2.terms.every(({ share }) => Number.isNaN(share))).toBe(true);
  const formula = "wage ~ education + experience | occupation";
  const within = importanceOf((await fitCsv("data/cps-wages.csv", { formula, threads: 1 })).model);
  const sum = within.terms.reduce((all, { share }) => all + share, 0);
  expect(sum).toBeCloseTo(within.r2, 12);
  // The within R² of the guide's session.
  expect(within.r2).toBeCloseTo(0.111954, 6);
  const many = Array.from({ length: 21 }, (_, i) => `I(lstat^${i + 1})`).join(" + ");
  const wide = await fitCsv("data/boston.csv", { formula: `medv ~ ${many}`, threads: 1 });
  expect(importanceOf(wide.model).notes).toEqual([
    "no shares in R²: 21 terms have too many orders (at most 20)",
  ]);
  const ridge = await fitCsv("data/boston.csv", { lambda: 0.1, threads: 1 });
  expect(() => importanceOf(ridge.model)).toThrow("penalised");
});
