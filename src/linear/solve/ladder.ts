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

/** Whether a column of a regression lies so far from zero that its spread is lost in double precision. */
function isFarFromZero(moments: CrossProducts, { target, terms }: Regression): boolean {
  return [target, ...terms].some((name) => {
    const i = moments.index(name);
    const square = moments.product(i, i);
    return square > 0 && moments.sumW * (moments.mean[i]! / DOUBLE_OFFSET) ** 2 > square;
  });
}

/**
 * Whether a solution from double precision moments should be computed again from double-double moments: where the
 * condition number, a nearly perfect fit, a column that looks dependent or one that lies far from zero says that
 * double is not enough.
 */
export function needsExtended(solution: Solution, moments: CrossProducts, regression: Regression): boolean {
  return (
    isFarFromZero(moments, regression) ||
    solution.aliased.length > 0 ||
    solution.conditionNumber > DOUBLE_CONDITION ||
    solution.rss < DOUBLE_UNEXPLAINED * solution.tss
  );
}

/** Multiplications that take about a millisecond in double-double arithmetic; below that it costs nothing to use. */
const FREE_PRODUCTS = 500_000;

/** Whether n rows of p columns are so few that double-double moments are computed in the first place. */
export function extendedIsFree(n: number, p: number): boolean {
  return n * p * p <= FREE_PRODUCTS;
}
