import { ModelError } from "../errors.js";
import type { ExtendedMoments } from "../stats/extended-moments.js";
import type { Moments } from "../stats/moments.js";
import { packedIndex } from "../stats/packed.js";
import { isConstant } from "./solution.js";
import type { Regression } from "./solve.js";

/**
 * Refuses rows that least squares cannot answer for: fewer of them than coefficients, or, with an intercept, a
 * target that never varies, which leaves nothing to explain.
 *
 * @throws ModelError that says which
 */
export function checkEstimable(moments: Moments | ExtendedMoments, regression: Regression): void {
  const { target, terms, intercept } = regression;
  const coefficients = terms.length + (intercept ? 1 : 0);
  if (moments.n < coefficients) {
    const rows = moments.n === 1 ? "1 complete row" : `${moments.n} complete rows`;
    throw new ModelError(`${rows} cannot determine ${coefficients} coefficients`, {
      hint: "add rows, or name fewer columns with --features",
    });
  }
  const y = moments.columns.indexOf(target);
  const mean = moments.mean[y]!;
  if (intercept && isConstant(moments.c[packedIndex(y, y)]!, moments.sumW, mean)) {
    throw new ModelError(`the target "${target}" is constant: all ${moments.n} values are ${mean}`, {
      hint: "name another column with --target",
    });
  }
}
