import type { CodedTerm } from "../../dataset/formula/coding.js";
import type { UnseenLevel } from "../../dataset/formula/design.js";
import type { RawBlock } from "../../dataset/formula/raw-block.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { BlockPredictor, type PredictorPlan } from "./block-predictor.js";
import type { RefusedGroup } from "./document-schema.js";
import { type GroupIntervals, ListedBounds, listedIntervalPlan, type RowBounds } from "./group-intervals.js";
import { IntervalBlock, type IntervalPlan } from "./interval.js";
import type { OutsideRow } from "./row-space.js";
import { WithinBlock } from "./within-block.js";

/** What predicting by group needs; plain data, so that it can go to a worker. */
export interface GroupPredictorPlan {
  /** The raw columns of every group's model; blocks name each row's group too. */
  spec: ModelSpec;
  groupBy: string;
  groups: readonly { name: string; plan: PredictorPlan }[];
  /** The groups whose coefficients stand side by side. */
  fits?: FitsPlan | undefined;
  /** Groups that could not be fitted, and why. */
  refused: Readonly<Record<string, string>>;
  /** Where standard errors and intervals are wanted: those of the groups. */
  intervals?: GroupIntervals | undefined;
  /** Whether the target's values are to be had too. */
  target: boolean;
}

/** The plan of models by group, all of the same specification. */
export function groupPlan({
  groupBy,
  groups,
  fits,
  spec,
  refused,
  target,
}: {
  readonly groupBy: string;
  readonly groups: readonly { name: string; plan: PredictorPlan }[];
  readonly fits?: FitsPlan | undefined;
  /** As a predictor's plan has it. */
  readonly spec: ModelSpec;
  readonly refused: readonly RefusedGroup[];
  readonly target: boolean;
}): GroupPredictorPlan {
  const reasons = Object.fromEntries(refused.map(({ group, reason }) => [group, reason]));
  return { spec, groupBy, groups, fits, refused: reasons, target };
}

/** Coefficients of groups side by side, for the same terms in all of them. */
export interface FitsPlan {
  names: readonly string[];
  terms: readonly CodedTerm[];
  /** Per group β₀, then one coefficient per column of the terms. */
  weights: Float64Array;
}

/** The plan of coefficients side by side, q a group. */
export function fitsPlan({
  names,
  spec,
  terms,
  coefficients,
}: {
  readonly names: readonly string[];
  readonly spec: ModelSpec;
  readonly terms: readonly CodedTerm[];
  readonly coefficients: Float64Array;
}): FitsPlan {
  if (spec.intercept) return { names, terms, weights: coefficients };
  const width = coefficients.length / names.length;
  const weights = new Float64Array(names.length * (width + 1));
  for (let g = 0; g < names.length; g++)
    weights.set(coefficients.subarray(g * width, (g + 1) * width), g * (width + 1) + 1);
  return { names, terms, weights };
}

/** A plan of one model, or of one for each group. */
export type AnyPredictorPlan = PredictorPlan | GroupPredictorPlan;

/** The predictor of a plan. */
export function rowPredictor(plan: AnyPredictorPlan): BlockPredictor | GroupPredictor {
  return "groups" in plan ? new GroupPredictor(plan) : new BlockPredictor(plan);
}

/**
 * What is done with a group's rows beside predicting them, in place of intervals: `column` gives the columns of X, one row
 * after the other.
 */
export type EachGroup = (
  plan: IntervalPlan,
  rows: readonly number[],
  column: (j: number) => Float64Array,
) => void;

/**
 * Predicts each row of a block by the model of its group, with the bits of that model alone. A group that has no
 * model is an unseen level, and its rows' predictions are NaN, as are those of rows without a group.
 */
export class GroupPredictor {
  readonly predictions = new Float64Array(BLOCK_ROWS);
  target: Float64Array | undefined;
  /** The rows' offset, as far as there are predictions. */
  readonly offset = new Float64Array(BLOCK_ROWS);
  readonly unseen: UnseenLevel[] = [];
  readonly outside: OutsideRow[] = [];
  readonly #plan: GroupPredictorPlan;
  readonly #plans: ReadonlyMap<string, PredictorPlan>;
  readonly #predictors = new Map<string, BlockPredictor>();
  readonly #within = new Map<string, WithinBlock>();
  /** The rows of each code in the block. */
  readonly #rows = new Map<number, number[]>();
  /** The groups side by side by name, and what makes the columns of their terms. */
  readonly #listed: ReadonlyMap<string, number>;
  readonly #columns: BlockPredictor | undefined;
  #values: Float64Array[] = [];
  /** By code of a group in the blocks: its number side by side + 1, −1 where it is not there, 0 before that is known. */
  #numbers = new Int32Array(256);
  /** What these codes stand for: another list is another numbering. */
  #codeNames: readonly string[] | undefined;
  /** Where intervals are wanted: the rows' standard errors and bounds, and what makes those of a group. */
  readonly stdError: Float64Array | undefined;
  readonly lower: Float64Array | undefined;
  readonly upper: Float64Array | undefined;
  #intervals: IntervalBlock | undefined;
  readonly #chosen: Float64Array[] = [];
  /** The rows of each group side by side in the block. */
  readonly #listedRows = new Map<number, number[]>();
  readonly #gathered: { numeric: Float64Array[]; codes: Int32Array[] };

  readonly #each: EachGroup | undefined;
  /** Where intervals are wanted of groups side by side: they go row by row, for most have one row in a block. */
  readonly #bounds: ListedBounds | undefined;

  /** @param each called in place of making the intervals that the plan has */
  constructor(plan: GroupPredictorPlan, each?: EachGroup) {
    this.#plan = plan;
    this.#each = each;
    this.#plans = new Map(plan.groups.map(({ name, plan: own }) => [name, own]));
    const { fits, spec, target } = plan;
    this.#listed = new Map(fits?.names.map((name, g) => [name, g]));
    if (fits !== undefined) {
      const width = fits.weights.length / fits.names.length;
      const weights = new Float64Array(width);
      this.#columns = new BlockPredictor({ spec, terms: fits.terms, levels: {}, weights, target });
    }
    if (plan.target) this.target = new Float64Array(BLOCK_ROWS);
    if (plan.intervals !== undefined) {
      this.stdError = new Float64Array(BLOCK_ROWS);
      this.lower = new Float64Array(BLOCK_ROWS);
      this.upper = new Float64Array(BLOCK_ROWS);
      if (each === undefined && plan.intervals.fits !== undefined)
        this.#bounds = new ListedBounds(plan.intervals, this as RowBounds);
    }
    this.#gathered = {
      numeric: plan.spec.numeric.map(() => new Float64Array(BLOCK_ROWS)),
      codes: plan.spec.text.map(() => new Int32Array(BLOCK_ROWS)),
    };
  }

  /** Fills `predictions` and `target` for rows `start` to `start + rows` − 1 of a raw block. */
  predict(raw: RawBlock, start: number, rows: number): void {
    const { codes, names } = raw.group!;
    if (names !== this.#codeNames) {
      this.#numbers.fill(0);
      this.#codeNames = names;
    }
    this.unseen.length = 0;
    this.outside.length = 0;
    this.#rows.clear();
    this.predictions.fill(Number.NaN, 0, rows);
    this.target?.fill(Number.NaN, 0, rows);
    for (const list of [this.stdError, this.lower, this.upper]) list?.fill(Number.NaN, 0, rows);
    this.#listedRows.clear();
    const weights = this.#predictListed(raw, start, rows);
    for (let r = 0; r < rows; r++) {
      const code = codes[start + r]!;
      if (code < 0) continue;
      const number = this.#numberOf(code, names);
      if (number >= 0) {
        this.#add(r, weights!, number);
        if (this.#bounds !== undefined) this.#bounds.fill(r, number, this.predictions[r]!, this.#values);
        else if (this.#plan.intervals !== undefined) {
          const own = this.#listedRows.get(code);
          if (own === undefined) this.#listedRows.set(code, [r]);
          else own.push(r);
        }
        continue;
      }
      const own = this.#rows.get(code);
      if (own === undefined) this.#rows.set(code, [r]);
      else own.push(r);
    }
    for (const [code, own] of this.#rows) {
      const predictor = this.#predictorOf(names[code]!);
      if (predictor === undefined) {
        const level = names[code]!;
        const why = this.#plan.refused[level];
        for (const r of own)
          if (this.#isComplete(raw, start + r))
            this.unseen.push({ factor: this.#plan.groupBy, level, row: start + r, why });
        continue;
      }
      predictor.predict(this.#gather(raw, start, own), 0, own.length);
      for (let i = 0; i < own.length; i++) {
        this.predictions[own[i]!] = predictor.predictions[i]!;
        this.offset[own[i]!] = predictor.offset?.[i] ?? 0;
        if (this.target !== undefined) this.target[own[i]!] = predictor.target![i]!;
      }
      if (this.#plan.intervals !== undefined) {
        const within = this.#withinOf(names[code]!, predictor);
        within.fill(own.length);
        this.#boundsOf(names[code]!, own, (j) => within.column(j), within.leverage);
      }
      for (const { row, ...level } of predictor.unseen)
        this.unseen.push({ ...level, row: start + own[row]! });
      for (const { row, term } of predictor.outside) this.outside.push({ row: own[row]!, term });
    }
    for (const [code, own] of this.#listedRows)
      this.#boundsOf(names[code]!, own, (j) => this.#gatheredColumn(j, own));
    this.unseen.sort((a, b) => a.row - b.row);
  }

  /** Makes the columns of the block's rows for the groups side by side, whose coefficients it gives. */
  #predictListed(raw: RawBlock, start: number, rows: number): Float64Array | undefined {
    const columns = this.#columns;
    const weights = this.#plan.fits?.weights;
    if (columns === undefined || weights === undefined) return undefined;
    columns.predict(raw, start, rows);
    this.#values = Array.from({ length: weights.length / this.#listed.size - 1 }, (_, j) =>
      columns.column(j),
    );
    return weights;
  }

  /** Row r's prediction: its group's terms in order, as `BlockPredictor` adds them. */
  #add(r: number, weights: Float64Array, group: number): void {
    const values = this.#values;
    const from = group * (values.length + 1);
    let sum = weights[from]!;
    for (let j = 0; j < values.length; j++) sum += values[j]![r]! * weights[from + j + 1]!;
    this.offset[r] = this.#columns!.offset?.[r] ?? 0;
    this.predictions[r] = sum + this.offset[r]!;
    if (this.target !== undefined) this.target[r] = this.#columns!.target![r]!;
  }

  /** The number of a code's group among those side by side, −1 where it is not there. */
  #numberOf(code: number, names: readonly string[]): number {
    if (code >= this.#numbers.length) {
      const numbers = new Int32Array(2 * names.length);
      numbers.set(this.#numbers);
      this.#numbers = numbers;
    }
    if (this.#numbers[code] === 0) {
      const found = this.#listed.get(names[code]!);
      this.#numbers[code] = found === undefined ? -1 : found + 1;
    }
    const number = this.#numbers[code]!;
    return number < 0 ? -1 : number - 1;
  }

  /** The intervals of a group's rows, of which `column` gives the columns of X, one row after the other. */
  #boundsOf(
    name: string,
    rows: readonly number[],
    column: (j: number) => Float64Array,
    leverage?: Float64Array,
  ): void {
    const { intervals } = this.#plan;
    if (intervals === undefined) return;
    const listed = this.#listed.get(name);
    const plan = listed === undefined ? intervals.others.get(name) : listedIntervalPlan(intervals, listed);
    if (plan === undefined) return;
    if (this.#each !== undefined) {
      this.#each(plan, rows, column);
      return;
    }
    if (this.#intervals === undefined) this.#intervals = new IntervalBlock(plan);
    else this.#intervals.use(plan);
    const block = this.#intervals;
    const predictions = Float64Array.from(rows, (r) => this.predictions[r]!);
    block.fill(predictions, column, rows.length, leverage);
    for (const [i, r] of rows.entries()) {
      this.stdError![r] = block.stdError[i]!;
      this.lower![r] = block.lower[i]!;
      this.upper![r] = block.upper[i]!;
    }
  }

  /** Column j of X for some of the block's rows, one after the other. */
  #gatheredColumn(j: number, rows: readonly number[]): Float64Array {
    this.#chosen[j] ??= new Float64Array(BLOCK_ROWS);
    const values = this.#values[j]!;
    for (const [i, r] of rows.entries()) this.#chosen[j]![i] = values[r]!;
    return this.#chosen[j]!;
  }

  /** Whether a row has all cells that a prediction needs. */
  #isComplete(raw: RawBlock, at: number): boolean {
    const first = this.#plan.target && "column" in this.#plan.spec.target.expression ? 1 : 0;
    return (
      raw.codes.every((codes) => codes[at]! >= 0) &&
      raw.numeric.slice(first).every((column) => !Number.isNaN(column[at]!))
    );
  }

  /** A group's rows, one after the other. */
  #gather(raw: RawBlock, start: number, rows: readonly number[]): RawBlock {
    const { numeric, codes } = this.#gathered;
    numeric.forEach((to, j) => {
      const from = raw.numeric[j]!;
      for (let i = 0; i < rows.length; i++) to[i] = from[start + rows[i]!]!;
    });
    codes.forEach((to, j) => {
      const from = raw.codes[j]!;
      for (let i = 0; i < rows.length; i++) to[i] = from[start + rows[i]!]!;
    });
    return { numeric, codes, levels: raw.levels };
  }

  /** The columns of a group's rows about its absorbed effects, where it has any. */
  #withinOf(name: string, predictor: BlockPredictor): WithinBlock {
    let within = this.#within.get(name);
    if (within === undefined) {
      within = new WithinBlock(this.#plan.intervals!.others.get(name)?.within, predictor);
      this.#within.set(name, within);
    }
    return within;
  }

  #predictorOf(name: string): BlockPredictor | undefined {
    const known = this.#predictors.get(name);
    if (known !== undefined) return known;
    const plan = this.#plans.get(name);
    if (plan === undefined) return undefined;
    const made = new BlockPredictor(plan);
    this.#predictors.set(name, made);
    return made;
  }
}
