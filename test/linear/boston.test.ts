import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fit } from "../../src/training/fit.js";
import { fitCsv } from "../../src/training/fit-csv.js";

// R 4.2.2: b <- read.csv("data/boston.csv"); m <- lm(medv ~ ., b); summary(m), logLik(m), AIC(m), BIC(m),
// extractAIC(m)[2], mean(resid(m)^2); printed with options(digits = 15).
const R = {
  mse: 21.8948311817292,
  sigma: 4.74529818169963,
  r2: 0.740642664109409,
  adjR2: 0.733789726372463,
  f: 108.076666174326,
  logLik: -1498.80429703777,
  aic: 3027.60859407555,
  aicExtract: 1589.64279847242,
  bic: 3091.00664411486,
};
const ESTIMATES = {
  "(Intercept)": 36.4594883850899,
  rm: 3.80986520680922,
  nox: -17.7666112283001,
  lstat: -0.524758377855489,
};

// Ten significant digits are promised; R's own QR in double leaves about twelve here.
const relative = (a: number, b: number) => Math.abs(a - b) / Math.abs(b);

const [header, ...lines] = readFileSync("data/boston.csv", "utf8").trim().split("\n");
const rows = lines.map((line) => line.split(",").map(Number));
const terms = header!.split(",").slice(0, -1);
const arrays = (solver: "auto" | "normal" | "extended") =>
  fit(
    rows.map((row) => row.slice(0, -1)),
    rows.map((row) => row[13]!),
    { terms, target: "medv", solver },
  );

describe.each([
  ["fitCsv auto", async () => (await fitCsv("data/boston.csv")).model],
  ["fitCsv normal", async () => (await fitCsv("data/boston.csv", { solver: "normal" })).model],
  ["fitCsv qr", async () => (await fitCsv("data/boston.csv", { solver: "qr" })).model],
  ["fit auto", async () => arrays("auto")],
  ["fit normal", async () => arrays("normal")],
  ["fit extended", async () => arrays("extended")],
])("Boston Housing by %s", (_, load) => {
  test("has the statistics of R's lm to 10 digits", async () => {
    const { fit, coefficients } = (await load()).summary();
    for (const [name, value] of Object.entries(R))
      expect(relative(fit[name as keyof typeof R], value), name).toBeLessThan(1e-10);
    for (const [term, value] of Object.entries(ESTIMATES))
      expect(relative(coefficients.find((row) => row.term === term)!.estimate, value), term).toBeLessThan(
        1e-10,
      );
    expect(relative(coefficients[0]!.stdError, 5.10345881063739)).toBeLessThan(1e-10);
    expect([fit.n, fit.fDf, fit.dfResidual]).toEqual([506, 13, 492]);
  });
});
