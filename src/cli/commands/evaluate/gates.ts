import type { PredictionMetrics } from "../../../stats/metrics.js";
import { significant } from "../../render/numbers.js";

/** The bounds of `goml evaluate`, as its options give them. */
export interface Bounds {
  maxRmse?: number;
  maxMse?: number;
  maxMae?: number;
  minR2?: number;
}

/** A bound that a metric must keep. */
export interface Gate {
  /** The metric, in ASCII. */
  name: string;
  value: number;
  bound: number;
  /** Whether the bound is the largest or the smallest value that passes. */
  side: "max" | "min";
  passed: boolean;
}

/** Another model's error on the same rows, and by what share of it this one may be worse. */
export interface Baseline {
  rmse: number;
  tolerance: number;
}

/** The gates that were asked for, each with what came out. */
export function gatesOf(metrics: PredictionMetrics, bounds: Bounds, baseline?: Baseline): Gate[] {
  const asked: (readonly [name: string, value: number, side: Gate["side"], bound: number | undefined])[] = [
    ["RMSE", metrics.rmse, "max", bounds.maxRmse],
    ["MSE", metrics.mse, "max", bounds.maxMse],
    ["MAE", metrics.mae, "max", bounds.maxMae],
    ["R2", metrics.r2, "min", bounds.minR2],
    ["RMSE against the baseline", metrics.rmse, "max", baseline && baseline.rmse * (1 + baseline.tolerance)],
  ];
  const gates: Gate[] = [];
  for (const [name, value, side, bound] of asked) {
    // A NaN passes no gate.
    if (bound !== undefined)
      gates.push({ name, value, bound, side, passed: side === "max" ? value <= bound : value >= bound });
  }
  return gates;
}

/** A gate's name as people read it. */
export function title({ name }: Gate): string {
  return name === "R2" ? "R²" : name;
}

/** What a gate asks for, `≤ 5`. */
export function boundText({ side, bound }: Gate): string {
  return `${side === "max" ? "≤" : "≥"} ${significant(bound)}`;
}

/** What became of the gates: a sentence where all hold; what did not, with all digits, is the error's text. */
export function verdict(gates: readonly Gate[]): string {
  const shown = gates
    .map((gate) => `${title(gate)} ${significant(gate.value)} ${boundText(gate)}`)
    .join("; ");
  return gates.length === 1 ? `the gate holds: ${shown}` : `all ${gates.length} gates hold: ${shown}`;
}

/** The gates that do not hold, as one sentence. */
export function failures(gates: readonly Gate[]): string {
  return gates
    .filter((gate) => !gate.passed)
    .map((gate) => `${title(gate)} is ${gate.value}, the gate is ${gate.bound}`)
    .join("; ");
}
