import type { LinearModel } from "../linear/model/model.js";
import { atHand } from "../stats/combined-columns.js";
import { packedIndex } from "../stats/packed.js";

/**
 * How the powers of fitted values are formed that Ramsey's RESET adds to the columns, without losing the digits that ŷ²
 * and ŷ³ lose where ŷ lies far from zero. Plain data.
 *
 * With v = (ŷ − c)/s, c the mean of y and s its standard deviation, and k = c/s: modulo the columns X, of which ŷ is a
 * combination, ŷ²/s² is v² − k²·1 and ŷ³/s³ is v³ + 3k v² − 2k³·1, so that the two span what v² − k² q and v³ + k³ q
 * span, q being what X leaves of the constant 1: nothing with an intercept, and wherever X spans the constant.
 */
export interface ResetPlan {
  /** c, of what is given as ŷ: 0 where that is taken about the mean already. */
  centre: number;
  /** s. */
  spread: number;
  /** The constant's coordinates Σ w u in the whitened columns; undefined where it lies in their span. */
  constant: Float64Array | undefined;
}

/** A share of the constant that X leaves below this is rounding. */
const NOTHING_LEFT = 1e-10;

export function resetPlan(model: LinearModel): ResetPlan {
  const { moments, regression, whitening, intercept } = model;
  const y = moments.index(regression.target);
  const spread = Math.sqrt(moments.product(y, y) / moments.sumW) || 1;
  if (intercept) return { centre: 0, spread, constant: undefined };
  const { kept, lower } = whitening;
  const W = moments.sumW;
  const columns = atHand(moments, regression.terms);
  const means = kept.map((j) => columns.mean[columns.index(regression.terms[j]!)]!);
  const constant = Float64Array.from(kept, (_, i) => {
    let sum = 0;
    for (let j = 0; j <= i; j++) sum += lower[packedIndex(i, j)]! * means[j]!;
    return W * sum;
  });
  const left = 1 - constant.reduce((sum, value) => sum + value * value, 0) / W;
  return { centre: moments.mean[y]!, spread, constant: left < NOTHING_LEFT ? undefined : constant };
}
