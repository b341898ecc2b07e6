import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { LinearModel } from "../../src/linear/model/model.js";
import { forgetRows } from "../../src/linear/shards/forget-rows.js";
import { mergeModels } from "../../src/linear/shards/merge-models.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { uniform } from "../uniform.js";
import { writeColumns } from "./absorbed-golden.js";

const folder = mkdtempSync(join(tmpdir(), "goml-absorbed-shards-"));
afterAll(() => rmSync(folder, { recursive: true }));

function panel(seed: number, n: number) {
  const next = uniform(seed);
  const firm = Array.from({ length: n }, () => Math.floor(25 * next() ** 2));
  const year = firm.map(() => Math.floor(6 * next()));
  const x = firm.map((f) => f / 10 + next());
  const z = x.map((value, i) => value + year[i]! / 4 + next());
  const y = x.map((value, i) => 2 * value - z[i]! + Math.sin(firm[i]!) + next());
  const w = x.map(() => 1 + Math.floor(3 * next()));
  return { x, z, w, firm: firm.map((f) => `f${f}`), year: year.map((v) => `y${v}`), y };
}

/** Coefficients, errors, effects and what is counted; effects only to a constant that factors share. */
function same(found: LinearModel, expected: LinearModel, unit: number): void {
  expect([found.n, found.parameters, found.levels]).toEqual([
    expected.n,
    expected.parameters,
    expected.levels,
  ]);
  for (const of of ["coefficients", "standardErrors"] as const)
    found[of].forEach((value, j) => {
      expect(Math.abs(value / expected[of][j]! - 1)).toBeLessThan(unit);
    });
  found.effects.forEach((own, f) => {
    own.effects.forEach((value, l) => {
      expect(Math.abs(value - expected.effects[f]!.effects[l]!)).toBeLessThan(unit * 100);
    });
  });
}

const model = (one: LinearModel, name: string) => ({ model: one, name });

test("merging is associative, and forgetting undoes it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 1 << 30 }),
      fc.constantFrom("y ~ x + z | firm", "y ~ x + z | firm + year", "y ~ x * year | firm"),
      fc.boolean(),
      fc.constantFrom("normal" as const, "extended" as const),
      async (seed, formula, weighted, solver) => {
        const options = { formula, solver, ...(weighted ? { weights: "w" } : {}) };
        const table = panel(seed, 360);
        const cut = [0, 120, 250, 360];
        const shards: LinearModel[] = [];
        for (let s = 0; s < 3; s++) {
          const path = writeColumns(folder, `shard${s}`, table, cut[s]!, cut[s + 1]);
          shards.push((await fitCsv(path, options)).model);
        }
        const [a, b, c] = shards as [LinearModel, LinearModel, LinearModel];
        const whole = (await fitCsv(writeColumns(folder, "whole", table), options)).model;
        const merged = (...parts: LinearModel[]) =>
          mergeModels(parts.map((one, i) => model(one, String(i)))).model;
        // Of 360 rows, well conditioned: some hundred roundings.
        const unit = 1e-11;
        const left = merged(merged(a, b), c);
        same(left, merged(a, merged(b, c)), unit);
        same(left, whole, unit);
        // Subtracting leaves the rounding of the larger sums behind.
        same(forgetRows(model(left, "all"), model(c, "c")).model, merged(a, b), 10 * unit);
      },
    ),
    { numRuns: process.env.GOML_LONG ? 200 : 12 },
  );
});
