import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type AnovaType, anovaGroups, anovaTerms } from "../../../src/linear/selection/anova.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { fitGroupsCsv } from "../../../src/training/fit-groups-csv.js";
import { agree, refit } from "../golden-fits.js";

interface Golden {
  file: string;
  call: string;
  formula: string;
  type: AnovaType;
  weights: string | null;
  vcov: "iid" | "hc1" | "hc3" | "cluster";
  cluster: string | null;
  terms: string[];
  df: number[];
  sumOfSquares: number[];
  f: (number | null)[];
  p: (number | null)[];
}

const goldens: Golden[] = JSON.parse(readFileSync("test/golden/anova-types.json", "utf8"));

describe("type II and III are those of car::Anova", () => {
  test.each(goldens.map((golden) => [golden.type, golden.vcov, golden.call, golden] as const))(
    "type %i, %s: %s",
    async (type, vcov, _, golden) => {
      const { model } = await refit(golden, golden.formula, { vcov, cluster: golden.cluster ?? undefined });
      const rows = anovaTerms(model, type);
      // R lists terms that add nothing with 0 degrees of freedom.
      const listed = golden.terms.map((_, i) => i).filter((i) => golden.df[i]! > 0);
      expect(rows.map(({ term }) => term)).toEqual(listed.map((i) => golden.terms[i]!));
      rows.forEach((row, at) => {
        const i = listed[at]!;
        expect(row.df, row.term).toBe(golden.df[i]);
        if (vcov === "iid") agree(row.sumOfSquares, golden.sumOfSquares[i]!, `sum of squares of ${row.term}`);
        else expect(row.sumOfSquares).toBeNaN();
        agree(row.f, golden.f[i]!, `F of ${row.term}`);
        // p magnifies F's rounding by the powers of a far tail.
        agree(row.p, golden.p[i]!, `p of ${row.term}`, 1e-8);
      });
    },
  );
});

test("without interactions type II is what dropping each term costs, and type III is the same", async () => {
  const formula = "wage ~ education + race + occupation";
  const { model } = await fitCsv("data/cps-wages.csv", { formula, threads: 1 });
  const two = anovaTerms(model, 2);
  const three = anovaTerms(model, 3);
  two.forEach((row, i) => {
    expect(row.f / three[i]!.f || 1).toBeCloseTo(1, 10);
  });
});

test("type III does not hang on reference levels, nor on effects being absorbed", async () => {
  const formula = "wage ~ education * race + gender";
  const one = await fitCsv("data/cps-wages.csv", { formula, threads: 1 });
  const other = await fitCsv("data/cps-wages.csv", { formula, references: { race: "white" }, threads: 1 });
  const rows = anovaTerms(other.model, 3);
  anovaTerms(one.model, 3).forEach((row, i) => {
    if (!Number.isNaN(row.f)) expect(row.f / rows[i]!.f).toBeCloseTo(1, 10);
  });
  const absorbed = await fitCsv("data/cps-wages.csv", { formula: `${formula} | occupation`, threads: 1 });
  const spelled = await fitCsv("data/cps-wages.csv", { formula: `${formula} + occupation`, threads: 1 });
  for (const type of [2, 3] as const) {
    const own = new Map(anovaTerms(absorbed.model, type).map((row) => [row.term, row]));
    for (const row of anovaTerms(spelled.model, type).slice(0, -1))
      if (row.term !== "occupation") expect(own.get(row.term)!.f / row.f, row.term).toBeCloseTo(1, 9);
  }
});

test("aliased terms and fits without an intercept have no type III, and robust ones of aliased terms no type II", async () => {
  const formula = "grams ~ supply * factor(dose)";
  const file = "test/golden/data/factorial.csv";
  const { model } = await fitCsv(file, { formula, threads: 1 });
  expect(() => anovaTerms(model, 3)).toThrow("depends linearly on terms before it");
  const robust = await fitCsv(file, { formula, vcov: "hc1", threads: 1 });
  expect(() => anovaTerms(robust.model, 2)).toThrow("a robust covariance");
  const through = await fitCsv(file, { formula: "grams ~ supply - 1", threads: 1 });
  expect(() => anovaTerms(through.model, 3)).toThrow("type III tests are of models with an intercept");
});

test("groups' sums of squares add up for types II and III, too", async () => {
  const { models } = await fitGroupsCsv("data/cps-wages.csv", {
    formula: "wage ~ education * race",
    groupBy: "gender",
    threads: 1,
  });
  for (const type of [2, 3] as const) {
    const { table, groups } = anovaGroups(models, type);
    const sum = [...groups.values()].reduce((all, rows) => all + rows[0]!.sumOfSquares, 0);
    expect(table[0]!.sumOfSquares).toBeCloseTo(sum, 9);
  }
});
