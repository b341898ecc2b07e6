import { fQuantile, normalQuantile } from "./distributions.js";

/** The probability of the i-th of n ordered values, i from 0: R's `ppoints`, (i + 1 − a)/(n + 1 − 2a), a = 3/8 up to n = 10 and ½ beyond. */
export function plottingPosition(i: number, n: number): number {
  const a = n <= 10 ? 3 / 8 : 1 / 2;
  return (i + 1 - a) / (n + 1 - 2 * a);
}

/** The line through the quartiles of values and of the normal distribution: R's `qqline`. */
export function quartileLine(quantile: (p: number) => number): { intercept: number; slope: number } {
  const [low, high] = [quantile(0.25), quantile(0.75)];
  const z = normalQuantile(0.75);
  const slope = (high - low) / (2 * z);
  return { intercept: low + slope * z, slope };
}

/**
 * Between which standard normal quantiles the i-th of n ordered normal values, i from 0, lies with a probability of
 * `level`: the ordered values' probabilities are Beta(i + 1, n − i). R: `qnorm(qbeta(c(a, 1 - a), i + 1, n - i))`.
 */
export function orderBand(i: number, n: number, level: number): [number, number] {
  // From the lower half, where a probability near 1 has not lost its digits.
  if (2 * i + 1 > n) {
    const [low, high] = orderBand(n - 1 - i, n, level);
    return [-high, -low];
  }
  const tail = (1 - level) / 2;
  const at = (p: number) => {
    const f = fQuantile(p, 2 * (i + 1), 2 * (n - i));
    const odds = ((i + 1) / (n - i)) * f;
    return normalQuantile(odds / (1 + odds));
  };
  return [at(tail), at(1 - tail)];
}
