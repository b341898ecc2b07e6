import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { averageEffects } from "../../../src/linear/hypotheses/average-effects.js";
import { LinearModel } from "../../../src/linear/model/model.js";
import { mergeModels } from "../../../src/linear/shards/merge-models.js";
import { fitCsv } from "../../../src/training/fit-csv.js";

interface Golden {
  file: string;
  formula: string;
  vcov: "iid" | "hc3";
  weights: string | null;
  effects: { column: string; level: string | null; estimate: number; stdError: number; p: number }[];
}

const goldens: Golden[] = JSON.parse(readFileSync("test/golden/effects.json", "utf8"));
const WAGES = "data/cps-wages.csv";

describe("average effects are the mean changes of R's model matrix", () => {
  test.each(goldens)("$formula", async ({ file, formula, vcov, weights, effects }) => {
    const { model } = await fitCsv(file, { formula, vcov, weights: weights ?? undefined, threads: 1 });
    // From the file alone.
    const read = LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
    const found = averageEffects(read);
    const key = ({ column, level }: { column: string; level?: string | null | undefined }) =>
      `${column} ${level ?? ""}`;
    expect(found.map(key).sort()).toEqual(effects.map(key).sort());
    for (const effect of found) {
      const golden = effects.find((one) => key(one) === key(effect))!;
      // Both sum some 500 rows; the differences of R's columns lose some four digits of sixteen.
      for (const name of ["estimate", "stdError", "p"] as const)
        expect(Math.abs(effect[name] - golden[name]), `${name} of ${key(effect)}`).toBeLessThanOrEqual(
          1e-9 * Math.abs(golden[name]),
        );
    }
  });
});

test("a column by itself has its coefficient for its effect", async () => {
  const { model } = await fitCsv(WAGES, { formula: "wage ~ education + race | occupation", threads: 1 });
  const { coefficients } = model.summary();
  for (const { column, level, estimate, stdError } of averageEffects(model)) {
    const row = coefficients.find(({ term }) => term === column + (level ?? ""))!;
    expect(estimate).toBeCloseTo(row.estimate, 12);
    expect(stdError).toBeCloseTo(row.stdError, 12);
  }
});

test("what the moments do not hold is refused, and so is what the model has not", async () => {
  const { model } = await fitCsv(WAGES, { formula: "wage ~ log(age) + education", threads: 1 });
  expect(() => averageEffects(model, { columns: ["age"] })).toThrow(
    "does not keep what the mean effect of age in log(age) needs",
  );
  const [age, education] = averageEffects(model);
  expect(age!.estimate).toBeNaN();
  expect(education!.estimate).not.toBeNaN();
  expect(() => averageEffects(model, { columns: ["educaton"] })).toThrow("no column educaton");
  const without = await fitCsv(WAGES, { formula: "wage ~ education * gender - gender", threads: 1 });
  expect(() => averageEffects(without.model, { columns: ["education"] })).toThrow(
    "mean effect of education in education:gender",
  );
  const both = await fitCsv(WAGES, { formula: "wage ~ factor(education) + I(education^2)", threads: 1 });
  expect(() => averageEffects(both.model)).toThrow("education is in the terms in several ways");
  const ridge = await fitCsv(WAGES, { formula: "wage ~ education", lambda: 1, threads: 1 });
  expect(() => averageEffects(ridge.model)).toThrow("a penalised fit is biased");
});

test("of aliased columns, what the rows determine has an effect", async () => {
  const { model } = await fitCsv(WAGES, {
    formula: "wage ~ education + I(2 * education) + race",
    threads: 1,
  });
  const [education, race] = averageEffects(model);
  // 2x takes part in x's slope, and x alone determines both.
  const slope = model.summary().coefficients.find(({ term }) => term === "education")!.estimate;
  expect(education!.estimate).toBeCloseTo(slope, 10);
  expect(race!.estimate).not.toBeNaN();
});

test("merged shards have the effects of the whole", async () => {
  const formula = "wage ~ education * gender + poly(experience, 2, raw = TRUE)";
  const lines = readFileSync(WAGES, "utf8").trimEnd().split("\n");
  const part = async (from: number, to: number) => {
    const folder = mkdtempSync(join(tmpdir(), "goml-effects-"));
    writeFileSync(join(folder, "part.csv"), [lines[0], ...lines.slice(from, to)].join("\n"));
    const { model } = await fitCsv(join(folder, "part.csv"), { formula, threads: 1, folds: 1 });
    return { name: `from ${from}`, model };
  };
  const merged = mergeModels([await part(1, 200), await part(200, lines.length)]).model;
  const { model } = await fitCsv(WAGES, { formula, threads: 1, folds: 1 });
  const whole = averageEffects(model);
  for (const [i, effect] of averageEffects(merged).entries()) {
    // Means of two parts merge with a rounding or two.
    expect(effect.estimate / whole[i]!.estimate).toBeCloseTo(1, 11);
    expect(effect.stdError / whole[i]!.stdError).toBeCloseTo(1, 11);
  }
});
