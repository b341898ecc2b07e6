import betainc from "@stdlib/math-base-special-betainc";
import erfc from "@stdlib/math-base-special-erfc";
import gammainc from "@stdlib/math-base-special-gammainc";
import { positiveRoot } from "./root.js";

const FAR = 1e150;

/**
 * P(|T| ≥ |t|) for Student's t with `df` > 0 degrees of freedom (∞ for the normal): the two-sided p-value.
 * The regularised incomplete beta I_x(df/2, 1/2) at x = df/(df + t²), or its complement where x is near 1, so that
 * neither tail is ever found as 1 − cdf.
 */
export function tTwoSided(t: number, df: number): number {
  if (df === Infinity) return erfc(Math.abs(t) / Math.SQRT2);
  const size = Math.abs(t);
  // Out there the tail is a power law, to all digits; t² would overflow.
  if (size > FAR) return tTwoSided(FAR, df) * (FAR / size) ** df;
  const t2 = t * t;
  return t2 < df ? betainc(t2 / (df + t2), 0.5, df / 2, true, true) : betainc(df / (df + t2), df / 2, 0.5);
}

/** P(|T| ≤ |t|). */
function tCentral(t: number, df: number): number {
  if (df === Infinity) return 1 - erfc(Math.abs(t) / Math.SQRT2);
  const t2 = t * t;
  return t2 < df ? betainc(t2 / (df + t2), 0.5, df / 2) : betainc(df / (df + t2), df / 2, 0.5, true, true);
}

/** P(T > t) for Student's t, R's `pt(t, df, lower.tail = FALSE)`; P(T ≤ t) is `tSurvival(-t, df)`. */
export function tSurvival(t: number, df: number): number {
  const tail = tTwoSided(t, df) / 2;
  return t >= 0 ? tail : 1 - tail;
}

/**
 * The t with P(|T| ≤ t) = `level`, for intervals: R's `qt((1 + level)/2, df)`. 0 < level < 1.
 */
export function tCritical(level: number, df: number): number {
  if (level === 0) return 0;
  return tCriticalOf(level, 1 - level, df);
}

/** The t with P(T ≤ t) = `p`, R's `qt(p, df)`. */
export function tQuantile(p: number, df: number): number {
  if (p === 0.5) return 0;
  return p < 0.5 ? -tCriticalOf(1 - 2 * p, 2 * p, df) : tCriticalOf(2 * p - 1, 2 * (1 - p), df);
}

/** Solves on the side that is known to more digits, in logarithms, which are nearly straight there. */
function tCriticalOf(central: number, tails: number, df: number): number {
  if (tails === 0) return Infinity;
  const f =
    central < 0.5
      ? (u: number) => Math.log(tCentral(Math.exp(u), df) / central)
      : (u: number) => Math.log(tails / tTwoSided(Math.exp(u), df));
  return positiveRoot(f);
}

/**
 * P(F > f) for Fisher's F with `d1` and `d2` degrees of freedom, R's `pf(f, d1, d2, lower.tail = FALSE)`; d2 = ∞
 * gives χ²/d1.
 */
export function fSurvival(f: number, d1: number, d2: number): number {
  if (f <= 0) return 1;
  if (f === Infinity) return 0;
  if (d2 === Infinity) return chiSquareSurvival(f * d1, d1);
  const q = d1 * f;
  return q < d2 ? betainc(q / (d2 + q), d1 / 2, d2 / 2, true, true) : betainc(d2 / (d2 + q), d2 / 2, d1 / 2);
}

/** P(F ≤ f), R's `pf(f, d1, d2)`. */
export function fCdf(f: number, d1: number, d2: number): number {
  return f <= 0 ? 0 : fSurvival(1 / f, d2, d1);
}

/** The f with P(F ≤ f) = `p`, R's `qf(p, d1, d2)`. */
export function fQuantile(p: number, d1: number, d2: number): number {
  return quantile(
    p,
    (x) => fCdf(x, d1, d2),
    (x) => fSurvival(x, d1, d2),
  );
}

/** P(X > x) for χ² with `df` degrees of freedom, R's `pchisq(x, df, lower.tail = FALSE)`. */
export function chiSquareSurvival(x: number, df: number): number {
  return x <= 0 ? 1 : gammainc(x / 2, df / 2, true, true);
}

/** P(X ≤ x) for χ², R's `pchisq(x, df)`. */
export function chiSquareCdf(x: number, df: number): number {
  return x <= 0 ? 0 : gammainc(x / 2, df / 2);
}

/** The x with P(X ≤ x) = `p`, R's `qchisq(p, df)`. */
export function chiSquareQuantile(p: number, df: number): number {
  return quantile(
    p,
    (x) => chiSquareCdf(x, df),
    (x) => chiSquareSurvival(x, df),
  );
}

/** P(Z > z) for the standard normal, R's `pnorm(z, lower.tail = FALSE)`; P(Z ≤ z) is `normalSurvival(-z)`. */
export function normalSurvival(z: number): number {
  return erfc(z / Math.SQRT2) / 2;
}

/** The z with P(Z ≤ z) = `p`, R's `qnorm(p)`. */
export function normalQuantile(p: number): number {
  return tQuantile(p, Infinity);
}

function quantile(p: number, cdf: (x: number) => number, survival: (x: number) => number): number {
  if (!(p > 0 && p < 1)) return p === 0 ? 0 : p === 1 ? Infinity : Number.NaN;
  return positiveRoot(
    p < 0.5 ? (u) => Math.log(cdf(Math.exp(u)) / p) : (u) => Math.log((1 - p) / survival(Math.exp(u))),
  );
}
