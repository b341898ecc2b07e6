import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { anovaTerms } from "../../src/linear/selection/anova.js";
import { refit } from "../../src/linear/selection/refit.js";
import { forgetRows } from "../../src/linear/shards/forget-rows.js";
import { mergeModels } from "../../src/linear/shards/merge-models.js";
import { evaluateCsv } from "../../src/prediction/evaluate-csv.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { meatCsv } from "../../src/training/meat-csv.js";
import { mergeMeats } from "../../src/training/merge-meats.js";
import { updateCsv } from "../../src/training/update-csv.js";
import { uniform } from "../uniform.js";

const R = JSON.parse(readFileSync("test/golden/weights.json", "utf8"));
const DATA = "test/golden/data/weights.csv";
const formula = "y ~ x + g";

const folder = mkdtempSync(join(tmpdir(), "goml-weights-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
function file(lines: readonly string[], head = "x,g,w,y"): string {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, `${[head, ...lines].join("\n")}\n`);
  return path;
}

/** As a file has it. */
const copied = (model: LinearModel) => LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));

/** Equal to 9 digits, as the project's goldens are. */
function expectClose(found: ArrayLike<number>, expected: readonly number[]): void {
  expect(found.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(found[i]! / value - 1)).toBeLessThan(1e-9);
  });
}

async function fitted(options: FitCsvOptions): Promise<LinearModel> {
  return copied((await fitCsv(DATA, { formula, threads: 1, ...options })).model);
}

describe.each([
  ["frequency", "count"],
  ["analytic", "w"],
] as const)("%s weights are R's", (weightsKind, weights) => {
  test("in every statistic", async () => {
    const model = await fitted({ weights, weightsKind });
    const { coefficients, fit } = model.summary();
    const golden = R[weightsKind];
    expectClose(model.coefficients, golden.coefficients);
    expectClose(model.standardErrors, golden.errors);
    expectClose(
      coefficients.map(({ t }) => t),
      golden.t,
    );
    expectClose(
      coefficients.map(({ p }) => p),
      golden.p,
    );
    for (const name of [
      "n",
      "dfResidual",
      "rss",
      "sigma",
      "r2",
      "adjR2",
      "f",
      "logLik",
      "aic",
      "bic",
      "aicExtract",
    ] as const)
      expectClose([fit[name]], [golden[name]]);
    const rows = anovaTerms(model);
    expectClose(
      rows.map(({ sumOfSquares }) => sumOfSquares),
      golden.anova,
    );
    expectClose(
      rows.slice(0, 2).map(({ f }) => f),
      golden.anovaF,
    );
    const at = [{ x: 12, g: "b" }];
    const { prediction, lower, upper } = model.predictInterval(at, { interval: "prediction" });
    expectClose([prediction[0]!, lower[0]!, upper[0]!], golden.interval);
  });
});

describe("frequency weights", () => {
  const how = { weights: "count", weightsKind: "frequency" } as const;

  test.each(Object.keys(R.frequency.robust))("have %s of rows that are there as often", async (vcov) => {
    const model = await fitted({ ...how, vcov: vcov as "hc1", keepMeat: "none" });
    expectClose(model.standardErrors, R.frequency.robust[vcov]);
  });

  test("have clusters of them, from moments and from rows", async () => {
    const model = await fitted({ ...how, vcov: "cluster", cluster: "firm" });
    expectClose(model.standardErrors, R.frequency.clustered);
  });

  test("are as if rows were there so often: merged, updated, forgotten, held out, with what is kept of them", async () => {
    const setup = fc.record({
      seed: fc.integer({ min: 1, max: 1e6 }),
      vcov: fc.constantFrom("hc1", "hc3", "cluster", "cr2") as fc.Arbitrary<"hc1">,
      keepMeat: fc.constantFrom("cells", "none") as fc.Arbitrary<"cells">,
    });
    await fc.assert(
      fc.asyncProperty(setup, async ({ seed, vcov, keepMeat }) => {
        const next = uniform(seed);
        const all = Array.from({ length: 120 }, () => {
          const x = Math.floor(6 * next());
          return `${x},${"abcdef"[Math.floor(6 * next())]},${Math.floor(4 * next())},${x + next() * (1 + x)}`;
        });
        const often = all.flatMap((line) => {
          const cells = line.split(",");
          const one = [cells[0], cells[1], 1, cells[3]].join(",");
          return Array.from({ length: Number(cells[2]) }, () => one);
        });
        const rows: FitCsvOptions = { formula: "y ~ x", threads: 1, folds: 1 };
        const clustered = vcov === ("cluster" as string) || vcov === ("cr2" as string);
        const robust = clustered ? { vcov, cluster: "g" } : { vcov, keepMeat };
        const counted = { ...rows, weights: "w", weightsKind: "frequency" } as const;
        const expected = (await fitCsv(file(often), { ...rows, ...robust, keepMeat: undefined })).model;
        const same = (model: LinearModel) => {
          expect(model.n).toBe(expected.n);
          expectClose([model.summary().fit.aic], [expected.summary().fit.aic]);
          expectClose(model.standardErrors, [...expected.standardErrors]);
        };
        same(copied((await fitCsv(file(all), { ...counted, ...robust })).model));
        const paths = [all.slice(0, 50), all.slice(50)].map((lines) => file(lines));
        const own = clustered ? {} : robust;
        const shards = await Promise.all(
          paths.map(async (path, i) => ({
            name: `${i}`,
            model: copied((await fitCsv(path, { ...counted, ...own })).model),
          })),
        );
        const merged = mergeModels(shards).model;
        const meats = await Promise.all(
          paths.map(
            async (path) => (await meatCsv(merged, path, clustered ? { vcov, cluster: "g" } : { vcov })).meat,
          ),
        );
        same(mergeMeats(merged, meats));
        if (clustered || keepMeat !== "cells") return;
        same(merged);
        same((await updateCsv(shards[0]!.model, paths[1]!, { threads: 1 })).model);
        const left = forgetRows({ name: "all", model: merged }, shards[0]!).model;
        expectClose(left.standardErrors, [...shards[1]!.model.standardErrors]);
      }),
      { numRuns: 12 },
    );
  });

  test("are integers", async () => {
    const path = file(["1,a,1,2", "2,b,1.5,3", "3,a,2,1"]);
    await expect(fitCsv(path, { formula: "y ~ x", weights: "w", weightsKind: "frequency" })).rejects.toThrow(
      "expected how many rows this is, an integer of 0 or more, found 1.5",
    );
  });

  test("leave out rows that have none, as other weights do", async () => {
    const rows = ["1,a,1,2", "2,b,3,3", "3,a,2,1", "5,b,4,2"];
    const how: FitCsvOptions = { formula: "y ~ x", weights: "w", weightsKind: "frequency" };
    const { model, dropped } = await fitCsv(file([...rows, "9,a,,1", "7,b,NA,5"]), how);
    expect(dropped).toBe(2);
    const { model: without } = await fitCsv(file(rows), how);
    expect(model.coefficients).toEqual(without.coefficients);
    expect(model.sigma).toBe(without.sigma);
  });

  test("weigh errors on other rows as if these were there so often", async () => {
    const model = await fitted(how);
    const { metrics } = await evaluateCsv(model, DATA);
    const { n, mse } = model.summary().fit;
    expect(metrics.n).toBe(n);
    expectClose([metrics.mse], [mse]);
  });
});

describe("probability weights", () => {
  const how = { weights: "w", weightsKind: "probability" } as const;

  test("have robust errors by definition, those of R's survey but for Stata's n/(n − k)", async () => {
    const model = await fitted(how);
    expect(model.vcov.type).toBe("hc1");
    expectClose(model.coefficients, R.probability.coefficients);
    expectClose(model.standardErrors, R.probability.errors);
    const k = model.rank;
    expectClose(
      model.standardErrors.map((error) => error * Math.sqrt((model.n - k) / (model.n - 1))),
      R.probability.survey,
    );
    const { fit } = model.summary();
    expectClose([fit.sigma, fit.r2], [R.probability.sigma, R.probability.r2]);
    expect([fit.logLik, fit.aic, fit.bic, fit.f]).toEqual([NaN, NaN, NaN, NaN]);
    expect(() => anovaTerms(model)).toThrow("under which sums of squares make no F");
    expect(anovaTerms(model, 2)[0]!.p).toBeLessThan(1e-6);
    const clustered = await fitted({ ...how, vcov: "cluster", cluster: "firm" });
    expectClose(clustered.standardErrors, R.probability.clustered);
  });

  test("have no errors where these cannot be robust, and never classical ones", async () => {
    const { model, notes } = refit(await fitted(how), { features: ["x"] });
    expect(notes[0]).toMatch(/^there are no standard errors: with probability weights/);
    const again = copied(model);
    expect([...again.standardErrors]).toEqual([NaN, NaN]);
    expect(() => again.predictInterval([{ x: 1 }])).toThrow("with probability weights errors are robust");
    // Once they are lost, they stay lost, with instruments too, and as a file has it.
    expect([...refit(again, { formula: "y ~ 1" }).model.standardErrors]).toEqual([NaN]);
    const instrumented = await fitted({ ...how, formula: "y ~ 1 | 0 | x ~ g" });
    const lost = copied(refit(instrumented, { iv: "liml" }).model);
    expect([...lost.standardErrors]).toEqual([NaN, NaN]);
    expect([...refit(lost, { formula: "y ~ x" }).model.standardErrors]).toEqual([NaN, NaN]);
    const kept = refit(await fitted({ ...how, keepMeat: "quartic" }), { features: ["x"] }).model;
    const { model: whole } = await fitCsv(DATA, { formula: "y ~ x", ...how });
    expectClose(kept.standardErrors, [...whole.standardErrors]);
  });

  test("and classical ones are refused where they are asked for by name", async () => {
    await expect(fitted({ ...how, vcov: "iid" })).rejects.toThrow(
      /"iid".* does not go with .*weightsKind.*: rows that were drawn with unequal probabilities/,
    );
    await expect(fitted({ formula: "y ~ x", keepMeat: "cells", vcov: "iid" })).rejects.toThrow(
      /"iid".* does not go with .*keepMeat/,
    );
    const gmm = { formula: "y ~ 1 | 0 | x ~ g", iv: "gmm", vcov: "iid" } as const;
    await expect(fitted(gmm)).rejects.toThrow(/"iid".* does not go with .*iv/);
  });
});

test("without a kind weights are as ever: R's lm, σ on their own scale", async () => {
  const [plain, analytic] = [
    await fitted({ weights: "w" }),
    await fitted({ weights: "w", weightsKind: "analytic" }),
  ];
  expect([...plain.standardErrors]).toEqual([...analytic.standardErrors]);
  const [a, b] = [plain, analytic].map((model) => model.summary().fit);
  expectClose([a!.logLik, a!.f, a!.r2], [b!.logLik, b!.f, b!.r2]);
  expect(a!.sigma).not.toBeCloseTo(b!.sigma, 3);
  expect(plain.toJSON()).not.toHaveProperty("weightsKind");
});

test("kinds are not merged, and need weights", async () => {
  const models = await Promise.all(
    (["analytic", "probability"] as const).map(async (weightsKind) => ({
      name: weightsKind,
      model: await fitted({ weights: "w", weightsKind }),
    })),
  );
  expect(() => mergeModels(models, { again: true })).toThrow("the weights are analytic and probability");
  await expect(fitted({ weightsKind: "frequency" })).rejects.toThrow("needs a column of weights");
});
