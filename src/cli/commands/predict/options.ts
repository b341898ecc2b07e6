import type { IntervalKind } from "../../../linear/model/interval.js";
import type { MachineName } from "../../../prediction/predict-on-machine.js";
import type { ReadingFlags } from "../../program/reading-options.js";

/** The options of `goml predict`, as commander gives them. */
export interface PredictOptions extends ReadingFlags {
  model: string;
  /** The values of one row, by column; none where they are read. */
  set: Record<string, string>;
  output?: string;
  concurrent?: number | "auto" | true;
  machine?: MachineName;
  append?: boolean;
  excelSafe?: boolean;
  interval: IntervalKind | "conformal" | "none";
  level: number;
  se?: boolean;
  terms?: boolean;
  unseen: "fail" | "na";
  json?: boolean;
  quiet?: boolean;
  trust?: boolean;
  url?: string;
  inEngine?: boolean;
  /** Seconds. */
  timeout?: number;
}

/**
 * The size of input from which threads pay. Measured on two cores, whole process, 13 features, medians (least times) of seven
 * (`goml bench --suite csv` measures it anew): two threads took 0.99 (1.07) times as long as one for 17 MB, 0.96 (1.10) for
 * 33 MB, 0.96 (0.98) for 59 MB, 0.80 (0.82) for 119 MB. More cores would pay somewhat earlier.
 */
export const AUTO_BYTES = 48e6;
