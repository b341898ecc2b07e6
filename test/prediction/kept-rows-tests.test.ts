import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { chowTest } from "../../src/linear/hypotheses/chow.js";
import { diagnoseCsv } from "../../src/prediction/diagnose-csv.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { fitGroupsCsv } from "../../src/training/fit-groups-csv.js";
import { goml, inFolder } from "../cli/goml.js";
import { scratchFolder } from "../csv/scratch.js";

interface Test {
  statistic: number;
  df: number;
  p: number;
}
type Chow = Record<"f" | "df1" | "df2" | "p", number>;

// lmtest, dfbetas, covratio and anova: test/golden/diagnostics.R
const golden: {
  white: Test;
  bg: Test[];
  originBg: Test;
  dfbetas: number[][];
  covratio: number[];
  weightedDfbetas: number[][];
  weightedCovratio: number[];
  chow: Chow;
  chowOrigin: Chow;
} = JSON.parse(readFileSync("test/golden/diagnostics.json", "utf8"));

const BOSTON = "data/boston.csv";
const features = ["rm", "lstat", "chas"];
const scratch = scratchFolder();

// Nine digits: R's auxiliary regressions are on squares of unscaled columns.
const close = (value: number | undefined, expected: number) =>
  expect(Math.abs(value! / expected - 1)).toBeLessThan(1e-9);

/** The last columns of a file of measures, row by row, by name. */
function measures(path: string): Record<string, number>[] {
  const [head, ...lines] = readFileSync(path, "utf8").trim().split("\n");
  const names = head!.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((cell, j) => [names[j]!, Number(cell)])));
}

describe("tests that keep the rows", () => {
  test("White's is bptest's on squares and products, Breusch and Godfrey's that of lmtest, on any threads", async () => {
    const { model } = await fitCsv(BOSTON, { features });
    for (const [i, lags] of [1, 4].entries()) {
      const found = await diagnoseCsv(model, BOSTON, { white: true, lags, threads: 1 + i });
      for (const [own, expected] of [
        [found.white, golden.white],
        [found.breuschGodfrey, golden.bg[i]!],
      ] as const) {
        close(own!.statistic, expected.statistic);
        close(own!.p, expected.p);
        expect(own!.df1).toBe(expected.df);
      }
    }
    const origin = (await fitCsv(BOSTON, { features: ["rm", "lstat"], intercept: false })).model;
    const found = await diagnoseCsv(origin, BOSTON, { lags: 2 });
    close(found.breuschGodfrey!.statistic, golden.originBg.statistic);
  });

  test("DFBETAS and COVRATIO are R's, weighted too", async () => {
    const output = `${scratch.path}/rows.csv`;
    const check = async (
      how: { features: string[]; weights?: string },
      dfbetas: number[][],
      covratio: number[],
    ) => {
      const { model } = await fitCsv(BOSTON, how);
      await diagnoseCsv(model, BOSTON, { output, dfbetas: true });
      const found = measures(output);
      dfbetas.forEach((row, r) => {
        row.forEach((value, j) => {
          const own = found[r]![`dfbetas ${model.coefficientNames[j]}`]!;
          expect(Math.abs(own - value)).toBeLessThan(1e-10 * Math.max(1e-2, Math.abs(value)));
        });
        close(found[r]!.covratio, covratio[r]!);
      });
    };
    await check({ features }, golden.dfbetas, golden.covratio);
    const weighted = { features: ["rm", "lstat"], weights: "tax" };
    await check(weighted, golden.weightedDfbetas, golden.weightedCovratio);
  });

  test("Chow's is anova's of the terms by themselves against those by group", async () => {
    const same = (found: Chow, expected: Chow) => {
      close(found.f, expected.f);
      close(found.p, expected.p);
      expect([found.df1, found.df2]).toEqual([expected.df1, expected.df2]);
    };
    const how = { features: ["rm", "lstat"] };
    const { models } = await fitGroupsCsv(BOSTON, { ...how, groupBy: "rad" });
    same(chowTest(models.models), golden.chow);
    const origin = (await fitGroupsCsv(BOSTON, { ...how, groupBy: "chas", intercept: false })).models;
    same(chowTest(origin.models), golden.chowOrigin);
    const penalized = (await fitGroupsCsv(BOSTON, { ...how, groupBy: "chas", lambda: 1 })).models;
    expect(() => chowTest(penalized.models)).toThrow("no F test");
  });

  test("are refused where they do not apply", async () => {
    const weighted = (await fitCsv(BOSTON, { features, weights: "tax" })).model;
    await expect(diagnoseCsv(weighted, BOSTON, { white: true })).rejects.toThrow("without weights");
    const { model } = await fitCsv(BOSTON, { features });
    await expect(diagnoseCsv(model, BOSTON, { lags: 506 })).rejects.toThrow("1 to 505");
  });

  test("goml diagnose and goml test print them", () =>
    inFolder({ "d.csv": readFileSync(BOSTON) }, async (folder) => {
      await goml(folder, ["train", "d.csv", "-f", "rm,lstat,chas", "-q"]);
      const run = await goml(folder, ["diagnose", "d.csv", "--white", "--lags", "4"]);
      expect(run.stdout).toMatch(/White +[\d.]+ +8 /);
      expect(run.stdout).toMatch(/Breusch–Godfrey +[\d.]+ +4 /);
      await goml(folder, ["train", "d.csv", "-f", "rm,lstat", "--group-by", "rad", "-m", "g.json", "-q"]);
      expect((await goml(folder, ["test", "g.json", "--chow"])).stdout).toContain(
        "in all 9 groups by rad (Chow)",
      );
      expect((await goml(folder, ["test", "model.json", "--chow"])).code).toBe(2);
      expect((await goml(folder, ["diagnose", "d.csv", "--dfbetas"])).code).toBe(2);
    }));
});
