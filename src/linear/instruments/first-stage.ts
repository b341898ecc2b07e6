import { fSurvival } from "../../stats/distributions.js";
import { explained, type ReducedForm, reducedDf, unexplained } from "./reduced-form.js";
import { leastOf, relativeEigen } from "./relative-eigen.js";

/** An F test. */
export interface FTest {
  f: number;
  df1: number;
  df2: number;
  p: number;
}

/** How well the instruments tell one endogenous term, beyond the exogenous. */
export interface FirstStage extends FTest {
  /** The share of its squares about the exogenous terms that they explain. */
  partialR2: number;
}

/** F with its p. */
export function fTest(f: number, df1: number, df2: number): FTest {
  return { f, df1, df2, p: df2 > 0 && !Number.isNaN(f) ? fSurvival(f, df1, df2) : Number.NaN };
}

/** F of the instruments in the regression of each endogenous column on them and the exogenous: (xᵀP_Z̃x/L)/(xᵀMx/df). */
export function firstStages(form: ReducedForm): FirstStage[] {
  const { endogenous, instruments } = form;
  const df = reducedDf(form);
  return Array.from({ length: endogenous }, (_, i) => {
    const [own, rest] = [explained(form, i, i), unexplained(form, i, i)];
    return { ...fTest((own / instruments / rest) * df, instruments, df), partialR2: own / (own + rest) };
  });
}

/**
 * The F of Cragg & Donald (1993), the least eigenvalue of YᵀP_Z̃Y relative to YᵀMY/df, over L: of one endogenous term the first
 * stage's F. NaN where the instruments leave nothing of one.
 */
export function craggDonald(form: ReducedForm): number {
  const { endogenous, instruments } = form;
  const found = relativeEigen(
    (i, j) => explained(form, i, j),
    (i, j) => unexplained(form, i, j),
    endogenous,
  );
  return found === undefined ? Number.NaN : (leastOf(found) * reducedDf(form)) / instruments;
}
