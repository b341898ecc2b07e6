import { ModelError } from "../../errors.js";
import { atHand } from "../../stats/combined-columns.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { option, wording } from "../../wording.js";
import type { Regression } from "./regression.js";
import { isConstant } from "./solution.js";

/** Below this standard deviation, and this mean, squares come near the smallest doubles and lose their digits. */
const SMALLEST_DEVIATION = 1e-152;
const SMALLEST_MEAN = 1e-140;

/**
 * Refuses rows that least squares cannot answer for, whatever its terms: with an intercept, a target that never varies,
 * which leaves nothing to explain; and numbers whose squares no double holds.
 *
 * @throws ModelError that says which
 */
export function checkEstimable(moments: CrossProducts, regression: Regression): void {
  const { target, intercept } = regression;
  checkSquares(moments, regression);
  const y = moments.index(target);
  const mean = moments.mean[y]!;
  // One row varies in nothing, and says as little of the terms.
  if (moments.n === 1) checkRank(moments, regression, 1);
  if (intercept && isConstant(moments.product(y, y), moments.sumW, mean)) {
    throw new ModelError(`the target "${target}" is constant: all ${moments.n} values are ${mean}`, {
      hint: wording`name another column with ${option("target")}`,
    });
  }
}

/**
 * Refuses a fit by least squares whose rows determine as many coefficients as there are rows, and not all that are asked
 * for: any target would be fitted exactly. Fewer rows than coefficients are enough where these depend on each other, so
 * that some are left out.
 *
 * @param rank how many coefficients were estimated
 * @throws ModelError with both numbers
 */
export function checkRank({ n }: CrossProducts, { terms, intercept }: Regression, rank: number): void {
  const coefficients = terms.length + (intercept ? 1 : 0);
  if (n >= coefficients || rank < n) return;
  const rows = n === 1 ? "1 complete row" : `${n} complete rows`;
  throw new ModelError(`${rows} cannot determine ${coefficients} coefficients`, {
    hint: wording`add rows, or name fewer columns with ${option("features")}`,
  });
}

/**
 * Refuses numbers beyond about 1e±150: their squares overflow or vanish, and they would come out as constant or
 * dependent, which they are not.
 *
 * @throws ModelError that names the column
 */
export function checkSquares(given: CrossProducts, { target, terms, instruments }: Regression): void {
  const moments = atHand(given, [...terms, ...(instruments?.excluded ?? []), target]);
  const { sumW } = moments;
  for (const name of [target, ...terms, ...(instruments?.excluded ?? [])]) {
    const at = moments.index(name);
    if (at < 0) continue;
    const mean = moments.mean[at]!;
    const square = moments.product(at, at);
    const small =
      Math.abs(mean) < SMALLEST_MEAN && (mean !== 0 || square > 0) && square < sumW * SMALLEST_DEVIATION ** 2;
    if (!small && [square, mean, sumW].every(Number.isFinite)) continue;
    const weights = sumW === moments.n ? "" : ", or the weights";
    throw new ModelError(
      `the numbers of "${name}" are too ${small ? "small" : "large"}: their squares are no doubles any more`,
      { hint: wording`scale it, I(x ${small ? "*" : "/"} 1e100) in a ${option("formula")}${weights}` },
    );
  }
}
