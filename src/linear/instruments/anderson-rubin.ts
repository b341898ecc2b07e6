import { fQuantile } from "../../stats/distributions.js";
import { type FTest, fTest } from "./first-stage.js";
import { explained, type ReducedForm, reducedDf, unexplained } from "./reduced-form.js";

/**
 * The slopes of one endogenous term that the test of Anderson and Rubin does not reject: an interval, all numbers, all but an
 * interval, or none.
 */
export interface AndersonRubinSet {
  shape: "bounded" | "unbounded" | "disjoint" | "empty";
  /** Its parts in order; ±∞ where one has no end. */
  parts: readonly (readonly [lower: number, upper: number])[];
}

/**
 * The F test of Anderson & Rubin (1949) that all endogenous slopes are 0: of the instruments in the regression of y on W and Z. It
 * holds however weak they are.
 */
export function andersonRubin(form: ReducedForm): FTest {
  const { endogenous: m, instruments } = form;
  const df = reducedDf(form);
  return fTest((explained(form, m, m) / instruments / unexplained(form, m, m)) * df, instruments, df);
}

/**
 * The slopes β of one endogenous column that the test of y − xβ does not reject: aβ² + bβ + c ≤ 0 with the coefficients of
 * (y − xβ)ᵀP_Z̃(y − xβ)/L ≤ F (y − xβ)ᵀM(y − xβ)/df.
 */
export function andersonRubinSet(form: ReducedForm, level: number): AndersonRubinSet {
  const df = reducedDf(form);
  const critical = fQuantile(level, form.instruments, df);
  const of = (i: number, j: number) =>
    explained(form, i, j) / form.instruments - (critical * unexplained(form, i, j)) / df;
  return quadraticSet(of(0, 0), -2 * of(0, 1), of(1, 1));
}

/** Where aβ² + bβ + c ≤ 0. */
function quadraticSet(a: number, b: number, c: number): AndersonRubinSet {
  const discriminant = b * b - 4 * a * c;
  if (discriminant < 0)
    return a > 0
      ? { shape: "empty", parts: [] }
      : { shape: "unbounded", parts: [[Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]] };
  // The root of larger size first, so that nothing cancels.
  const q = -(b + (b < 0 ? -1 : 1) * Math.sqrt(discriminant)) / 2;
  const roots = [q / a, q === 0 ? 0 : c / q];
  const [low, high] = [Math.min(...roots), Math.max(...roots)];
  if (a > 0) return { shape: "bounded", parts: [[low, high]] };
  return {
    shape: "disjoint",
    parts: [
      [Number.NEGATIVE_INFINITY, low],
      [high, Number.POSITIVE_INFINITY],
    ],
  };
}
