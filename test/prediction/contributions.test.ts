import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { expect, test } from "vitest";
import { predictCsv } from "../../src/prediction/predict-csv.js";
import { fitCsv } from "../../src/training/fit-csv.js";

interface Golden {
  formula: string;
  constant: number;
  terms: Record<string, number[]>;
}

const goldens: Golden[] = JSON.parse(readFileSync("test/golden/terms.json", "utf8"));
const WAGES = "data/cps-wages.csv";

async function rowsOf(formula: string, threads: number, options = {}): Promise<Record<string, string>[]> {
  const { model } = await fitCsv(WAGES, { formula, threads: 1 });
  const output = join(mkdtempSync(join(tmpdir(), "goml-terms-")), "out.csv");
  await predictCsv(model, WAGES, { output, terms: true, threads, ...options });
  return parse(readFileSync(output), { columns: true });
}

test.each(goldens)(
  "the parts of predictions of $formula are those of R's predict(type = terms)",
  async (golden) => {
    const rows = await rowsOf(golden.formula, 0);
    expect(Object.keys(rows[0]!)).toEqual(["prediction", "base", ...Object.keys(golden.terms)]);
    // Coefficients agree to some twelve digits; a part near 0 is the difference of two larger numbers.
    const near = (text: string, expected: number) =>
      expect(Math.abs(Number(text) - expected)).toBeLessThan(1e-9);
    for (const [i, row] of rows.slice(0, 20).entries()) {
      near(row.base!, golden.constant);
      for (const [term, values] of Object.entries(golden.terms)) near(row[term]!, values[i]!);
    }
  },
);

test("an offset is a part of its own, and parts add up with it", async () => {
  for (const formula of [
    "wage ~ education + offset(age / 10)",
    "wage ~ education + offset(age / 10) - 1",
    "wage ~ education + offset(log(age)) | occupation",
  ]) {
    const rows = await rowsOf(formula, 2);
    expect(Object.keys(rows[0]!).at(-1)).toBe("offset");
    for (const { prediction, ...parts } of rows)
      expect(Object.values(parts).reduce((sum, part) => sum + Number(part), 0)).toBeCloseTo(
        Number(prediction),
        9,
      );
  }
});

test.each(["wage ~ education + gender | occupation", "wage ~ education * race | occupation + sector"])(
  "base and parts of %s add up to the prediction, and parts are 0 on average",
  async (formula) => {
    const rows = await rowsOf(formula, 2);
    expect(rows).toHaveLength(534);
    const names = Object.keys(rows[0]!).filter((name) => name !== "prediction");
    const sums = names.map(() => 0);
    for (const row of rows) {
      const sum = names.reduce((total, name) => total + Number(row[name]), 0);
      expect(sum).toBeCloseTo(Number(row.prediction), 9);
      for (const [j, name] of names.entries()) sums[j]! += Number(row[name]);
    }
    for (const [j, name] of names.entries())
      if (name === "base") {
        // The mean of y: residuals sum to 0.
        const wages = parse(readFileSync(WAGES), { columns: true }) as { wage: string }[];
        const mean = wages.reduce((total, { wage }) => total + Number(wage), 0) / wages.length;
        expect(sums[j]! / 534).toBeCloseTo(mean, 9);
      } else expect(sums[j]).toBeCloseTo(0, 7);
  },
);

test("a row without a prediction has no parts, and threads do not change a byte", async () => {
  const { model } = await fitCsv(WAGES, { formula: "wage ~ education + race", threads: 1 });
  const folder = mkdtempSync(join(tmpdir(), "goml-terms-"));
  const texts = [];
  for (const threads of [0, 1, 3]) {
    const output = join(folder, `${threads}.csv`);
    await predictCsv(model, WAGES, { output, terms: true, append: true, threads });
    texts.push(readFileSync(output, "utf8"));
  }
  expect(new Set(texts).size).toBe(1);
  // The input has columns of these names.
  expect(texts[0]!.split("\n")[0]).toMatch(/,wage,prediction,base,education_?2?,race_?2?$/);
});
