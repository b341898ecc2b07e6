import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { anovaGroups, anovaModels, fitCsv, fitGroupsCsv, type ModelGroup } from "../../src/index.js";
import { type Columns, writeColumns } from "./absorbed-golden.js";

/** One model per group as R has them: `lm` on each group's rows (test/golden/groups.R). */
const golden: { sets: Record<string, Columns>; cases: Case[]; tests: Together[] } = JSON.parse(
  readFileSync("test/golden/groups.json", "utf8"),
);
interface Case {
  data: string;
  formula: string;
  weighted: boolean;
  groups: {
    group: string;
    terms: string[];
    /** null for an aliased term. */
    estimate: (number | null)[];
    kept: string[];
    stdError: number[];
    sigma: number;
    r2: number;
    dfResidual: number;
    rss: number;
    logLik: number;
    row: Record<string, number | string>;
    /** ŷ, the ends of its prediction interval, and its standard error. */
    predicted: number[];
  }[];
}
/** The one model in which every group has its own coefficients; null for the residuals' F and p. */
interface Together {
  data: string;
  terms: string[];
  weighted: boolean;
  df: number[];
  sumOfSquares: number[];
  f: (number | null)[];
  p: (number | null)[];
  chowF: number;
  chowDf: number;
  chowP: number;
}

const folder = mkdtempSync(join(tmpdir(), "goml-group-golden-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (data: string) => writeColumns(folder, data, golden.sets[data]!);

/**
 * R solves by QR in double, which keeps 10 digits or more of these; an estimate is good to its part of the standard error, by
 * which it may be far smaller.
 */
const TOLERANCE = 1e-9;

function expectClose(actual: number, expected: number, what: string, scale = Math.abs(expected)): void {
  expect(Math.abs(actual - expected), `${what}: ${actual} for ${expected}`).toBeLessThanOrEqual(
    TOLERANCE * Math.max(scale, Math.abs(expected)),
  );
}

const fitted = (one: Pick<Case, "data" | "weighted">, formula: string) =>
  fitGroupsCsv(path(one.data), {
    formula,
    groupBy: "g",
    weights: one.weighted ? "w" : undefined,
    threads: 1,
  });

describe.each(
  golden.cases.map(
    (one) => [`${one.formula} on ${one.data}${one.weighted ? ", weighted" : ""}`, one] as const,
  ),
)("%s", (_, one) => {
  let models: ModelGroup;
  test("is R's lm in every group", async () => {
    ({ models } = await fitted(one, one.formula));
    expect(one.groups.length).toBeGreaterThan(2);
    for (const { group, ...expected } of one.groups) {
      const model = models.models.get(group)!;
      const { coefficients, fit } = model.summary();
      expect(coefficients.map(({ term }) => term)).toEqual(expected.terms);
      coefficients.forEach(({ term, estimate, stdError }, i) => {
        const value = expected.estimate[i]!;
        if (value === null) {
          expect(estimate, `${group}: ${term}`).toBeNaN();
          return;
        }
        const error = expected.stdError[expected.kept.indexOf(term)]!;
        expectClose(estimate, value, `${group}: ${term}`, error);
        expectClose(stdError, error, `${group}: error of ${term}`);
      });
      expect(model.dfResidual).toBe(expected.dfResidual);
      expectClose(model.rss, expected.rss, `${group}: RSS`);
      expectClose(fit.sigma, expected.sigma, `${group}: σ`);
      // 1 − R² is what was computed: R² has the digits that it leaves.
      expectClose(1 - fit.r2, 1 - expected.r2, `${group}: 1 − R²`, 1e-6);
      expectClose(fit.logLik, expected.logLik, `${group}: log-likelihood`);
    }
  });

  test("predicts R's values and intervals", () => {
    const rows = one.groups.map(({ row }) => row);
    const found = models.predictInterval(rows);
    one.groups.forEach(({ group, predicted: [value, lower, upper, error] }, i) => {
      expectClose(found.prediction[i]!, value!, `${group}: ŷ`, error);
      expectClose(found.stdError[i]!, error!, `${group}: error of ŷ`);
      expectClose(found.lower[i]!, lower!, `${group}: lower`, upper! - lower!);
      expectClose(found.upper[i]!, upper!, `${group}: upper`, upper! - lower!);
    });
  });
});

test.each(golden.tests)("F tests of all groups together are R's, on $data", async (expected) => {
  const { data, terms, weighted } = expected;
  const formula = `y ~ ${terms.join(" + ")}`;
  const { models } = await fitted(expected, formula);
  const { table, groups } = anovaGroups(models);
  expect(table.map(({ term }) => term)).toEqual([...terms, "Residuals"]);
  expect(groups.size).toBe(models.models.size);
  table.forEach((row, i) => {
    expect(row.df).toBe(expected.df[i]);
    expectClose(row.sumOfSquares, expected.sumOfSquares[i]!, `sum of squares of ${row.term}`);
    if (i === terms.length) return;
    expectClose(row.f, expected.f[i]!, `F of ${row.term}`);
    // ln p is what far tails are computed by.
    expectClose(Math.log(row.p), Math.log(expected.p[i]!), `ln p of ${row.term}`);
  });
  const { model } = await fitCsv(path(data), { formula, weights: weighted ? "w" : undefined, threads: 1 });
  const [, chow] = anovaModels([
    { name: "all", model },
    { name: "groups", model: models },
  ]);
  expect(chow!.df).toBe(expected.chowDf);
  expectClose(chow!.f, expected.chowF, "Chow's F");
  expectClose(Math.log(chow!.p), Math.log(expected.chowP), "ln p of Chow's F");
});
