import { atHand } from "../../stats/combined-columns.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import type { Regression } from "./regression.js";
import type { Solution } from "./solution.js";

/** How θ is found: `auto` is the accuracy ladder, `gd` gradient descent. */
export type SolverChoice = "auto" | "normal" | "extended" | "qr" | "gd";

/**
 * Above this condition number, double precision moments leave fewer than about ten correct digits in θ: the normal
 * equation loses log10 κ² of the sixteen.
 */
const DOUBLE_CONDITION = 1e3;

/** Below this share of unexplained variation, RSS = TSS − explained has lost more than six digits. */
const DOUBLE_UNEXPLAINED = 1e-6;

/**
 * Above this ratio of a column's mean to its standard deviation, merging means in double costs cross-products more
 * than about five digits.
 */
const DOUBLE_OFFSET = 1e5;

/** Whether a column lies so far from zero that its spread Σ w (x − x̄)² is lost in double precision. */
export function isFar(sumW: number, mean: number, square: number): boolean {
  return square > 0 && sumW * (mean / DOUBLE_OFFSET) ** 2 > square;
}

/** Whether the figures of a solution from moments in double say that double is not enough. */
export function isDoubtful({
  conditionNumber,
  rss,
  tss,
}: Pick<Solution, "conditionNumber" | "rss" | "tss">): boolean {
  return conditionNumber > DOUBLE_CONDITION || rss < DOUBLE_UNEXPLAINED * tss;
}

/**
 * Whether a solution from double precision moments should be computed again from double-double moments: where the
 * condition number, a nearly perfect fit, a column that looks dependent or one that lies far from zero says that
 * double is not enough.
 */
export function needsExtended(solution: Solution, given: CrossProducts, regression: Regression): boolean {
  const { excluded = [] } = regression.instruments ?? {};
  const moments = atHand(given, [...regression.terms, ...excluded, regression.target]);
  const far = [regression.target, ...regression.terms, ...excluded].some((name) => {
    const i = moments.index(name);
    return isFar(moments.sumW, moments.mean[i]!, moments.product(i, i));
  });
  return (
    far || solution.aliased.length > 0 || isDoubtful(solution) || solution.instrumented?.doubtful === true
  );
}

/** Multiplications that take about a millisecond in double-double arithmetic; below that it costs nothing to use. */
const FREE_PRODUCTS = 500_000;

/** Whether n rows of p columns are so few that double-double moments are computed in the first place. */
export function extendedIsFree(n: number, p: number): boolean {
  return n * p * p <= FREE_PRODUCTS;
}
