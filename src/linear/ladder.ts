import type { Solution } from "./solution.js";

/** What `--solver` takes: `auto` is the accuracy ladder, `gd` gradient descent. */
export type SolverChoice = "auto" | "normal" | "extended" | "qr" | "gd";

/**
 * Above this condition number, double precision moments leave fewer than about ten correct digits in θ: the normal
 * equation loses log10 κ² of the sixteen.
 */
const DOUBLE_CONDITION = 1e3;

/** Below this share of unexplained variation, RSS = TSS − explained has lost more than six digits. */
const DOUBLE_UNEXPLAINED = 1e-6;

/**
 * Whether a solution from double precision moments should be computed again from double-double moments: where the
 * condition number, a nearly perfect fit, or a column that looks dependent says that double is not enough.
 */
export function needsExtended(solution: Solution): boolean {
  return (
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
