import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { mergeModels } from "../../src/linear/shards/merge-models.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { updateCsv } from "../../src/training/update-csv.js";
import { uniform } from "../uniform.js";
import { writeColumns } from "./absorbed-golden.js";

const folder = mkdtempSync(join(tmpdir(), "goml-singletons-"));
afterAll(() => rmSync(folder, { recursive: true }));

function sparsePanel(seed: number, n: number, firms: number) {
  const next = uniform(seed);
  const pick = (size: number) => Math.floor(size * next() ** 2);
  const firm = Array.from({ length: n }, () => `f${pick(firms)}`);
  const year = Array.from({ length: n }, () => `y${pick(firms / 2)}`);
  const region = Array.from({ length: n }, () => `r${pick(firms / 3)}`);
  const x = firm.map(() => next());
  const y = x.map((v) => 2 * v + next());
  return { x, firm, year, region, y };
}

/** The rows that are left, round by round over all rows: the definition, in place of the cells. */
function leftRows(columns: readonly (readonly string[])[]): number[] {
  let rows = columns[0]!.map((_, i) => i);
  for (;;) {
    const left = rows.filter((i) =>
      columns.every((column) => rows.some((other) => other !== i && column[other] === column[i])),
    );
    if (left.length === rows.length) return left;
    rows = left;
  }
}

test("singletons are left out until there are none, and the fit is that of the rows that are left", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 1 << 30 }),
      fc.constantFrom(["firm"], ["firm", "year"], ["year", "region", "firm"]),
      fc.integer({ min: 30, max: 70 }),
      async (seed, absorb, n) => {
        const table = sparsePanel(seed, n, 18);
        const left = leftRows(absorb.map((name) => table[name as "firm"]));
        fc.pre(left.length > 20);
        const options = { target: "y", features: ["x"], absorb, vcov: "hc1" as const };
        const path = writeColumns(folder, "whole", table);
        const rest = Object.fromEntries(
          Object.entries(table).map(([name, values]) => [name, left.map((i) => values[i]!)]),
        );
        const found = (await fitCsv(path, { ...options, dropSingletons: true })).model;
        const expected = (await fitCsv(writeColumns(folder, "rest", rest), options)).model;
        expect(found.scan?.singletons ?? 0).toBe(n - left.length);
        expect([found.n, found.dfResidual]).toEqual([expected.n, expected.dfResidual]);
        expect(found.levels).toEqual(expected.levels);
        for (const of of ["coefficients", "standardErrors"] as const)
          expect(Math.abs(found[of][0]! / expected[of][0]! - 1)).toBeLessThan(1e-9);
      },
    ),
    { numRuns: process.env.GOML_LONG ? 300 : 25 },
  );
});

test("a fit without singletons does not merge: others may share their levels", async () => {
  const options = { target: "y", features: ["x"], absorb: ["firm"] };
  const path = writeColumns(folder, "shard", sparsePanel(5, 60, 30));
  const { model, notes } = await fitCsv(path, { ...options, dropSingletons: true });
  const { singletons } = model.scan!;
  expect(singletons).toBeGreaterThan(1);
  expect(notes).toContain(
    `${singletons} rows were left out, a level of which no other row has, or none that is left`,
  );
  const other = (await fitCsv(path, options)).model;
  expect(() =>
    mergeModels([
      { model: other, name: "a" },
      { model, name: "b" },
    ]),
  ).toThrow("b was trained without rows of levels of their own");
  await expect(updateCsv(model, path, { again: true })).rejects.toThrow("rows of levels of their own");
  // The coefficients are the same with these rows in the fit.
  expect(Math.abs(other.coefficients[0]! / model.coefficients[0]! - 1)).toBeLessThan(1e-9);
  await expect(fitCsv(path, { target: "y", features: ["x"], dropSingletons: true })).rejects.toThrow(
    "goes with absorbed effects",
  );
  const alone = writeColumns(folder, "alone", { x: [1, 2, 3], firm: ["a", "b", "c"], y: [1, 3, 2] });
  await expect(fitCsv(alone, { ...options, dropSingletons: true })).rejects.toThrow(
    "no row is left to fit: each of 3 has a level of its own",
  );
});
