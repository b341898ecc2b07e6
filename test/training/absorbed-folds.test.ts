import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { crossValidationOf } from "../../src/cli/render/model-report.js";
import { LinearModel } from "../../src/linear/model/model.js";
import { bestSubsets } from "../../src/linear/selection/best-subset.js";
import { selectionData } from "../../src/linear/selection/group-submodels.js";
import { refit } from "../../src/linear/selection/refit.js";
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
      const sum = (of: "squares" | "sumW") => expected.reduce((total, fold) => total + fold[of], 0);
      // On the scale of a fit's MSE.
      const scale = model.moments.sumW / model.n;
      cv!.folds.forEach(({ mse, n }, f) => {
        const { squares, sumW } = expected[f]!;
        if (n > 0) expect(Math.abs(mse / ((squares / sumW) * scale) - 1)).toBeLessThan(1e-8);
      });
      expect(Math.abs(cv!.mse / ((sum("squares") / sum("sumW")) * scale) - 1)).toBeLessThan(1e-8);
      // The model file keeps what the rows told; a fold that needs a column which the others lack has no error there.
      const file = LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
      const kept = crossValidationOf(file)!;
      if (kept.leftOut > 0) return;
      expect(kept.unpredicted).toBe(cv!.unpredicted);
      for (const part of ["mse", "r2", "mseError"] as const)
        expect(Math.abs(kept[part] / cv![part] - 1)).toBeLessThan(1e-8);
    });
});

describe("λ along a path is cross-validated as by fits without each fold", () => {
  for (const [data, formula, alpha] of [
    ["unbalanced", "y ~ x + z | firm + year", 0],
    ["singletons", "y ~ x + z | firm", 1],
    ["manyFirms", "y ~ x + region | firm + year", 0.5],
  ] as const)
    test.each([false, true])(`${data}: ${formula}, α = ${alpha}, weights %s`, async (weighted) => {
      const table = golden.sets[data]!;
      const path = writeColumns(folder, data, table);
      const how = { formula, alpha, ...(weighted ? { weights: "w" } : {}) };
      const weights = weighted ? table.w!.map(Number) : table.y!.map(() => 1);
      const fitted = await fitCsv(path, { ...how, folds: 4, lambda: "1se" });
      const along = fitted.path!.path;
      for (const at of [3, 40, fitted.path!.best]) {
        const { lambda, mse } = along[at]!;
        const expected = await byRefits(table, { ...how, lambda }, 4, weights);
        const [squares, sumW] = [0, 0].map((_, i) =>
          expected.reduce((sum, fold) => sum + (i === 0 ? fold.squares : fold.sumW), 0),
        );
        expect(Math.abs(mse / (squares! / sumW!) - 1)).toBeLessThan(1e-8);
      }
      const chosen = along[fitted.path!.withinOneError]!;
      expect(fitted.model.penalty!.lambda).toBe(chosen.lambda);
      // The path's errors are weighted means, as glmnet's; the others are on the scale of the fit's MSE.
      const { n, moments } = fitted.model;
      const mse = (chosen.mse * moments.sumW) / n;
      expect(fitted.cv!.mse).toBeCloseTo(mse, 10);
      expect(crossValidationOf(fitted.model)!.mse).toBeCloseTo(mse, 10);
      // The coefficients are those of that λ.
      const { model } = await fitCsv(path, { ...how, lambda: chosen.lambda });
      expect(fitted.model.coefficients).toEqual(model.coefficients);
      // And a model of least squares has all that a path needs.
      const file = JSON.parse(JSON.stringify((await fitCsv(path, { ...how, alpha: 0, folds: 4 })).model));
      const later = refit(LinearModel.fromJSON(file), { lambda: "1se", alpha });
      expect(later.model.penalty!.lambda).toBeCloseTo(chosen.lambda, 12);
    });
});

test("terms are selected by cross-validation as by fits of the submodels", async () => {
  const path = writeColumns(folder, "select", golden.sets.unbalanced!);
  const fit = async (formula: string) => fitCsv(path, { formula, folds: 4 });
  const { model } = await fit("y ~ x + z + region + w | year");
  const data = selectionData(LinearModel.fromJSON(JSON.parse(JSON.stringify(model))));
  const { bySize } = bestSubsets(data, "cv");
  expect(bySize.length).toBeGreaterThan(3);
  for (const { labels, criterion } of bySize) {
    const own = await fit(`y ~ ${labels.join(" + ") || "1"} | year`);
    expect(Math.abs(criterion / own.cv!.rmse - 1)).toBeLessThan(1e-8);
  }
  const { model: without } = await fitCsv(path, { formula: "y ~ x + z | year" });
  expect(() => bestSubsets(selectionData(without), "cv")).toThrow("needs the folds' moments");
});

test("names of levels in a penalty are known in each fold, too", async () => {
  const next = uniform(11);
  const n = 240;
  const firm = Array.from({ length: n }, () => `f${Math.floor(12 * next())}`);
  const g = Array.from({ length: n }, () => "abc"[Math.floor(3 * next())]!);
  const x = firm.map(() => next());
  const y = x.map((v, i) => v + (g[i] === "b" ? 2 : 0) + next());
  const path = writeColumns(folder, "named", { x, g, firm, y });
  const how = { formula: "y ~ x + g | firm", lambda: "path", alpha: 1, folds: 5 } as const;
  for (const penalty of [{ penaltyFactors: { gb: 0 } }, { upperIn: { gb: 1 } }, { relax: true }]) {
    const { model, path: along, cv } = await fitCsv(path, { ...how, ...penalty });
    const chosen = along!.path[along!.best]!;
    expect(model.penalty).toMatchObject({ lambda: chosen.lambda });
    // The same fits of the same pairs, by the path and by themselves.
    expect(Math.abs(cv!.rmse / chosen.rmse - 1)).toBeLessThan(1e-9);
  }
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
  await expect(fitCsv(path, { formula: "y ~ x + z | firm", lambda: "path", folds: 1 })).rejects.toThrow(
    "there are no folds",
  );
  const relaxed = { formula: "y ~ x + z | firm", lambda: 0.1, relax: true };
  const chosen = await fitCsv(path, relaxed);
  const least = chosen.path!.path[chosen.path!.best]!;
  expect(chosen.model.penalty!.gamma).toBe(least.gamma);
  expect(chosen.cv!.mse).toBeCloseTo(least.mse, 10);
});
