import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { UsageError } from "../../../src/errors.js";
import { LinearModel } from "../../../src/linear/model/model.js";
import { refit } from "../../../src/linear/selection/refit.js";
import { mergeModels } from "../../../src/linear/shards/merge-models.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { fitGroupsCsv } from "../../../src/training/fit-groups-csv.js";
import type { FitCsvOptions } from "../../../src/training/fit-options.js";
import { csvOf, golden } from "./golden.js";

const folder = mkdtempSync(join(tmpdir(), "goml-instruments-"));
afterAll(() => rmSync(folder, { recursive: true }));
const paths = Object.fromEntries(
  Object.keys(golden.data).map((name) => {
    const path = join(folder, `${name}.csv`);
    writeFileSync(path, csvOf(name));
    return [name, path];
  }),
);

/** Nine digits: R's come by Householder QR and inverses of cross-products in double. */
const close = (found: number, expected: number) =>
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-9 * Math.abs(expected));

/** Estimates, or errors, in R's order of names. */
const inOrder = (model: LinearModel, values: Float64Array, names: readonly string[]) =>
  names.map((name) => values[model.coefficientNames.indexOf(name)]!);

const optionsOf = (one: (typeof golden.cases)[number]) => ({
  formula: one.formula,
  ...(one.weighted ? { weights: "wt" } : {}),
});

describe("estimates and tests of instruments are those of AER, gretl and the papers' formulas", () => {
  test.each(golden.cases)("$data $formula", async (one) => {
    const { model } = await fitCsv(paths[one.data]!, optionsOf(one));
    const same = (fit: LinearModel, estimates: number[], errors: number[], names: readonly string[]) => {
      inOrder(fit, fit.coefficients, names).forEach((value, i) => {
        // What is near 0 beside its error has no nine digits of its own.
        expect(Math.abs(value - estimates[i]!)).toBeLessThan(1e-9 * (Math.abs(estimates[i]!) + errors[i]!));
      });
      inOrder(fit, fit.standardErrors, names).forEach((value, i) => {
        close(value, errors[i]!);
      });
    };
    same(model, [one.estimates].flat(), [one.errors].flat(), [one.terms].flat());
    expect(model.dfResidual).toBe(one.dfResidual);
    close(model.sigma, one.sigma);
    close(model.summary().fit.r2, one.r2);
    const tests = model.instrumentTests()!;
    tests.firstStages.forEach(({ f, partialR2 }, i) => {
      close(f, one.firstStages[i]!.f);
      close(partialR2, one.firstStages[i]!.partialR2);
    });
    close(tests.craggDonald, one.craggDonald);
    close(tests.wuHausman.f, one.wuHausman);
    expect(tests.wuHausman.df2).toBe(one.wuDf);
    if (one.sargan === null) expect(tests.overidentification).toBeUndefined();
    else close(tests.overidentification!.statistic, one.sargan);
    close(tests.andersonRubin.f, one.andersonRubin);
    expect(tests.effectiveF === undefined).toBe(one.effective === null);
    if (one.effective !== null) {
      close(tests.effectiveF!.f, one.effective.f);
      close(tests.effectiveF!.df, one.effective.df);
      close(tests.effectiveF!.criticalValue, one.effective.criticalValue);
    }
    const { set } = tests.andersonRubin;
    expect(set?.shape).toBe(one.set?.shape);
    const ends = set?.parts.flat().filter(Number.isFinite) ?? [];
    expect(ends.length).toBe(one.set?.roots.length ?? 0);
    ends.forEach((end, i) => {
      // R's parabola goes through three values, and loses digits.
      expect(Math.abs(end - one.set!.roots[i]!)).toBeLessThan(1e-7 * (1 + Math.abs(end)));
    });
    for (const [iv, expected] of [
      ["liml", one.liml],
      ["fuller", one.fuller],
      ["fuller:4", one.fuller4],
    ] as const) {
      const { model: other } = refit(model, { iv });
      close(other.instrumentTests()!.kappa, expected.kappa);
      same(other, expected.estimates, expected.errors, one.order);
    }
  });

  test("gretl's LIML", async () => {
    const { model } = await fitCsv(paths.strong!, { formula: golden.cases[0]!.formula, iv: "liml" });
    inOrder(model, model.coefficients, ["(Intercept)", "x", "w"]).forEach((value, i) => {
      close(value, golden.gretl[i]!);
    });
  });
});

describe("robust errors and tests are those of sandwich, gmm and the papers' formulas", () => {
  test.each(golden.cases)("$data $formula", async (one) => {
    const options = optionsOf(one);
    const errorsOf = async (how: FitCsvOptions, expected: readonly number[]) => {
      const { model } = await fitCsv(paths[one.data]!, { ...options, ...how });
      inOrder(model, model.standardErrors, one.order).forEach((value, i) => {
        close(value, expected[i]!);
      });
      return model;
    };
    await errorsOf({ vcov: "hc1" }, one.hc1);
    for (const [vcov, expected, errors] of [
      ["hc0", one.hc, one.hc0],
      ["cluster", one.cluster, one.cr1],
    ] as const) {
      const cluster = vcov === "cluster" ? "cl" : undefined;
      const model = await errorsOf({ vcov, cluster }, errors);
      const tests = model.instrumentTests()!;
      close(tests.kleibergenPaap!.f, expected.kleibergenPaap);
      close(tests.andersonRubin.f, expected.andersonRubin);
      if (one.effective !== null) {
        close(tests.effectiveF!.f, expected.effective!.f);
        close(tests.effectiveF!.criticalValue, expected.effective!.criticalValue);
      }
      if (expected.hansen == null) expect(tests.overidentification).toBeUndefined();
      else close(tests.overidentification!.statistic, expected.hansen);
      const how = cluster === undefined ? { vcov } : { vcov: "cr0" as const, cluster };
      const { model: gmm } = await fitCsv(paths[one.data]!, { ...options, ...how, iv: "gmm" });
      inOrder(gmm, gmm.standardErrors, one.order).forEach((value, i) => {
        close(value, expected.gmm.errors[i]!);
      });
      inOrder(gmm, gmm.coefficients, one.order).forEach((value, i) => {
        const size = Math.abs(expected.gmm.estimates[i]!) + expected.gmm.errors[i]!;
        expect(Math.abs(value - expected.gmm.estimates[i]!)).toBeLessThan(1e-9 * size);
      });
      expect(LinearModel.fromJSON(JSON.parse(JSON.stringify(gmm))).instrumentTests()).toEqual(
        gmm.instrumentTests(),
      );
    }
  });

  test("absorbed effects are those of the factor as a term", async () => {
    for (const [vcov, cluster] of [
      ["hc1", undefined],
      ["cluster", "cl"],
    ] as const)
      for (const iv of ["2sls", "gmm", "liml"] as const) {
        const how = { vcov, cluster, iv, weights: "wt" };
        const { model: a } = await fitCsv(paths.strong!, { ...how, formula: "y ~ w | g | x ~ z1 + z2 + z3" });
        const { model: b } = await fitCsv(paths.strong!, {
          ...how,
          formula: "y ~ w + g | 0 | x ~ z1 + z2 + z3",
        });
        // GMM weighs the factor's own moments too, of which absorbed effects know nothing.
        if (iv === "gmm") continue;
        close(inOrder(a, a.standardErrors, ["x"])[0]!, inOrder(b, b.standardErrors, ["x"])[0]!);
        close(a.instrumentTests()!.kleibergenPaap!.f, b.instrumentTests()!.kleibergenPaap!.f);
        close(a.instrumentTests()!.andersonRubin.f, b.instrumentTests()!.andersonRubin.f);
      }
  });

  test("merging and refitting lose what needs the rows, and say so", async () => {
    const { model } = await fitCsv(paths.strong!, { formula: "y ~ w | 0 | x ~ z1 + z2", iv: "gmm" });
    const { model: again, notes } = refit(model, {});
    expect(notes.join("\n")).toMatch(/two-step GMM needs all rows at once/);
    expect(again.instruments).toMatchObject({ estimator: "2sls" });
    expect(again.instruments!.robust).toBeUndefined();
  });
});

describe("absorbed effects", () => {
  test.each([undefined, "wt"])("are those of the factor as a term, weights %s", async (weights) => {
    for (const iv of ["2sls", "liml"] as const) {
      const absorbed = await fitCsv(paths.strong!, { formula: "y ~ w | g | x ~ z1 + z2 + z3", weights, iv });
      const plain = await fitCsv(paths.strong!, { formula: "y ~ w + g | 0 | x ~ z1 + z2 + z3", weights, iv });
      for (const name of ["x", "w"]) {
        const [a, b] = [absorbed.model, plain.model];
        close(inOrder(a, a.coefficients, [name])[0]!, inOrder(b, b.coefficients, [name])[0]!);
        close(inOrder(a, a.standardErrors, [name])[0]!, inOrder(b, b.standardErrors, [name])[0]!);
      }
      const [a, b] = [absorbed.model.instrumentTests()!, plain.model.instrumentTests()!];
      close(a.craggDonald, b.craggDonald);
      close(a.wuHausman.f, b.wuHausman.f);
      close(a.overidentification!.statistic, b.overidentification!.statistic);
      // A prediction has the effect of the row's level.
      const row = { w: 2, x: 1, g: "c" };
      close(absorbed.model.predict([row])[0]!, plain.model.predict([row])[0]!);
    }
  });

  test("leave no instrument that they explain", async () => {
    const path = join(folder, "explained.csv");
    // `level` is constant within g.
    const lines = csvOf("strong").trim().split("\n");
    const at = lines[0]!.split(",").indexOf("g");
    const rows = lines.slice(1).map((line) => `${line},${line.split(",")[at]!.charCodeAt(0) / 7}`);
    writeFileSync(path, `${[`${lines[0]},level`, ...rows].join("\n")}\n`);
    await expect(fitCsv(path, { formula: "y ~ w | g | x ~ level" })).rejects.toThrow(
      /not identified: 1 endogenous term and 0 instruments/,
    );
    const { model, notes } = await fitCsv(path, { formula: "y ~ w | g | x ~ level + z1 + z2" });
    expect(notes.join()).toMatch(/depends linearly on exogenous terms .*left out: level/);
    const { model: without } = await fitCsv(path, { formula: "y ~ w | g | x ~ z1 + z2" });
    close(model.coefficients[0]!, without.coefficients[0]!);
  });
});

describe("instruments that do not identify", () => {
  test.each([
    ["y ~ w | 0 | x + x2 ~ z1", /not identified: 2 endogenous terms and 1 instrument/],
    [
      "y ~ w + z1 | 0 | x ~ I(2 * z1 - w)",
      /not identified: 1 endogenous term and 0 instruments, those left out/,
    ],
    ["y ~ w | 0 | I(2 * w + 1) ~ z1", /endogenous I\(2 \* w \+ 1\) depends linearly on the exogenous/],
    ["y ~ w | 0 | x + I(x * 2) ~ z1 + z2", /tell nothing of I\(x \* 2\) beyond/],
  ])("%s", async (formula, message) => {
    await expect(fitCsv(paths.strong!, { formula })).rejects.toThrow(message);
  });

  test("and those that say nothing beyond others are left out, and named", async () => {
    const { model, notes } = await fitCsv(paths.strong!, {
      formula: "y ~ w | 0 | x ~ z1 + I(z1 - 3 * w) + z2",
    });
    expect(notes.join()).toMatch(/this instrument depends linearly .*: I\(z1 - 3 \* w\)/);
    const { model: without } = await fitCsv(paths.strong!, { formula: "y ~ w | 0 | x ~ z1 + z2" });
    close(model.coefficients[1]!, without.coefficients[1]!);
    expect(model.instrumentTests()!.redundant).toEqual(["I(z1 - 3 * w)"]);
  });

  test("weak ones are said before the answer", async () => {
    const { notes } = await fitCsv(paths.weak!, { formula: "y ~ w | 0 | x ~ z1 + z2" });
    expect(notes[0]).toMatch(/the instruments are weak: the effective F is .* below/);
  });
});

/** sandwich of ivreg, and the scores written out: test/golden/instruments-hac.R. */
const overTime: (Record<"newey" | "automatic" | "parzen" | "qs" | "panel" | "dk", number[]> & {
  names: string[];
  automaticLag: number;
})[] = JSON.parse(readFileSync("test/golden/instruments-hac.json", "utf8"));

describe("errors over time are those of sandwich", () => {
  const lines = csvOf("strong").trim().split("\n");
  const path = join(folder, "times.csv");
  const rows = lines.slice(1).map((line, i) => `${line},${i},${i % 5}`);
  writeFileSync(path, `${[`${lines[0]},row,t`, ...rows].join("\n")}\n`);

  test.each([
    [0, "y ~ w | 0 | x ~ z1 + z2"],
    [1, "y ~ w | 0 | x + x2 ~ z1 + z2 + z3"],
    [2, "y ~ w - 1 | 0 | x ~ z1 + z2"],
  ])("%d: %s", async (i, formula) => {
    const expected = overTime[i]!;
    const same = async (options: FitCsvOptions, errors: readonly number[]) => {
      const { model } = await fitCsv(path, { formula, ...options });
      inOrder(model, model.standardErrors, expected.names).forEach((value, j) => {
        close(value, errors[j]!);
      });
      return model;
    };
    const newey = await same({ vcov: "hac", lag: 3 }, expected.newey);
    await same({ vcov: "hac", lag: 3, time: "row" }, expected.newey);
    const automatic = await same({ vcov: "hac" }, expected.automatic);
    expect(automatic.vcov).toMatchObject({ bandwidth: expected.automaticLag + 1 });
    await same({ vcov: "hac", kernel: "parzen", lag: 4 }, expected.parzen);
    await same({ vcov: "hac", kernel: "qs" }, expected.qs);
    await same({ vcov: "hac", lag: 2, time: "t", unit: "cl" }, expected.panel);
    const dk = await same({ vcov: "dk", lag: 2, time: "t" }, expected.dk);
    expect(dk.dfInference).toBe(4);
    // With a lag of 0 they are HC1, tests of the instruments included; and a file has them.
    const [none, hc1] = [
      (await fitCsv(path, { formula, vcov: "hac", lag: 0 })).model,
      (await fitCsv(path, { formula, vcov: "hc1" })).model,
    ];
    none.standardErrors.forEach((value, j) => {
      close(value, hc1.standardErrors[j]!);
    });
    close(none.instruments!.robust!.kleibergenPaap.f!, hc1.instruments!.robust!.kleibergenPaap.f!);
    close(none.instruments!.robust!.andersonRubin.f!, hc1.instruments!.robust!.andersonRubin.f!);
    const read = LinearModel.fromJSON(JSON.parse(JSON.stringify(newey)));
    expect([...read.standardErrors]).toEqual([...newey.standardErrors]);
    const threads = await fitCsv(path, { formula, vcov: "hac", lag: 3, threads: 3 });
    expect([...threads.model.standardErrors]).toEqual([...newey.standardErrors]);
  });
});

describe("what is of least squares alone is refused in a line", () => {
  const formula = "y ~ w | 0 | x ~ z1 + z2";
  test.each<[FitCsvOptions, RegExp]>([
    ...(["hc2", "hc3", "hc4", "hc5", "jackknife"] as const).map((vcov): [FitCsvOptions, RegExp] => [
      { vcov },
      /is of least squares: with instruments there are iid, hc0/,
    ]),
    [{ vcov: "cr2", cluster: "g" }, /is of least squares: with instruments/],
    [{ vcov: "cr3", cluster: "g" }, /is of least squares: with instruments/],
    [{ vcov: "bootstrap", cluster: "g" }, /is of least squares: with instruments/],
    [{ vcov: "cluster", cluster: ["g", "s"] }, /one column of clusters, not with 2/],
    [{ lambda: 1 }, /no penalty on an equation with instruments/],
    [{ lower: 0 }, /no penalty on an equation with instruments/],
    [{ solver: "qr" }, /instruments do not go with/],
    [{ solver: "gd" }, /instruments do not go with/],
    [{ folds: 5 }, /no cross-validation with instruments/],
    [{ cv: { kind: "loo" } }, /no cross-validation with instruments/],
    [{ conformal: "split" }, /are of least squares, and the model has instruments/],
    [{ window: { rows: 50 } }, /are of least squares, and the model has instruments/],
    [{ keepMeat: "quartic" }, /is of least squares/],
    [{ iv: "fuller:-1" as "fuller" }, /no estimator with instruments/],
  ])("%o", async (options, message) => {
    const refused = await fitCsv(paths.strong!, { formula, ...options }).catch((error: Error) => error);
    expect(refused).toBeInstanceOf(UsageError);
    expect((refused as Error).message).toMatch(message);
    expect((refused as Error).message).not.toContain("\n");
  });

  test("of models by group", async () => {
    await expect(fitGroupsCsv(paths.strong!, { formula, groupBy: "g" })).rejects.toThrow(
      "instruments do not go with",
    );
  });
});

describe("models of moments", () => {
  test("shards merge to the model of the whole", async () => {
    const lines = csvOf("strong").trim().split("\n");
    const formula = "y ~ w + s | g | x + x2 ~ z1 + z2 + z3";
    const shards = [];
    for (const [k, [from, to]] of (
      [
        [1, 41],
        [41, 88],
        [88, 121],
      ] as const
    ).entries()) {
      const path = join(folder, `shard${k}.csv`);
      writeFileSync(path, `${[lines[0], ...lines.slice(from, to)].join("\n")}\n`);
      shards.push({ name: path, model: (await fitCsv(path, { formula, iv: "liml" })).model });
    }
    const { model } = mergeModels(shards);
    const { model: whole } = await fitCsv(paths.strong!, { formula, iv: "liml" });
    whole.coefficients.forEach((value, i) => {
      expect(Math.abs(model.coefficients[i]! - value)).toBeLessThan(1e-11 * whole.standardErrors[i]!);
    });
    close(model.instrumentTests()!.craggDonald, whole.instrumentTests()!.craggDonald);
  });

  test("a model file keeps them, and another equation of the same columns needs no data", async () => {
    const { model } = await fitCsv(paths.strong!, { formula: "y ~ w | 0 | x ~ z1 + z2" });
    const read = LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
    expect(read.instrumentTests()).toEqual(model.instrumentTests());
    const { model: plain } = await fitCsv(paths.strong!, { formula: "y ~ x + w + z1 + z2" });
    const { model: made } = refit(plain, { formula: "y ~ w | 0 | x ~ z1 + z2" });
    close(made.coefficients[1]!, model.coefficients[1]!);
    const { model: least } = refit(model, { formula: "y ~ x + w" });
    const { model: direct } = await fitCsv(paths.strong!, { formula: "y ~ x + w" });
    close(least.coefficients[1]!, direct.coefficients[1]!);
    expect(least.instruments).toBeUndefined();
  });

  test("predictions are those of the structural equation, and need no instruments", async () => {
    const { model } = await fitCsv(paths.strong!, { formula: "y ~ w | 0 | x ~ z1 + z2" });
    const [b0, bx, bw] = model.coefficients;
    close(model.predict([{ x: 2, w: -1 }])[0]!, b0! + 2 * bx! - bw!);
  });
});
