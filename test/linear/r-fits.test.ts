import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fitCsv } from "../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";

// Made by test/golden/fits.R, which has the calls of R's lm, summary, confint, vcov, AIC, extractAIC and BIC.
const golden: { fits: Fit[] } = JSON.parse(readFileSync("test/golden/fits.json", "utf8"));
interface Fit {
  file: string;
  call: string;
  options: FitCsvOptions;
  terms: string[];
  fit: Record<string, number>;
  covariance: number[];
  estimate: number[];
  stdError: number[];
  t: number[];
  p: number[];
  lower: number[];
  upper: number[];
}

/**
 * R solves by QR in double: with the condition numbers of these data, up to 5,000, it keeps 12 digits or so, and its
 * p-values far out keep fewer.
 */
const TOLERANCE = 1e-9;

describe.each(golden.fits.map((fit) => [`${fit.call} on ${fit.file}`, fit] as const))("%s", (_, expected) => {
  test.each(["auto", "qr"] as const)("is R's by solver %s", async (solver) => {
    const { model } = await fitCsv(expected.file, { ...expected.options, solver });
    const { coefficients, fit } = model.summary();
    expect(coefficients.map((row) => row.term)).toEqual(expected.terms);
    for (const column of ["estimate", "stdError", "t", "p", "lower", "upper"] as const)
      coefficients.forEach((row, i) => {
        expectClose(row[column], expected[column][i]!, `${column} of ${row.term}`);
      });
    for (const [name, value] of Object.entries(expected.fit))
      expectClose(fit[name as keyof typeof fit], value, name);
    model.covariance.forEach((value, i) => {
      expectClose(value, expected.covariance[i]!, `covariance ${i}`);
    });
  });
});

function expectClose(actual: number, expected: number, what: string): void {
  expect(Math.abs(actual - expected) / Math.abs(expected), `${what}: ${actual} for ${expected}`).toBeLessThan(
    TOLERANCE,
  );
}
