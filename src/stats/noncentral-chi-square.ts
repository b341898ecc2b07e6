import { chiSquareSurvival } from "./distributions.js";
import { positiveRoot } from "./root.js";

/** Terms that are below this share of the sum so far end it. */
const NEGLIGIBLE = 1e-17;

/**
 * P(X > x) for χ² with `df` degrees of freedom and noncentrality λ, R's `pchisq(x, df, ncp, lower.tail = FALSE)`: the mixture
 * Σ_j Poisson(j; λ/2) P(χ²_{df + 2j} > x), summed from its largest weight outwards (Johnson, Kotz & Balakrishnan 1995, 29.3).
 */
export function noncentralChiSquareSurvival(x: number, df: number, lambda: number): number {
  const half = lambda / 2;
  if (half === 0) return chiSquareSurvival(x, df);
  const mode = Math.floor(half);
  let logWeight = -half;
  for (let j = 1; j <= mode; j++) logWeight += Math.log(half / j);
  const start = Math.exp(logWeight);
  let sum = 0;
  let weight = start;
  for (let j = mode; j >= 0 && weight > NEGLIGIBLE; j--) {
    sum += weight * chiSquareSurvival(x, df + 2 * j);
    weight *= j / half;
  }
  weight = start;
  for (let j = mode + 1; ; j++) {
    weight *= half / j;
    if (weight <= NEGLIGIBLE) return Math.min(1, sum);
    sum += weight * chiSquareSurvival(x, df + 2 * j);
  }
}

/** The x with P(X > x) = `tail`, R's `qchisq(tail, df, ncp, lower.tail = FALSE)`. */
export function noncentralChiSquareCritical(tail: number, df: number, lambda: number): number {
  return positiveRoot((u) => Math.log(tail / noncentralChiSquareSurvival(Math.exp(u), df, lambda)));
}
