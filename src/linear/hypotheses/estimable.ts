import { tTwoSided } from "../../stats/distributions.js";
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
  lower: number;
  upper: number;
}

/**
 * The estimate of a combination of the design's rows, its t test, and its interval of so many standard errors as
 * `criticalOf` says for its degrees of freedom.
 */
export function testedRow(
  model: LinearModel,
  contrasts: Contrasts,
  row: DesignRow,
  criticalOf: (df: number) => number,
): EstimateRow {
  const { estimate, stdError, whitened } = estimateOf(model, contrasts, row);
  const df = whitened === undefined ? model.dfInference : contrasts.degrees.of(whitened);
  const critical = criticalOf(df);
  const t = estimate / stdError;
  return {
    estimate,
    stdError,
    df,
    t,
    p: Number.isNaN(t) ? Number.NaN : tTwoSided(t, df),
    lower: estimate - critical * stdError,
    upper: estimate + critical * stdError,
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
