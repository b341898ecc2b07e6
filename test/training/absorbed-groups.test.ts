import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { LinearModel } from "../../src/linear/model/model.js";
import { ModelGroup } from "../../src/linear/model/model-group.js";
import { forgetGroupsSteps } from "../../src/linear/shards/forget-groups.js";
import { mergeGroupsSteps } from "../../src/linear/shards/merge-groups.js";
import { inOneGo } from "../../src/parallel/steps.js";
import { predictCsv } from "../../src/prediction/predict-csv.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { fitGroupsCsv } from "../../src/training/fit-groups-csv.js";
import { uniform } from "../uniform.js";
import { type Columns, writeColumns } from "./absorbed-golden.js";

const folder = mkdtempSync(join(tmpdir(), "goml-absorbed-groups-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Rows of three groups that have firms of their own and in common, and years. */
function panel(seed: number, n: number) {
  const next = uniform(seed);
  const part = Array.from({ length: n }, () => Math.floor(3 * next()));
  const firm = part.map((p) => 4 * p + Math.floor(8 * next()));
  const year = part.map(() => Math.floor(4 * next()));
  const x = firm.map((f) => f / 5 + next());
  const z = x.map((v, i) => v / 2 + year[i]! / 3 + next());
  const y = x.map((v, i) => (1 + part[i]!) * v - z[i]! + Math.sin(firm[i]!) + next());
  const w = x.map(() => 1 + Math.floor(3 * next()));
  const names = { firm: firm.map((f) => `f${f}`), year: year.map((v) => `y${v}`) };
  return { x, z, w, ...names, part: part.map((p) => `p${p}`), y };
}

const only = (table: Columns, part: string): Columns =>
  Object.fromEntries(
    Object.entries(table).map(([name, values]) => [name, values.filter((_, i) => table.part![i] === part)]),
  );

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
      expect(Math.abs(value - expected.effects[f]!.effects[l]!)).toBeLessThan(100 * unit);
    });
  });
}

const read = (models: ModelGroup) => ModelGroup.fromJSON(JSON.parse(JSON.stringify(models)));

test("each group's absorbed fit is that of its own rows, predictions and intervals too", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 1 << 30 }),
      fc.constantFrom("y ~ x + z | firm", "y ~ x + z | firm + year", "y ~ z | firm[x] + year"),
      fc.record({
        weights: fc.constantFrom(undefined, "w"),
        solver: fc.constantFrom("normal" as const, "extended" as const),
        lambda: fc.constantFrom(undefined, 0.1),
      }),
      async (seed, formula, how) => {
        const table = panel(seed, 300);
        const options = { formula, ...how };
        const path = writeColumns(folder, "all", table);
        const { models } = await fitGroupsCsv(path, { ...options, groupBy: "part" });
        const kept = read(models);
        expect([...kept.models.keys()]).toEqual(["p0", "p1", "p2"]);
        for (const [part, model] of kept.models) {
          const own = writeColumns(folder, "own", only(table, part));
          const alone = (await fitCsv(own, options)).model;
          // Some hundred rows, well conditioned; a penalised fit has no errors.
          if (how.lambda === undefined) same(model, alone, 1e-10);
          const interval = how.lambda === undefined ? ("prediction" as const) : ("none" as const);
          const rows = async (one: LinearModel | ModelGroup) => {
            const output = join(folder, "out.csv");
            await predictCsv(one, own, { output, interval });
            return readFileSync(output, "utf8").trimEnd().split("\n").slice(1).join().split(",").map(Number);
          };
          const [found, expected] = [await rows(kept), await rows(alone)];
          found.forEach((value, i) => {
            expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-8);
          });
        }
      },
    ),
    { numRuns: process.env.GOML_LONG ? 100 : 8 },
  );
}, 60_000);

test("they merge, and are forgotten", async () => {
  const table = panel(3, 400);
  const options = { formula: "y ~ x + z | firm + year", groupBy: "part" };
  const fit = async (name: string, from: number, to?: number) => ({
    name,
    model: read((await fitGroupsCsv(writeColumns(folder, name, table, from, to), options)).models),
  });
  const [first, second, whole] = [await fit("a", 0, 250), await fit("b", 250), await fit("c", 0)];
  const merged = inOneGo(mergeGroupsSteps([first, second]));
  for (const [part, model] of merged.models) same(model, whole.model.models.get(part)!, 1e-10);
  const back = inOneGo(forgetGroupsSteps({ name: "all", model: merged }, second)).models;
  for (const [part, model] of back.models) same(model, first.model.models.get(part)!, 1e-9);
});
