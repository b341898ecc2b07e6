import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { crossValidationOf } from "../../src/cli/render/model-report.js";
import { ModelGroup } from "../../src/linear/model/model-group.js";
import { mergeGroupsSteps } from "../../src/linear/shards/merge-groups.js";
import { inOneGo } from "../../src/parallel/steps.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { fitGroupsCsv } from "../../src/training/fit-groups-csv.js";
import { updateGroupsCsv } from "../../src/training/update-groups-csv.js";
import { uniform } from "../uniform.js";
import { writeColumns } from "./absorbed-golden.js";

const folder = mkdtempSync(join(tmpdir(), "goml-absorbed-groups-folds-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Rows of three groups, in turn at random, with firms of their own and in common, some of one row only. */
function panel(seed: number, n: number) {
  const next = uniform(seed);
  const part = Array.from({ length: n }, () => Math.floor(3 * next()));
  const firm = part.map((p) => 9 * p + Math.floor(20 * next() ** 2));
  const year = part.map(() => Math.floor(4 * next()));
  const x = firm.map((f) => f / 5 + next());
  const z = x.map((v, i) => v / 2 + year[i]! / 3 + next());
  const y = x.map((v, i) => (1 + part[i]!) * v - z[i]! + Math.sin(firm[i]!) + next());
  const w = x.map(() => 1 + Math.floor(3 * next()));
  const id = x.map(() => Math.floor(1000 * next()));
  const names = { firm: firm.map((f) => `f${f}`), year: year.map((v) => `y${v}`) };
  return { x, z, w, id, ...names, part: part.map((p) => `p${p}`), y };
}

const read = (models: ModelGroup) => ModelGroup.fromJSON(JSON.parse(JSON.stringify(models)));

/** How far two numbers are from each other; 0 where both are NaN. */
const off = (a: number, b: number) =>
  Number.isNaN(a) && Number.isNaN(b) ? 0 : Math.abs(a - b) / Math.max(1, Math.abs(b));

/** The groups' models, and those of the rows of each, of which a condition leaves the others out: rows keep their numbers. */
async function bothWays(path: string, options: object) {
  const { models, notes } = await fitGroupsCsv(path, { ...options, groupBy: "part" });
  const alone = await Promise.all(
    ["p0", "p1", "p2"].map((part) => fitCsv(path, { ...options, where: `part == "${part}"` })),
  );
  return { models: read(models), alone, notes };
}

describe("folds of groups with absorbed effects", () => {
  test("have the errors of each group's own fit in the same folds", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1 << 30 }),
        fc.constantFrom<readonly [string, object]>(
          ["y ~ x + z | firm", {}],
          ["y ~ x + z | firm", { lambda: "path", alpha: 0.5 }],
          ["y ~ x + z | firm + year", {}],
          ["y ~ x + z | firm + year", { lambda: 0.1 }],
          ["y ~ x + z | firm + year", { lambda: "1se", alpha: 1 }],
          ["y ~ z | firm[x] + year", {}],
        ),
        fc.record({
          weights: fc.constantFrom(undefined, "w"),
          foldBy: fc.constantFrom(undefined, "id"),
          threads: fc.constantFrom(1, 3),
          testSize: fc.constantFrom(undefined, 0.2),
        }),
        async (seed, [formula, choice], how) => {
          const path = writeColumns(folder, "all", panel(seed, 300));
          const { models, alone } = await bothWays(path, { formula, folds: 3, ...how, ...choice });
          expect([...models.models.keys()]).toEqual(["p0", "p1", "p2"]);
          alone.forEach(({ model, cv }, p) => {
            const own = models.models.get(`p${p}`)!;
            expect(own.folds).toEqual([]);
            // The same rows in blocks of other sizes: some hundred, well conditioned.
            own.coefficients.forEach((value, j) => {
              expect(off(value, model.coefficients[j]!)).toBeLessThan(1e-8);
            });
            const lambda = model.penalty?.lambda;
            if (lambda !== undefined) expect(own.penalty!.lambda / lambda).toBeCloseTo(1, 9);
            const found = crossValidationOf(own);
            const expected = crossValidationOf(model);
            expect(found?.unpredicted).toBe(expected?.unpredicted);
            for (const part of ["mse", "r2", "mseError"] as const)
              expect(off(found![part], expected![part])).toBeLessThan(1e-8);
            // Folds that need a column which the others lack have no errors in a file: slopes of rare levels.
            if (found!.leftOut === 0) expect(off(found!.mse, cv!.mse)).toBeLessThan(1e-8);
          });
        },
      ),
      { numRuns: process.env.GOML_LONG ? 100 : 6 },
    );
  }, 60_000);

  test("are the same bytes for any number of threads", async () => {
    // Several chunks of a mebibyte.
    const path = writeColumns(folder, "long", panel(5, 40_000));
    const options = { formula: "y ~ x + z | firm + year", folds: 5, groupBy: "part" };
    const [one, ...others] = await Promise.all(
      [1, 2, 3].map(async (threads) =>
        JSON.stringify((await fitGroupsCsv(path, { ...options, threads })).models),
      ),
    );
    for (const other of others) expect(other).toBe(one);
  });
});

describe("rows of levels of their own in a group", () => {
  test("are left out as from each group's own fit", async () => {
    const path = writeColumns(folder, "single", panel(8, 120));
    for (const formula of ["y ~ x + z | firm", "y ~ x + z | firm + year"]) {
      const { models, alone, notes } = await bothWays(path, { formula, dropSingletons: true });
      const all = alone.reduce((sum, { model }) => sum + (model.scan!.singletons ?? 0), 0);
      expect(all).toBeGreaterThan(3);
      expect(models.scan!.singletons).toBe(all);
      expect(notes).toContain(
        `${all} rows were left out, a level of which no other row has, or none that is left`,
      );
      alone.forEach(({ model }, p) => {
        const own = models.models.get(`p${p}`)!;
        expect([own.n, own.parameters, own.levels]).toEqual([model.n, model.parameters, model.levels]);
        own.standardErrors.forEach((value, j) => {
          expect(Math.abs(value / model.standardErrors[j]! - 1)).toBeLessThan(1e-9);
        });
      });
      const [a, b] = ["a", "b"].map((name) => ({ name, model: models }));
      expect(() => inOneGo(mergeGroupsSteps([a!, b!]))).toThrow("without rows of levels of their own");
      await expect(updateGroupsCsv(models, writeColumns(folder, "more", panel(9, 50)))).rejects.toThrow(
        "without rows of levels of their own",
      );
    }
  });

  test("are left out of the folds, too", async () => {
    const path = writeColumns(folder, "single", panel(8, 200));
    const options = { formula: "y ~ x + z | firm + year", dropSingletons: true, folds: 3 };
    const { models, alone } = await bothWays(path, options);
    alone.forEach(({ model, cv }, p) => {
      const found = crossValidationOf(models.models.get(`p${p}`)!)!;
      expect(found.unpredicted).toBe(crossValidationOf(model)!.unpredicted);
      expect(Math.abs(found.mse / cv!.mse - 1)).toBeLessThan(1e-8);
    });
  });
});

test("a group that cannot be fitted keeps no folds, one with all rows in one fold has no errors", async () => {
  const table = panel(3, 300);
  const part = table.part.map((name, i) => (i < 1 ? "few" : i < 40 ? "one" : name));
  const id = table.id.map((key, i) => (i < 40 ? 7 : key));
  const path = writeColumns(folder, "few", { ...table, part, id });
  const options = { formula: "y ~ x + z | firm", folds: 4, foldBy: "id", groupBy: "part" };
  const { models } = await fitGroupsCsv(path, options);
  expect([...models.models].map(([name, model]) => [name, crossValidationOf(model) === undefined])).toEqual([
    ["one", true],
    ["p0", false],
    ["p1", false],
    ["p2", false],
  ]);
  const { models: along } = await fitGroupsCsv(path, { ...options, lambda: "path" });
  expect(along.refused.map(({ group }) => group)).toEqual(["few", "one"]);
  expect(models.refused.map(({ group, folds }) => [group, folds])).toEqual([["few", undefined]]);
});
