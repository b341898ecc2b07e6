import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { predictCsv } from "../../src/prediction/predict-csv.js";
import { foldOf } from "../../src/scan/row-draw.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { uniform } from "../uniform.js";
import { type Columns, golden, writeColumns } from "./absorbed-golden.js";

const folder = mkdtempSync(join(tmpdir(), "goml-absorbed-folds-"));
afterAll(() => rmSync(folder, { recursive: true }));

const rowsOf = (table: Columns, keep: (i: number) => boolean): Columns =>
  Object.fromEntries(
    Object.entries(table).map(([name, values]) => [name, values.filter((_, i) => keep(i))] as const),
  );

/** The folds' errors by fits to files without the fold, of which the fold is predicted. */
async function byRefits(table: Columns, options: object, folds: number, weights: readonly number[]) {
  const n = table.y!.length;
  const fold = Array.from({ length: n }, (_, i) => foldOf(i, 1, folds));
  const errors: { n: number; sumW: number; squares: number; unpredicted: number }[] = [];
  for (let f = 0; f < folds; f++) {
    const others = writeColumns(
      folder,
      "others",
      rowsOf(table, (i) => fold[i] !== f),
    );
    const own = writeColumns(
      folder,
      "own",
      rowsOf(table, (i) => fold[i] === f),
    );
    const { model } = await fitCsv(others, options);
    const output = join(folder, "own-out.csv");
    await predictCsv(model, own, { output, unseen: "na" });
    const predictions = readFileSync(output, "utf8").trimEnd().split("\n").slice(1);
    const at = fold.flatMap((g, i) => (g === f ? [i] : []));
    let squares = 0;
    let unpredicted = 0;
    let sumW = 0;
    at.forEach((i, r) => {
      if (predictions[r] === "NA") unpredicted++;
      else {
        squares += weights[i]! * (Number(table.y![i]) - Number(predictions[r])) ** 2;
        sumW += weights[i]!;
      }
    });
    errors.push({ n: at.length - unpredicted, sumW, squares, unpredicted });
  }
  return errors;
}

const cases = [
  { data: "balanced", formula: "y ~ x + z | firm + year" },
  { data: "unbalanced", formula: "y ~ x + z | firm" },
  { data: "apart", formula: "y ~ x | firm + year" },
  { data: "singletons", formula: "y ~ x + z | firm + year" },
  { data: "manyFirms", formula: "y ~ x + region | firm + year" },
  { data: "unbalanced", formula: "y ~ x * region | year" },
  { data: "unbalanced", formula: "y ~ x + z | firm + year + region", lambda: 0.2 },
];

describe("cross-validation is that of fits without each fold", () => {
  for (const { data, ...options } of cases)
    test.each([false, true])(`${data}: ${options.formula}, weights %s`, async (weighted) => {
      const table = golden.sets[data]!;
      const path = writeColumns(folder, data, table);
      const fitted = { ...options, ...(weighted ? { weights: "w" } : {}) };
      const weights = weighted ? table.w!.map(Number) : table.y!.map(() => 1);
      const expected = await byRefits(table, fitted, 4, weights);
      const { cv, model } = await fitCsv(path, { ...fitted, folds: 4 });
      expect(model.folds).toEqual([]);
      cv!.folds.forEach((fold, f) => {
        expect({ n: fold.n, unpredicted: fold.unpredicted }).toEqual({
          n: expected[f]!.n,
          unpredicted: expected[f]!.unpredicted,
        });
      });
      expect(cv!.unpredicted).toBe(expected.reduce((sum, fold) => sum + fold.unpredicted, 0));
      // The two add up in different orders.
      let [squares, sumW] = [0, 0];
      cv!.folds.forEach(({ mse, n }, f) => {
        if (n > 0) expect(Math.abs(mse / (expected[f]!.squares / expected[f]!.sumW) - 1)).toBeLessThan(1e-8);
        squares += expected[f]!.squares;
        sumW += expected[f]!.sumW;
      });
      expect(Math.abs(cv!.mse / (squares / sumW) - 1)).toBeLessThan(1e-8);
    });
});

test("a penalty is that of least squares on columns about the effects", async () => {
  const next = uniform(7);
  const n = 200;
  const firm = Array.from({ length: n }, () => Math.floor(12 * next()));
  const x = firm.map((f) => f + next());
  const z = x.map((v) => v / 3 + next());
  const y = x.map((v, i) => v - z[i]! + 3 * Math.sin(firm[i]!) + next());
  const path = writeColumns(folder, "ridge", { x, z, firm: firm.map((f) => `f${f}`), y });
  const within = (values: number[]) => {
    const sums = new Map<number, [number, number]>();
    values.forEach((value, i) => {
      const [sum, count] = sums.get(firm[i]!) ?? [0, 0];
      sums.set(firm[i]!, [sum + value, count + 1]);
    });
    return values.map((value, i) => value - sums.get(firm[i]!)![0] / sums.get(firm[i]!)![1]);
  };
  const demeaned = writeColumns(folder, "demeaned", { x: within(x), z: within(z), y: within(y) });
  for (const penalty of [
    { lambda: 0.1 },
    { lambda: 0.05, alpha: 1 },
    { lambda: 0.3, alpha: 0.5 },
    { lambda: 0.2, alpha: 0.5, penaltyFactors: { z: 0 } },
    { lambda: 0.1, upperIn: { x: 0.9 }, lower: -0.5 },
    { upper: 0.8 },
    { lambda: 0.3, alpha: 1, relax: true, gamma: 0.25 },
  ]) {
    const { model } = await fitCsv(path, { formula: "y ~ x + z | firm", ...penalty });
    const plain = (await fitCsv(demeaned, { formula: "y ~ x + z", folds: 1, ...penalty })).model;
    for (const j of [0, 1]) expect(model.coefficients[j]).toBeCloseTo(plain.coefficients[j + 1]!, 10);
    expect(model.rss).toBeCloseTo(plain.rss, 8);
    // The effects are those of least squares, given the coefficients.
    const { model: whole } = await fitCsv(path, { formula: "y ~ x + z | firm" });
    expect(model.effects[0]!.effects).not.toEqual(whole.effects[0]!.effects);
  }
  await expect(fitCsv(path, { formula: "y ~ x + z | firm", lambda: "path", folds: 5 })).rejects.toThrow(
    /effects cannot be absorbed with .lambda/,
  );
  const relaxed = { formula: "y ~ x + z | firm", lambda: 0.1, relax: true };
  await expect(fitCsv(path, relaxed)).rejects.toThrow(
    "effects cannot be absorbed with `relax: true` and no single `gamma`",
  );
});
