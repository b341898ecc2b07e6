import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import type { LinearModel } from "../../../src/linear/model/model.js";
import { elasticNet } from "../../../src/linear/penalty/elastic-net.js";
import { leastAngleSteps } from "../../../src/linear/penalty/least-angle.js";
import { refit } from "../../../src/linear/selection/refit.js";
import { mergeModels } from "../../../src/linear/shards/merge-models.js";
import { inOneGo } from "../../../src/parallel/steps.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { goml, inFolder } from "../../cli/goml.js";

interface Step {
  correlation: number;
  coefficients: number[];
}

// nnls, glmnet and Efron et al.'s formulas: test/golden/lasso-kin.R
const golden: {
  nnls: number[];
  deviance: number;
  free: number[];
  freeDeviance: number;
  lambdas: number[];
  adaptive: number[][];
  exact: number[][];
  lar: Step[];
  lasso: Step[];
} = JSON.parse(readFileSync("test/golden/lasso-kin.json", "utf8"));

const BOSTON = "data/boston.csv";

/** Nine digits of the largest number of a list, which those at 0 are told by too. */
function agree(found: ArrayLike<number>, expected: readonly number[], digits = 1e-9): void {
  const size = Math.max(...expected.map(Math.abs));
  expect(found.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(found[i]! - value)).toBeLessThan(digits * size);
  });
}

describe("non-negative least squares", () => {
  test("are R's nnls, through the origin and with a free intercept", async () => {
    const plain = (await fitCsv(BOSTON, { lower: 0, intercept: false })).model;
    agree(plain.coefficients, golden.nnls);
    expect(plain.rss / golden.deviance).toBeCloseTo(1, 10);
    const free = (await fitCsv(BOSTON, { lower: 0 })).model;
    agree(free.coefficients.slice(1), golden.free);
    expect(free.rss / golden.freeDeviance).toBeCloseTo(1, 10);
    expect(free.standardErrors.every(Number.isNaN)).toBe(true);
  });

  test("of merged shards are those of all rows", async () => {
    const shards = await Promise.all(
      [1, 2, 3].map(async (number) => ({
        name: String(number),
        model: (await fitCsv(BOSTON, { lower: 0, intercept: false, shard: { number, of: 3 } })).model,
      })),
    );
    agree(mergeModels(shards).model.coefficients, golden.nnls);
  });
});

describe("an adaptive lasso", () => {
  test("is glmnet's with factors from least squares, and stays so when refitted", async () => {
    for (const [i, lambda] of golden.lambdas.entries()) {
      const { model } = await fitCsv(BOSTON, { lambda, alpha: 1, adaptive: 1 });
      agree(model.coefficients, golden.adaptive[i]!);
      // glmnet's own steps end at nine digits: in closed form on its terms there are all that QR has.
      agree(model.coefficients, golden.exact[i]!, 1e-12);
      if (i > 0) continue;
      const again = refit(model, { lambda: golden.lambdas[1]! });
      agree(again.model.coefficients, golden.exact[1]!, 1e-12);
    }
  });

  test("refuses what it cannot be made of", async () => {
    await expect(fitCsv(BOSTON, { adaptive: 1 })).rejects.toThrow("goes with a penalty");
    await expect(
      fitCsv(BOSTON, { lambda: 1, alpha: 1, adaptive: 1, penaltyFactors: { rm: 0 } }),
    ).rejects.toThrow("both say");
    await expect(fitCsv(BOSTON, { lambda: 1, adaptive: -1 })).rejects.toThrow("power above 0");
  });
});

describe("least angles", () => {
  let model: LinearModel;
  beforeAll(async () => {
    model = (await fitCsv(BOSTON)).model;
  });
  const path = (lasso: boolean) => inOneGo(leastAngleSteps(model.moments, model.regression, { lasso }));

  test.each(["lar", "lasso"] as const)("%s: the steps of Efron et al.", (name) => {
    const steps = path(name === "lasso");
    expect(steps.length).toBe(golden[name].length);
    steps.forEach(({ coefficients }, i) => {
      agree(coefficients.slice(1), golden[name][i]!.coefficients);
    });
    const scale = golden[name][0]!.correlation / steps[0]!.lambda;
    for (const [i, { lambda }] of steps.entries())
      expect(lambda * scale).toBeCloseTo(golden[name][i]!.correlation, 6);
    // Both end at least squares.
    agree(steps.at(-1)!.coefficients, [...model.coefficients]);
  });

  test("the lasso's knots are on coordinate descent's path", () => {
    const steps = path(true);
    steps.slice(0, -1).forEach(({ coefficients }, i) => {
      const [fit] = elasticNet(model.moments, model.regression, [steps[i + 1]!.lambda], { alpha: 1 });
      agree(coefficients, [...fit!.coefficients], 1e-8);
    });
  });

  test("goml select --direction lar prints them, and makes no model", () =>
    inFolder({ "d.csv": readFileSync(BOSTON) }, async (folder) => {
      await goml(folder, ["train", "d.csv", "-q"]);
      const run = await goml(folder, ["select", "model.json", "--direction", "lar"]);
      expect(run.stdout).toMatch(/1 {2}\+ lstat/);
      const refused = await goml(folder, ["select", "model.json", "--direction", "lasso", "-m", "x.json"]);
      expect([refused.code, refused.left.includes("x.json")]).toEqual([2, false]);
    }));
});
