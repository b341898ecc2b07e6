import { tTwoSided } from "../../stats/distributions.js";
import { bootstrapTest, wildOf } from "../covariance/bootstrap.js";
import type { LinearModel } from "../model/model.js";
import { TOLERANCE } from "../model/row-space.js";
import type { Contrasts } from "./contrast.js";
import type { DesignRow } from "./reference-grid.js";

/** An estimate with its test that it is 0; NaN where the rows of the fit do not determine it. */
export interface EstimateRow {
  estimate: number;
  stdError: number;
  df: number;
  t: number;
  p: number;
  /** Of a wild bootstrap, where no draw exceeds t and p is 0: what it is below. */
  pBelow?: number;
  lower: number;
  upper: number;
}

/**
 * The estimate of a combination of the design's rows, its t test, and its interval of so many standard errors as
 * `criticalOf` says for its degrees of freedom.
 *
 * @param drawn the level of the interval, where p and it are to be those of the draws of a wild bootstrap that the model
 * keeps
 */
export function testedRow(
  model: LinearModel,
  contrasts: Contrasts,
  row: DesignRow,
  criticalOf: (df: number) => number,
  drawn?: number,
): EstimateRow {
  const { estimate, stdError, whitened } = estimateOf(model, contrasts, row);
  const df = whitened === undefined ? model.dfInference : contrasts.degrees.of(whitened);
  const critical = criticalOf(df);
  const t = estimate / stdError;
  const { vcov } = model;
  const wild = drawn === undefined || whitened === undefined ? undefined : wildOf(vcov);
  return {
    estimate,
    stdError,
    df,
    t,
    p: Number.isNaN(t) ? Number.NaN : tTwoSided(t, df),
    lower: estimate - critical * stdError,
    upper: estimate + critical * stdError,
    ...(wild === undefined || vcov.type === "iid"
      ? {}
      : bootstrapTest(vcov, wild.contrast(whitened!), { estimate, value: 0, stdError, level: drawn! })),
  };
}

/** The estimate of a combination of the design's rows, NaN where the rows of the fit do not determine it. */
function estimateOf(
  model: LinearModel,
  contrasts: Contrasts,
  row: DesignRow,
): { estimate: number; stdError: number; whitened?: Float64Array } {
  const first = model.intercept ? 0 : 1;
  const space = model.rowSpace;
  const size = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const outside =
    space?.zero.some(({ at }) => Math.abs(row[at]!) > TOLERANCE * size) ||
    space?.relations.some(({ at, values, spread }) => {
      const off = at.reduce((sum, place, i) => sum + values[i]! * row[place]!, 0);
      return Math.abs(off) > TOLERANCE * spread;
    });
  if (outside) return { estimate: Number.NaN, stdError: Number.NaN };
  const weights = new Map<number, number>();
  for (let j = first; j < row.length; j++)
    if (row[j] !== 0 && !Number.isNaN(model.coefficients[j - first]!)) weights.set(j - first, row[j]!);
  return contrasts.of(weights);
}
