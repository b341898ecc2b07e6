import type { PowerSums } from "../../stats/power-sums.js";
import type { Expression } from "./spec.js";

/** What a term has to know of the data before its columns can be made. */
export interface SummaryRequest {
  /** The term, as the formula has it. */
  label: string;
  expression: Expression;
  /** Up to which power sums are wanted. */
  powers: number;
  /** Whether all values are, for quantiles. */
  values: boolean;
}

/** The answer: of all rows in which the expression has a finite value. */
export interface ColumnSummary {
  sums: PowerSums;
  /** Ascending, where they were asked for; else empty. */
  values: Float64Array;
  /** Whether it only stands for one that is asked for and not there yet. */
  unknown?: true;
}

/** R's quantile of type 7 of ascending values. */
export function quantile(values: ArrayLike<number>, p: number): number {
  const at = (values.length - 1) * p;
  // R allows for rounding of the place: 4 ulp.
  const low = Math.floor(at + 4 * Number.EPSILON);
  const high = Math.ceil(at - 4 * Number.EPSILON);
  const from = values[low]!;
  const share = at - low;
  return high > low && share > 1e-12 ? from + share * (values[high]! - from) : from;
}
