import type { NumberedLeverage } from "../solve/effects-leverage.js";

/**
 * How absorbed factors take part in predictions; plain data, and JSON. The effects of their levels stand behind the
 * coefficients of the terms' columns, factor by factor, in the order of the levels.
 */
export interface EffectsPlan {
  /** The factors, as variables of the spec, by index. */
  readonly variables: readonly number[];
  /** How many levels each has. */
  readonly sizes: readonly number[];
  /**
   * Per factor and level a label: a row's add up to 0 where the rows of the fit determine the sum of its effects.
   * Undefined where they do for all levels.
   */
  readonly connections: readonly (readonly number[])[] | undefined;
}

/** Labels of a row that add up to more than this are those of levels that nothing connects. */
export const CONNECTED = 1e-6;

/** What columns about absorbed effects are made of; plain data, so that it can go to a worker. */
export interface WithinPlan {
  /** k, the number of columns of X. */
  readonly width: number;
  /** Per factor, levels × k: what a level adds to the part of each column of X that the effects explain. */
  readonly columns: readonly Float64Array[];
  /** The effects' part of leverages, where it is asked for. */
  readonly leverage: NumberedLeverage | undefined;
}
