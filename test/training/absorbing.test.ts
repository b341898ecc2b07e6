import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { forgetRows } from "../../src/linear/shards/forget-rows.js";
import { mergeModels } from "../../src/linear/shards/merge-models.js";
import { predictCsv } from "../../src/prediction/predict-csv.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { updateCsv } from "../../src/training/update-csv.js";
import { uniform } from "../uniform.js";
import { type Columns, golden, list, optionsOf, writeColumns } from "./absorbed-golden.js";

const folder = mkdtempSync(join(tmpdir(), "goml-absorb-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, table: Columns, from = 0, to?: number) =>
  writeColumns(folder, name, table, from, to);

describe(`as lm with all indicators in ${golden.r}`, () => {
  test.each(golden.cases.map((one) => [one.call, one] as const))("%s", async (_call, one) => {
    const path = file(one.data, golden.sets[one.data]!);
    const { model } = await fitCsv(path, optionsOf(one));
    // R's own rounding: lm solves by Householder QR on up to 100 columns.
    const close = (found: number, expected: number) =>
      expect(Math.abs(found / expected - 1)).toBeLessThan(1e-9);
    list(one.estimates).forEach((value, j) => {
      close(model.coefficients[j]!, value);
      close(model.standardErrors[j]!, list(one.errors)[j]!);
    });
    const { fit } = model.summary();
    expect(model.dfResidual).toBe(one.dfResidual);
    expect(model.parameters).toBe(one.rank);
    close(fit.rss, one.rss);
    close(fit.sigma, one.sigma);
    close(fit.r2, one.r2);
    close(fit.logLik, one.logLik);
    close(1 - model.rss / model.absorbed!.tss, one.withinR2);
  });
});

/** A panel of two factors, of firms that come and go. */
function panel(seed: number, n: number): Record<string, (number | string)[]> {
  const next = uniform(seed);
  const firm = Array.from({ length: n }, () => Math.floor(30 * next() ** 2));
  const year = firm.map(() => 2000 + Math.floor(8 * next()));
  const x = firm.map((f) => f / 10 + next());
  const z = x.map((value) => value + next());
  const y = firm.map((f, i) => 2 * x[i]! - z[i]! + Math.sin(f) + (year[i]! - 2000) / 3 + next());
  return { x, z, firm: firm.map((f) => `f${f}`), year, y };
}

const byFormula = { formula: "y ~ x + z | firm + year" };

test("formula and options ask for the same model, and the dot leaves absorbed columns out", async () => {
  const path = file("same", panel(1, 300));
  const { model } = await fitCsv(path, { absorb: ["firm", "year"] });
  for (const options of [
    byFormula,
    { formula: "y ~ . | firm + year" },
    { formula: "y ~ x + z | firm", absorb: ["year"] },
  ]) {
    const other = (await fitCsv(path, options)).model;
    expect([...other.coefficients]).toEqual([...model.coefficients]);
    expect(other.effects).toEqual(model.effects);
  }
});

test("predictions are those of the model with factors as terms, to 1e-12 of the spread", async () => {
  const table = panel(2, 300);
  const path = file("predict", table);
  const absorbed = (await fitCsv(path, byFormula)).model;
  const whole = (await fitCsv(path, { formula: "y ~ x + z + firm + factor(year)", folds: 1 })).model;
  const predictions = async (model: LinearModel) => {
    const output = join(folder, "predictions.csv");
    await predictCsv(LinearModel.fromJSON(JSON.parse(JSON.stringify(model))), path, { output });
    return readFileSync(output, "utf8").trimEnd().split("\n").slice(1).map(Number);
  };
  const [found, expected] = [await predictions(absorbed), await predictions(whole)];
  expect(found).toHaveLength(300);
  for (const [i, value] of found.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-11);
  expect(Math.abs(absorbed.rss / whole.rss - 1)).toBeLessThan(1e-11);
});

test("shards merge, take rows in and forget them again", async () => {
  const table = panel(3, 400);
  const whole = (await fitCsv(file("whole", table), byFormula)).model;
  const first = (await fitCsv(file("first", table, 0, 150), byFormula)).model;
  const second = (await fitCsv(file("second", table, 150), byFormula)).model;
  const names = (model: LinearModel, name: string) => ({ model, name });
  const merged = mergeModels([names(first, "a"), names(second, "b")]).model;
  const updated = (await updateCsv(first, join(folder, "second.csv"))).model;
  const same = (found: LinearModel, expected: LinearModel, unit: number) => {
    expect(found.n).toBe(expected.n);
    expect(found.dfResidual).toBe(expected.dfResidual);
    expect(found.levels).toEqual(expected.levels);
    for (const list of ["coefficients", "standardErrors"] as const)
      for (const [j, value] of found[list].entries())
        expect(Math.abs(value / expected[list][j]! - 1)).toBeLessThan(unit);
  };
  same(merged, whole, 1e-12);
  same(updated, whole, 1e-12);
  // What is taken out again leaves the rounding of the larger sums behind.
  same(forgetRows(names(merged, "a"), names(second, "b")).model, first, 1e-11);
});

test("levels of one row, and levels that nothing connects, are told", async () => {
  const rows = {
    x: [1, 2, 4, 3, 5, 9, 2],
    firm: ["a", "a", "a", "b", "b", "b", "c"],
    year: [1, 2, 1, 3, 4, 3, 4],
  };
  const path = file("apart", { ...rows, y: [1, 3, 2, 5, 4, 7, 1] });
  const { model, notes } = await fitCsv(path, { formula: "y ~ x | firm + year" });
  expect(notes).toContain("a level of firm has one row only, which says nothing of the coefficients");
  const note =
    "the rows do not connect all levels of firm and factor(year): there is no prediction for a row of levels that no rows connect";
  expect(notes).toContain(note);
  const output = join(folder, "apart-predictions.csv");
  expect((await predictCsv(model, path, { output })).notes).toContain(note);
  // Firm b was seen in years 3 and 4 only, as c in 4: b and 4 are connected, b and 1 are not.
  const apart = file("unseen-pairs", { x: [1, 1, 1], firm: ["b", "c", "b"], year: [4, 3, 1] });
  expect(await predictCsv(model, apart, { output })).toMatchObject({ missing: 1 });
  expect(readFileSync(output, "utf8")).toMatch(/^prediction\n[\d.]+\n[\d.]+\nNA\n$/);
  expect((await fitCsv(path, { formula: "y ~ x | firm" })).notes).not.toContain(note);
});

test("what goes wrong is refused", async () => {
  const path = file("refused", panel(4, 100));
  for (const options of [{ solver: "qr" as const }])
    await expect(fitCsv(path, { ...byFormula, ...options })).rejects.toThrow(
      /^effects cannot be absorbed with/,
    );
  await expect(fitCsv(path, { formula: "y ~ x + firm | firm" })).rejects.toThrow(
    "firm is absorbed and a term too",
  );
  await expect(fitCsv(path, { formula: "y ~ x | log(z)" })).rejects.toThrow(
    "an effect to absorb is a column",
  );
  await expect(fitCsv(path, { absorb: ["form"] })).rejects.toThrow('has no column "form"');
  const { model } = await fitCsv(path, byFormula);
  expect(() => model.predict([[1, 2]])).toThrow("absorbed effects");
  await expect(model.toGraph()).rejects.toThrow("absorbed effects");
  const json = JSON.parse(JSON.stringify(model));
  expect(() => LinearModel.fromJSON({ ...json, absorbed: undefined })).toThrow('"absorbed" should be there');
});
