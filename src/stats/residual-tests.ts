import { chiSquareSurvival } from "./distributions.js";
import { ended } from "./pauses.js";
import { quantilesSteps } from "./quantile.js";

/** The quantiles of residuals that are reported. */
export interface ResidualQuantiles {
  min: number;
  p05: number;
  q1: number;
  median: number;
  q3: number;
  p95: number;
  max: number;
}

/** Where residuals lie; they stay as they are. */
export function residualQuantiles(values: Float64Array): ResidualQuantiles {
  return ended(residualQuantilesSteps(values));
}

/** `residualQuantiles` with pauses. */
export function* residualQuantilesSteps(values: Float64Array): Generator<undefined, ResidualQuantiles, void> {
  const at = yield* quantilesSteps(values);
  return {
    min: at(0),
    p05: at(0.05),
    q1: at(0.25),
    median: at(0.5),
    q3: at(0.75),
    p95: at(0.95),
    max: at(1),
  };
}

/**
 * Durbin and Watson's statistic Σ (e_t − e_{t−1})² / Σ e_t², about 2(1 − r) with r the correlation of neighbours, and
 * that correlation Σ e_t e_{t−1} / Σ e_t².
 */
export function durbinWatson(e: Float64Array): { statistic: number; autocorrelation: number } {
  let squares = 0;
  let steps = 0;
  let products = 0;
  for (let t = 0; t < e.length; t++) {
    squares += e[t]! * e[t]!;
    if (t === 0) continue;
    steps += (e[t]! - e[t - 1]!) ** 2;
    products += e[t]! * e[t - 1]!;
  }
  return { statistic: steps / squares, autocorrelation: products / squares };
}

/** Jarque and Bera's test of normality. */
export interface JarqueBera {
  /** n/6 (S² + (K − 3)²/4). */
  statistic: number;
  /** P(χ²₂ ≥ statistic). */
  p: number;
  skewness: number;
  kurtosis: number;
}

/** Jarque and Bera's test of residuals, by their central moments. */
export function jarqueBera(e: Float64Array): JarqueBera {
  const n = e.length;
  let mean = 0;
  for (let t = 0; t < n; t++) mean += (e[t]! - mean) / (t + 1);
  let [second, third, fourth] = [0, 0, 0];
  for (let t = 0; t < n; t++) {
    const d = e[t]! - mean;
    second += d * d;
    third += d * d * d;
    fourth += d * d * d * d;
  }
  const skewness = third / n / (second / n) ** 1.5;
  const kurtosis = fourth / n / (second / n) ** 2;
  const statistic = (n / 6) * (skewness ** 2 + (kurtosis - 3) ** 2 / 4);
  return { statistic, p: chiSquareSurvival(statistic, 2), skewness, kurtosis };
}
