import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { predictCsv } from "../../src/inference/predict-csv.js";
import type { LinearModel } from "../../src/linear/model.js";
import { inFolder } from "../cli/goml.js";
import { agree, type GoldenTable, golden, refit } from "./golden-fits.js";

function expectTable(model: LinearModel, table: GoldenTable, what: string) {
  const { coefficients } = model.summary();
  coefficients.forEach((row, i) => {
    for (const name of ["stdError", "t", "p", "lower", "upper"] as const)
      agree(row[name], table[name][i]!, `${what}: ${name} of ${row.term}`);
  });
}

test("there are 25 fits and more, on 8 data sets and more other than Boston Housing", () => {
  expect(golden.fits.length).toBeGreaterThanOrEqual(25);
  const files = new Set(golden.fits.map(({ file }) => file));
  expect(files.size).toBeGreaterThanOrEqual(8);
});

describe.each(golden.fits)("$call on $file", (fit) => {
  test("has R's coefficients and criteria", async () => {
    const { model } = await refit(fit, fit.formula);
    expect(model.coefficientNames).toEqual(fit.terms);
    model.coefficients.forEach((estimate, i) => {
      agree(estimate, fit.estimate[i]!, fit.terms[i]!);
    });
    expectTable(model, fit.iid, "iid");
    const summary = model.summary().fit;
    for (const [name, value] of Object.entries(fit.fit)) {
      // R has no F for a model of the intercept alone.
      agree(summary[name as keyof typeof summary], value, name);
    }
  });

  const robust = (["hc0", "hc1", "hc2", "hc3", "cluster"] as const).filter((vcov) => fit[vcov] !== undefined);
  test.runIf(robust.length > 0)("has sandwich's covariances", async () => {
    for (const vcov of robust) {
      const cluster = vcov === "cluster" ? fit.cluster!.column : undefined;
      const { model } = await refit(fit, fit.formula, { vcov, cluster });
      expectTable(model, fit[vcov]!, vcov);
    }
  });

  test.runIf(fit.predict !== undefined)("predicts with R's intervals", () =>
    inFolder({}, async (folder) => {
      const { model } = await refit(fit, fit.formula);
      const { rows, fit: fitted, stdError, confidence, prediction } = fit.predict!;
      const output = join(folder, "out.csv");
      const read = async (interval: "confidence" | "prediction", level: number) => {
        await predictCsv(model, fit.file, { output, interval, level, stdError: true });
        const lines = readFileSync(output, "utf8").trim().split("\n").slice(1);
        return rows.map((row) => lines[row - 1]!.split(",").map(Number));
      };
      const [mean, own] = [await read("confidence", 0.95), await read("prediction", 0.9)];
      rows.forEach((row, i) => {
        agree(mean[i]![0]!, fitted[i]!, `fit of row ${row}`);
        agree(mean[i]![1]!, stdError[i]!, `se.fit of row ${row}`);
        agree(mean[i]![2]!, confidence.lower[i]!, `lower confidence of row ${row}`);
        agree(mean[i]![3]!, confidence.upper[i]!, `upper confidence of row ${row}`);
        agree(own[i]![2]!, prediction.lower[i]!, `lower prediction of row ${row}`);
        agree(own[i]![3]!, prediction.upper[i]!, `upper prediction of row ${row}`);
      });
    }),
  );
});
