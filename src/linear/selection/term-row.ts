import { fSurvival } from "../../stats/distributions.js";

/** A row of a table of sums of squares; the residuals' has NaN for f and p, and what there is not is NaN. */
export interface TermRow {
  term: string;
  df: number;
  sumOfSquares: number;
  meanSquare: number;
  f: number;
  /** P(F ≥ f). */
  p: number;
  /** The degrees of freedom of F's denominator, where a term has its own. */
  dfDenominator?: number;
}

/** P(F ≥ f); NaN where there is no test. */
export function tail(f: number, df: number, dfResidual: number): number {
  return f >= 0 && dfResidual > 0 ? fSurvival(f, df, dfResidual) : Number.NaN;
}
