import { chiSquareSurvival } from "../../stats/distributions.js";
import { type ReducedForm, unexplained } from "./reduced-form.js";

/** A test of the instruments beyond those that identification needs. */
export interface Overidentification {
  test: "Sargan" | "Hansen J";
  statistic: number;
  df: number;
  p: number;
}

/**
 * Sargan's (1958) test that the instruments are uncorrelated with the errors: n R² of the structural residuals on W and Z, of
 * which W explain nothing, χ² with L − m degrees of freedom; undefined where there are no more instruments than needed.
 *
 * @param slopes those of the endogenous terms
 */
export function sargan(form: ReducedForm, slopes: ArrayLike<number>): Overidentification | undefined {
  const { n, instruments, endogenous, projected } = form;
  const df = instruments - endogenous;
  if (df <= 0) return undefined;
  const weights = [...Array.from(slopes, (slope) => -slope), 1];
  let own = 0;
  for (let t = 0; t < instruments; t++)
    own += weights.reduce((sum, weight, i) => sum + weight * projected[i]![t]!, 0) ** 2;
  let rest = 0;
  weights.forEach((a, i) => {
    weights.forEach((b, j) => {
      rest += a * b * unexplained(form, i, j);
    });
  });
  const statistic = (n * own) / (own + rest);
  return { test: "Sargan", statistic, df, p: chiSquareSurvival(statistic, df) };
}
