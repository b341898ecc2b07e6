import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { forgetRows } from "../../src/linear/shards/forget-rows.js";
import { mergeModels } from "../../src/linear/shards/merge-models.js";
import { predictCsv } from "../../src/prediction/predict-csv.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { type Columns, writeColumns } from "./absorbed-golden.js";

const folder = mkdtempSync(join(tmpdir(), "goml-slopes-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Slopes {
  ours: string;
  call: string;
  weighted: boolean;
  names: string[];
  estimates: number[];
  errors: number[];
  dfResidual: number;
  rss: number;
  fitted: number[];
}

const golden = JSON.parse(readFileSync("test/golden/slopes.json", "utf8")) as {
  data: Columns;
  cases: Slopes[];
};
const path = writeColumns(folder, "all", golden.data);
const how = ({ ours, weighted }: Slopes) => ({ formula: ours, ...(weighted ? { weights: "w" } : {}) });

describe("slopes by level are those of R's lm with every interaction", () => {
  test.each(golden.cases)("$ours: $call", async (one) => {
    const { model } = await fitCsv(path, how(one));
    const { coefficients } = model.summary();
    const kept = coefficients.filter(({ estimate }) => Number.isFinite(estimate));
    const found = new Map(kept.map(({ term, ...rest }) => [term.split(":").sort().join(":"), rest]));
    one.names.forEach((name, i) => {
      const own = found.get(name.split(":").sort().join(":"))!;
      // R has them by QR in double: at condition numbers below 100 ten digits.
      expect(Math.abs(own.estimate / one.estimates[i]! - 1)).toBeLessThan(1e-9);
      expect(Math.abs(own.stdError / one.errors[i]! - 1)).toBeLessThan(1e-9);
    });
    // The slope of a firm of one row is aliased with its effect, as in R; with slopes alone it is not.
    expect(kept.length).toBe(one.names.length);
    expect(model.dfResidual).toBe(one.dfResidual);
    expect(Math.abs(model.rss / one.rss - 1)).toBeLessThan(1e-9);
    const output = join(folder, "predicted.csv");
    await predictCsv(LinearModel.fromJSON(JSON.parse(JSON.stringify(model))), path, { output });
    const predicted = readFileSync(output, "utf8").split("\n").slice(1).map(Number);
    one.fitted.forEach((value, i) => {
      expect(Math.abs(predicted[i]! - value)).toBeLessThan(1e-9);
    });
  });
});

test("they merge, and are forgotten", async () => {
  const formula = "y ~ z | firm[x] + year";
  const fit = async (name: string, from: number, to?: number) =>
    (await fitCsv(writeColumns(folder, name, golden.data, from, to), { formula })).model;
  const [first, second, whole] = [await fit("a", 0, 80), await fit("b", 80), await fit("c", 0)];
  const named = (model: LinearModel, name: string) => ({ model, name });
  const merged = mergeModels([named(first, "a"), named(second, "b")]).model;
  const back = forgetRows(named(merged, "all"), named(second, "b")).model;
  for (const [own, other] of [
    [merged, whole],
    [back, first],
  ] as const) {
    expect(own.terms).toEqual(other.terms);
    own.coefficients.forEach((value, j) => {
      if (Number.isNaN(value)) expect(other.coefficients[j]).toBeNaN();
      else expect(Math.abs(value / other.coefficients[j]! - 1)).toBeLessThan(1e-9);
    });
  }
});

test("what slopes by level cannot be is refused", async () => {
  for (const [formula, message] of [
    ["y ~ firm[x]", "slopes by level stand behind a |"],
    ["y ~ z | year[firm]", "column firm is text: slopes are on numbers"],
    ["y ~ z | firm[x", '"[" is never closed'],
    ["y ~ z | firm[[x]", 'expected "]]", found "]"'],
    ["y ~ z | firm[]", "no column to have slopes on"],
    ["y ~ z | log(year)[x]", "expected an operator or the end"],
  ] as const)
    await expect(fitCsv(path, { formula })).rejects.toThrow(message);
});
