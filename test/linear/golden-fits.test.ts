import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { coefficientCorrelation, varianceInflation } from "../../src/linear/covariance/collinearity.js";
import type { LinearModel } from "../../src/linear/model/model.js";
import { anovaModels, anovaTerms } from "../../src/linear/selection/anova.js";
import { diagnoseCsv } from "../../src/prediction/diagnose-csv.js";
import { predictCsv } from "../../src/prediction/predict-csv.js";
import { inFolder } from "../cli/goml.js";
import { agree, type GoldenTable, golden, refit } from "./golden-fits.js";

function expectTable(model: LinearModel, table: GoldenTable, what: string) {
  const { coefficients, wald } = model.summary();
  if (table.wald)
    for (const name of ["f", "df1", "df2", "p"] as const)
      agree(wald![name], table.wald[name], `${what}: ${name} of the Wald test`);
  coefficients.forEach((row, i) => {
    for (const name of ["stdError", "t", "p", "lower", "upper"] as const)
      agree(row[name], table[name][i]!, `${what}: ${name} of ${row.term}`);
  });
}

/** Not every fit has every measure: a test where there is one, and none, rather than a skipped one, elsewhere. */
const testWhere = (given: boolean) => (name: string, body: () => void | Promise<void>) => {
  if (given) test(name, body);
};

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

  const types = ["hc0", "hc1", "hc2", "hc3", "hc4", "hc4m", "hc5", "cluster"] as const;
  const robust = types.filter((vcov) => fit[vcov] !== undefined);
  testWhere(robust.length > 0)("has sandwich's covariances", async () => {
    for (const vcov of robust) {
      const cluster = vcov === "cluster" ? fit.cluster!.column : undefined;
      const { model } = await refit(fit, fit.formula, { vcov, cluster });
      expectTable(model, fit[vcov]!, vcov);
    }
  });

  testWhere(fit.anova !== undefined)("has R's sequential sums of squares", async () => {
    const { model } = await refit(fit, fit.formula);
    const rows = anovaTerms(model);
    const { terms, df, sumOfSquares, f, p } = fit.anova!;
    expect(rows.map(({ term }) => term)).toEqual(terms);
    rows.forEach((row, i) => {
      expect(row.df).toBe(df[i]);
      agree(row.sumOfSquares, sumOfSquares[i]!, `sum of squares of ${row.term}`);
      agree(row.f, f[i]!, `F of ${row.term}`);
      agree(row.p, p[i]!, `p of ${row.term}`);
    });
  });

  testWhere(fit.vif !== undefined)("has car's variance inflation factors", async () => {
    const { model } = await refit(fit, fit.formula);
    const { terms, gvif, df } = fit.vif!;
    varianceInflation(model).forEach((row, i) => {
      expect([row.term, row.df]).toEqual([terms[i], df[i]]);
      agree(row.gvif, gvif[i]!, `GVIF of ${row.term}`);
    });
  });

  testWhere(fit.correlation !== undefined)("has R's correlation of coefficients", async () => {
    const { model } = await refit(fit, fit.formula);
    coefficientCorrelation(model).forEach((value, i) => {
      // In a balanced design some are 0, of which R has the rounding.
      if (Math.abs(value) > 1e-14) agree(value, fit.correlation![i]!, `correlation ${i}`);
      else expect(Math.abs(fit.correlation![i]!)).toBeLessThan(1e-14);
    });
  });

  testWhere(fit.influence !== undefined)("has R's influence measures", () =>
    inFolder({}, async (folder) => {
      const { model } = await refit(fit, fit.formula);
      const output = join(folder, "rows.csv");
      await diagnoseCsv(model, fit.file, { output, threads: 1 });
      const [header, ...lines] = readFileSync(output, "utf8").trim().split("\n");
      const names = header!.split(",");
      const cells = lines.map((line) =>
        line.split(",").map((cell) => (cell === "NA" ? Number.NaN : Number(cell))),
      );
      const { rows, ...measures } = fit.influence!;
      rows.forEach((row, i) => {
        for (const [name, values] of Object.entries(measures)) {
          const value = cells[row! - 1]![names.indexOf(name)]!;
          const expected = values[i]!;
          // A residual is what is left of much larger numbers; that of a point fitted exactly is 0 but for R's rounding.
          const scale = name === "residual" ? model.sigma : 1e-6;
          if (expected !== null && Math.abs(expected) < 1e-9 * scale)
            expect(Math.abs(value)).toBeLessThan(1e-9 * scale);
          else if (expected !== null && name === "residual")
            expect(Math.abs(value - expected), `residual of row ${row}`).toBeLessThan(1e-9 * scale);
          else agree(value, expected, `${name} of row ${row}`);
        }
      });
    }),
  );

  testWhere(fit.tests !== undefined)("has R's tests of the residuals", async () => {
    const { model } = await refit(fit, fit.formula);
    const found = await diagnoseCsv(model, fit.file, { threads: 1 });
    const { quantiles, durbinWatson, breuschPagan, jarqueBera, reset } = fit.tests!;
    const { min, q1, median, q3, max } = found.quantiles;
    [min, q1, median, q3, max].forEach((value, i) => {
      expect(Math.abs(value - quantiles[i]!)).toBeLessThan(1e-9 * model.sigma);
    });
    agree(found.durbinWatson.statistic, durbinWatson, "Durbin–Watson");
    agree(found.breuschPagan!.statistic, breuschPagan.statistic, "Breusch–Pagan");
    expect(found.breuschPagan!.df1).toBe(breuschPagan.df);
    agree(found.breuschPagan!.p, breuschPagan.p, "p of Breusch–Pagan");
    for (const name of ["statistic", "p", "skewness", "kurtosis"] as const)
      agree(found.jarqueBera[name], jarqueBera[name]!, `${name} of Jarque–Bera`);
    for (const name of ["statistic", "df1", "df2", "p"] as const)
      agree(found.reset![name]!, reset[name]!, `${name} of RESET`);
    expect(found.ofFit).toBe(true);
  });

  testWhere(fit.breuschPagan !== undefined)("has lmtest's weighted Breusch–Pagan", async () => {
    const { model } = await refit(fit, fit.formula);
    const { breuschPagan } = await diagnoseCsv(model, fit.file, { threads: 1 });
    agree(breuschPagan!.statistic, fit.breuschPagan!.statistic, "Breusch–Pagan");
    expect(breuschPagan!.df1).toBe(fit.breuschPagan!.df);
  });

  testWhere(fit.predict !== undefined)("predicts with R's intervals", () =>
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

describe.each(golden.chains)("$call on $file", (chain) => {
  test("has R's partial F tests", async () => {
    const models = [];
    for (const name of chain.formulas) models.push({ name, model: (await refit(chain, name)).model });
    anovaModels(models).forEach((row, i) => {
      for (const name of ["dfResidual", "rss", "df", "sumOfSquares", "f", "p"] as const)
        agree(row[name], chain[name][i]!, `${name} of ${row.name}`);
    });
  });
});
