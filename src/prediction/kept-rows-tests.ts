import { ModelError } from "../errors.js";
import { solveSteps } from "../linear/solve/solve.js";
import type { Steps } from "../parallel/steps.js";
import { chiSquareSurvival } from "../stats/distributions.js";
import { Moments } from "../stats/moments.js";
import type { AuxiliaryTest } from "./auxiliary-tests.js";

/** Rows in whitened coordinates, in their order: n × k row-major, the constant left out, and their residuals. */
export interface WhitenedRows {
  values: Float64Array;
  k: number;
  residuals: Float64Array;
  intercept: boolean;
}

/** Regressors of White's test that there may be: 60 columns have 1,890. */
const MOST_PRODUCTS = 2000;

/**
 * White's test (1980): e² on the columns, their squares and products, n R² as χ². The span of these is that of whitened columns, in which
 * dependent ones (squares of indicators) are told best.
 *
 * @throws ModelError for too many columns
 */
export function* whiteSteps({ values, k, residuals }: WhitenedRows): Steps<AuxiliaryTest | undefined> {
  const n = residuals.length;
  const size = k + (k * (k + 1)) / 2;
  if (size > MOST_PRODUCTS)
    throw new ModelError(
      `White's test of ${k} columns has ${size} squares and products, more than ${MOST_PRODUCTS}`,
      {
        hint: "Breusch and Pagan's asks for the columns alone",
      },
    );
  const columns = [...Array.from({ length: size }, (_, i) => `u${i}`), "square"];
  const rows = new Float64Array(n * (size + 1));
  for (let r = 0; r < n; r++) {
    let at = r * (size + 1);
    for (let i = 0; i < k; i++) rows[at++] = values[r * k + i]!;
    for (let i = 0; i < k; i++)
      for (let j = 0; j <= i; j++) rows[at++] = n * values[r * k + i]! * values[r * k + j]!;
    rows[at] = residuals[r]! ** 2;
  }
  yield;
  const regression = { target: "square", terms: columns.slice(0, size), intercept: true };
  const { rss, tss, rank } = yield* solveSteps(Moments.fromRows(columns, rows), regression, {
    inverse: false,
  });
  return chiSquare(n * (1 - rss / tss), rank - 1);
}

/**
 * Breusch and Godfrey's test (1978) of errors that correlate up to a lag: e on the columns and the residuals of so many rows before, 0 where
 * there are none, n R² as χ²; R's `lmtest::bgtest`.
 */
export function* breuschGodfreySteps(
  { values, k, residuals, intercept }: WhitenedRows,
  lags: number,
): Steps<AuxiliaryTest | undefined> {
  const n = residuals.length;
  const width = k + lags + 1;
  const columns = [...Array.from({ length: k + lags }, (_, i) => `u${i}`), "e"];
  const rows = new Float64Array(n * width);
  for (let r = 0; r < n; r++) {
    for (let i = 0; i < k; i++) rows[r * width + i] = values[r * k + i]!;
    for (let l = 1; l <= lags; l++) rows[r * width + k + l - 1] = residuals[r - l] ?? 0;
    rows[r * width + k + lags] = residuals[r]!;
  }
  yield;
  const regression = { target: "e", terms: columns.slice(0, -1), intercept };
  const { rss } = yield* solveSteps(Moments.fromRows(columns, rows), regression, { inverse: false });
  const whole = residuals.reduce((sum, e) => sum + e * e, 0);
  return chiSquare((n * (whole - rss)) / whole, lags);
}

function chiSquare(statistic: number, df1: number): AuxiliaryTest | undefined {
  return df1 > 0 ? { statistic, df1, df2: undefined, p: chiSquareSurvival(statistic, df1) } : undefined;
}
