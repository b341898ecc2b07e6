import { normalSurvival } from "./distributions.js";
import { positiveRoot } from "./root.js";

/** Steps of the trapezoidal rule, whose error for analytic functions falls as exp(−c/step): far below rounding here. */
const NORMAL_STEP = 0.2;
const LOG_STEP = 0.125;
/** A density below e^−90 of its peak adds nothing. */
const NEGLIGIBLE = -90;

/**
 * P(Q > q) for the studentized range of k ≥ 2 means on `df` degrees of freedom (∞: known variance), R's
 * `ptukey(q, k, df, lower.tail = FALSE)`: the mean over s = √(χ²/df) of P(range > q s),
 * P(range > w) = k ∫ φ(z) (Φ(z)^(k−1) − (Φ(z) − Φ(z − w))^(k−1)) dz. Nothing is found as 1 − cdf, so that small tails keep
 * their digits. Source: Tukey 1953; Copenhaver & Holland 1988, with trapezoidal sums in z and in ln s (Trefethen &
 * Weideman 2014).
 */
export function studentizedRangeSurvival(q: number, k: number, df: number): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q <= 0) return 1;
  if (df === Infinity) return rangeSurvival(q, k);
  const step = Math.min(LOG_STEP, 0.5 / Math.sqrt(2 * df));
  // ln of the density of u = ln s, 0 at its peak u = 0.
  const density = (u: number) => df * (u - Math.expm1(2 * u) / 2);
  let [sum, total] = [0, 0];
  const add = (u: number): boolean => {
    const log = density(u);
    if (log < NEGLIGIBLE) return false;
    const weight = Math.exp(log);
    total += weight;
    sum += weight * rangeSurvival(q * Math.exp(u), k);
    return true;
  };
  for (let i = 0; add(i * step); i++);
  for (let i = -1; add(i * step); i--);
  return Math.min(1, sum / total);
}

/** The q with P(Q > q) = 1 − `p`, R's `qtukey(p, k, df)`. */
export function studentizedRangeQuantile(p: number, k: number, df: number): number {
  return positiveRoot((u) => Math.log((1 - p) / studentizedRangeSurvival(Math.exp(u), k, df)));
}

/** P(range of k standard normal values > w). */
function rangeSurvival(w: number, k: number): number {
  let sum = 0;
  // Beyond 9 deviations Φ(z − w) φ(z) is below rounding of what it has at its peak, at z = w/2 or, for small w, about 0.
  const from = Math.min(-9, w / 2 - 9);
  const to = Math.max(9, w / 2 + 9);
  for (let z = from; z <= to; z += NORMAL_STEP) {
    const above = normalSurvival(w - z);
    const own = normalSurvival(-z);
    if (own === 0) continue;
    const ratio = above / own;
    const share = ratio >= 1 ? 1 : -Math.expm1((k - 1) * Math.log1p(-ratio));
    sum += Math.exp((-z * z) / 2) * own ** (k - 1) * share;
  }
  return Math.min(1, (k * sum * NORMAL_STEP) / Math.sqrt(2 * Math.PI));
}
