import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { fitCsv } from "../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import type { CsvFit } from "../../src/training/fit-target.js";

/** A table of coefficients under some covariance; null for aliased terms. */
export interface GoldenTable {
  stdError: (number | null)[];
  t: (number | null)[];
  p: (number | null)[];
  lower: (number | null)[];
  upper: (number | null)[];
  wald?: { f: number; df1: number; df2: number; p: number } | null;
}

/** A test's statistic as R prints it. */
interface GoldenTest {
  statistic: number;
  p: number;
  df?: number;
  df1?: number;
  df2?: number;
  skewness?: number;
  kurtosis?: number;
}

/** A fit of test/golden/inference.R. */
export interface GoldenFit {
  file: string;
  call: string;
  formula: string;
  weights: string | null;
  terms: string[];
  estimate: (number | null)[];
  iid: GoldenTable;
  fit: Record<string, number | null>;
  hc0?: GoldenTable;
  hc1?: GoldenTable;
  hc2?: GoldenTable;
  hc3?: GoldenTable;
  hc4?: GoldenTable;
  hc4m?: GoldenTable;
  hc5?: GoldenTable;
  cluster?: GoldenTable & { column: string };
  predict?: {
    rows: number[];
    fit: number[];
    stdError: number[];
    confidence: { lower: number[]; upper: number[] };
    prediction: { lower: number[]; upper: number[] };
  };
  anova?: {
    terms: string[];
    df: number[];
    sumOfSquares: number[];
    f: (number | null)[];
    p: (number | null)[];
  };
  vif?: { terms: string[]; gvif: number[]; df: number[] };
  correlation?: (number | null)[];
  influence?: Record<
    "rows" | "fitted" | "residual" | "leverage" | "rstandard" | "rstudent" | "cooks" | "dffits",
    (number | null)[]
  >;
  breuschPagan?: GoldenTest;
  tests?: {
    quantiles: number[];
    durbinWatson: number;
    breuschPagan: GoldenTest;
    jarqueBera: GoldenTest;
    reset: GoldenTest;
  };
}

/** An anova of several models. */
export interface GoldenChain {
  file: string;
  call: string;
  formulas: string[];
  weights: string | null;
  dfResidual: number[];
  rss: number[];
  df: (number | null)[];
  sumOfSquares: (number | null)[];
  f: (number | null)[];
  p: (number | null)[];
}

export const golden: { fits: GoldenFit[]; chains: GoldenChain[] } = JSON.parse(
  readFileSync("test/golden/inference.json", "utf8"),
);

/** goml's fit of a golden's data and formula. */
export function refit(
  { file, weights }: { file: string; weights: string | null },
  formula: string,
  options: FitCsvOptions = {},
): Promise<CsvFit> {
  return fitCsv(file, { formula, weights: weights ?? undefined, threads: 1, ...options });
}

/** Expects two numbers to agree to nine digits; null is NaN. */
export function agree(actual: number, expected: number | null, what: string, digits = 1e-9): void {
  if (expected === null) {
    expect(actual, what).toBeNaN();
    return;
  }
  const error = actual === expected ? 0 : Math.abs(actual - expected) / Math.abs(expected);
  expect(error, `${what}: ${actual}, R has ${expected}`).toBeLessThan(digits);
}
