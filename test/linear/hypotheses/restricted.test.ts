import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { restrictedFit } from "../../../src/linear/hypotheses/restricted.js";
import { mergeModels } from "../../../src/linear/shards/merge-models.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { goml, inFolder } from "../../cli/goml.js";

interface Golden {
  features: string[];
  constraints: string[];
  fit: { terms: string[]; estimate: number[]; stdError: number[]; df: number; rss: number };
}

// lm with the constraints put in by hand: test/golden/restricted.R
const golden: Golden[] = JSON.parse(readFileSync("test/golden/restricted.json", "utf8"));

// R's QR in double leaves some 12 digits here; the nine that are asked for, with room.
const close = (value: number, expected: number) =>
  expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-10 * Math.max(1e-3, Math.abs(expected)));

describe("least squares under constraints", () => {
  test.each(golden)("$constraints: R's lm with them put in", async ({ features, constraints, fit }) => {
    const { model } = await fitCsv("data/boston.csv", { features });
    const found = restrictedFit(model, constraints);
    expect(found.coefficients.map(({ term }) => term)).toEqual(fit.terms);
    found.coefficients.forEach(({ estimate, stdError }, j) => {
      close(estimate, fit.estimate[j]!);
      close(stdError, fit.stdError[j]!);
    });
    expect(found.dfResidual).toBe(fit.df);
    close(found.rss, fit.rss);
  });

  test("is that of the whole for merged models, and passes over what follows from the others", async () => {
    const features = ["rm", "lstat", "tax"];
    const whole = (await fitCsv("data/boston.csv", { features })).model;
    const shards = await Promise.all(
      [1, 2].map(async (number) => ({
        name: String(number),
        model: (await fitCsv("data/boston.csv", { features, shard: { number, of: 2 } })).model,
      })),
    );
    const texts = ["rm + lstat = 1", "2*rm = 2 - 2*lstat"];
    const expected = restrictedFit(whole, texts);
    const found = restrictedFit(mergeModels(shards).model, texts);
    expect(found.constraints).toEqual(["rm + lstat = 1"]);
    expect(found.notes[0]).toContain("follows from");
    found.coefficients.forEach(({ estimate }, j) => {
      close(estimate, expected.coefficients[j]!.estimate);
    });
    expect(found.coefficients[1]!.estimate + found.coefficients[2]!.estimate).toBeCloseTo(1, 12);
  });

  test("σ is on the scale of the model's, with weights of any kind", async () => {
    // A constraint that the fit has already moves neither θ nor RSS.
    for (const weightsKind of [undefined, "analytic", "frequency"] as const) {
      const { model } = await fitCsv("data/boston.csv", { features: ["lstat"], weights: "rad", weightsKind });
      const { sigma, dfResidual } = restrictedFit(model, [`lstat = ${model.coefficients[1]}`]);
      expect(sigma / (model.sigma * Math.sqrt(model.dfResidual / dfResidual))).toBeCloseTo(1, 12);
    }
  });

  test("refuses robust errors, contradictions and penalties; a coefficient that is fixed has no error", async () => {
    const features = ["rm", "lstat"];
    const robust = (await fitCsv("data/boston.csv", { features, vcov: "hc3" })).model;
    expect(() => restrictedFit(robust, ["rm = 4"])).toThrow("errors under constraints are classical");
    const { model } = await fitCsv("data/boston.csv", { features });
    expect(() => restrictedFit(model, ["rm = 4", "rm = 5"])).toThrow("contradicts");
    const penalized = (await fitCsv("data/boston.csv", { features, lambda: 1 })).model;
    expect(() => restrictedFit(penalized, ["rm = 4"])).toThrow("biased");
    const iv = (await fitCsv("data/boston.csv", { formula: "medv ~ rm | 0 | lstat ~ tax + age" })).model;
    expect(() => restrictedFit(iv, ["rm = 4"])).toThrow("fit by instruments");
    const fixed = restrictedFit(model, ["rm = 4"]).coefficients[1]!;
    expect(fixed.estimate).toBeCloseTo(4, 12);
    expect(fixed.stdError).toBe(0);
  });

  test("goml test --constrain prints it", () =>
    inFolder({ "d.csv": readFileSync("data/boston.csv") }, async (folder) => {
      await goml(folder, ["train", "d.csv", "-f", "rm,lstat,tax", "-q"]);
      const run = await goml(folder, ["test", "model.json", "rm + lstat = 1", "--constrain"]);
      expect(run.stdout).toContain("medv under rm + lstat = 1");
      expect(run.stdout).toMatch(/σ [\d.]+ on 503 degrees of freedom/);
      const refused = await goml(folder, ["test", "model.json", "rm = 4", "--constrain", "--each"]);
      expect(refused.code).toBe(2);
    }));
});
