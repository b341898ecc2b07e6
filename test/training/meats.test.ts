import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { mergeModels } from "../../src/linear/shards/merge-models.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { meatCsv } from "../../src/training/meat-csv.js";
import type { ShardMeat } from "../../src/training/meat-document.js";
import { mergeMeats } from "../../src/training/merge-meats.js";
import type { VcovOptions } from "../../src/training/vcov-request.js";
import { uniform } from "../uniform.js";

const folder = mkdtempSync(join(tmpdir(), "goml-meats-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(lines: readonly string[]): string {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, `${["x,z,g,w,firm,year,y", ...lines].join("\n")}\n`);
  return path;
}

/** Rows of 11 firms and 7 years in no order, so that every cut leaves rows of most of them on both sides. */
function rows(seed: number, n: number): string[] {
  const next = uniform(seed);
  return Array.from({ length: n }, (_, r) => {
    const [x, z, w] = [4 * next() - 2, next(), 0.5 + next()];
    const g = "abc"[Math.floor(3 * next())]!;
    const y = 2 + x - z + (g === "b" ? 1 : 0) + (0.3 + Math.abs(x)) * (next() - 0.5);
    const cell = next() < 0.03 ? "NA" : x;
    return `${cell},${z},${g},${w},f${Math.floor(11 * next())},${2000 + (r % 7)},${y}`;
  });
}

const kinds: VcovOptions[] = [
  { vcov: "hc0" },
  { vcov: "hc1" },
  { vcov: "hc2" },
  { vcov: "hc3" },
  { vcov: "hc4" },
  { vcov: "hc4m" },
  { vcov: "jackknife" },
  { vcov: "cr0", cluster: "firm" },
  { vcov: "cluster", cluster: "firm" },
  { vcov: "cluster", cluster: ["firm", "year"] },
  { vcov: "cluster", cluster: "firm", ssc: { adj: false } },
  { vcov: "cr2", cluster: "firm" },
  { vcov: "cr3", cluster: "firm", df: "clusters" },
  { vcov: "jackknife", cluster: "firm" },
  { vcov: "bootstrap", cluster: "firm", draws: 99 },
  { vcov: "bootstrap", cluster: "firm", draw: "pairs", draws: 50 },
  { vcov: "dk", time: "year", lag: 2 },
];

const cut = fc.record({
  seed: fc.integer({ min: 1, max: 1e6 }),
  sizes: fc.array(fc.integer({ min: 30, max: 60 }), { minLength: 2, maxLength: 4 }),
  weights: fc.constantFrom(undefined, "w"),
  kind: fc.constantFrom(...kinds),
});

/** As a file has it. */
const copied = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe("the meats of shards", () => {
  test("add up to the covariance of one pass over all rows, of every kind", async () => {
    await fc.assert(
      fc.asyncProperty(cut, async ({ seed, sizes, weights, kind }) => {
        const all = rows(
          seed,
          sizes.reduce((sum, size) => sum + size, 0),
        );
        const how: FitCsvOptions = { formula: "y ~ x + z + g", weights, folds: 1, threads: 1 };
        const { model: whole } = await fitCsv(file(all), { ...how, ...kind });
        const shards: { path: string; model: LinearModel }[] = [];
        let from = 0;
        for (const size of sizes) {
          const path = file(all.slice(from, from + size));
          shards.push({ path, model: (await fitCsv(path, how)).model });
          from += size;
        }
        const named = shards.map(({ model }, i) => ({ name: `${i}.json`, model }));
        const merged = LinearModel.fromJSON(copied(mergeModels(named).model));
        const meats: ShardMeat[] = [];
        for (const { path } of shards)
          meats.push(copied((await meatCsv(merged, path, { ...kind, threads: 1 })).meat));
        const robust = mergeMeats(merged, meats);
        expect(robust.vcov.type).toBe(whole.vcov.type);
        expect(robust.dfInference).toBe(whole.dfInference);
        // θ of merged moments is that of one pass to some 1e-12; residuals and leverages follow it, and CR3 divides by
        // what leverages leave of 1.
        for (const [i, error] of whole.standardErrors.entries())
          expect(Math.abs(robust.standardErrors[i]! / error - 1)).toBeLessThan(1e-8);
        const [a, b] = [robust, whole].map((model) => model.summary().coefficients);
        for (const [i, row] of b!.entries()) expect(a![i]!.p).toBeCloseTo(row.p, 7);
      }),
      { numRuns: 40 },
    );
  });

  const shards = [rows(5, 60), rows(6, 50)].map(file);

  async function merged(): Promise<LinearModel> {
    const models: { name: string; model: LinearModel }[] = [];
    for (const path of shards)
      models.push({ name: path, model: (await fitCsv(path, { target: "y" })).model });
    return mergeModels(models).model;
  }

  test("are refused where rows are missing, there twice, or of another model", async () => {
    const model = await merged();
    const [a, b] = [await meatCsv(model, shards[0]!), await meatCsv(model, shards[1]!)].map(
      ({ meat }) => meat,
    );
    expect(() => mergeMeats(model, [a!])).toThrow(/are of \d+ rows, the model of \d+: some are missing/);
    expect(() => mergeMeats(model, [a!, b!, b!])).toThrow(/some are there twice, or foreign/);
    expect(() => mergeMeats(model, [])).toThrow("there are no meats of shards");
    const { meat: hc3 } = await meatCsv(model, shards[1]!, { vcov: "hc3" });
    expect(() => mergeMeats(model, [a!, hc3])).toThrow(/different covariances: hc1 and hc3/);
    const { model: other } = await fitCsv(shards[0]!, { target: "y" });
    expect(() => mergeMeats(other, [a!])).toThrow(/its coefficients differ/);
  });

  test("are told from others of as many rows: their scores do not add up to 0", async () => {
    const halves = [rows(7, 50), rows(8, 50)].map((lines) =>
      file(lines.map((line) => line.replace("NA", "0"))),
    );
    const { model } = await fitCsv(halves, { target: "y" });
    const { meat } = await meatCsv(model, halves[0]!);
    expect(() => mergeMeats(model, [meat, meat])).toThrow(/their scores do not add up to 0/);
    const { meat: clustered } = await meatCsv(model, halves[0]!, { cluster: "firm" });
    expect(() => mergeMeats(model, [clustered, clustered])).toThrow(/their scores do not add up to 0/);
  });

  test.each([
    [{ vcov: "hc5" }, /largest leverage/],
    [{ vcov: "hac" }, /goes by single rows/],
    [{ vcov: "bootstrap" }, /goes by single rows/],
    [{ vcov: "iid" }, /no second round/],
  ] as const)("say what is no sum over shards: %o", async (kind, message) => {
    await expect(meatCsv(await merged(), shards[0]!, kind)).rejects.toThrow(message);
  });
});
