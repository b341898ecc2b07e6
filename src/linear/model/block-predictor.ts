import type { CodedTerm, FactorLevels } from "../../dataset/formula/coding.js";
import { Design, type UnseenLevel } from "../../dataset/formula/design.js";
import { plainKeys } from "../../dataset/formula/plain.js";
import type { RawBlock } from "../../dataset/formula/raw-block.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { RowPredictions } from "../../kernels/row-predictions.js";
import type { BlockView } from "../../scan/block-view.js";
import { CONNECTED, type EffectsPlan } from "./effect-tables.js";
import { type CombinedColumns, type OutsideRow, RowSpace, type RowSpacePlan } from "./row-space.js";

/** What predicting from raw columns needs; plain data, so that it can go to a worker. */
export interface PredictorPlan {
  /** `spec.numeric` and `spec.text` are the raw columns, in order; the target's come first where it is asked for. */
  spec: ModelSpec;
  terms: readonly CodedTerm[];
  levels: FactorLevels;
  /** β₀, then one coefficient per column of the terms; 0 for the aliased. Then absorbed effects. */
  weights: Float64Array;
  /** How absorbed factors take part: the effects of their levels stand behind the coefficients. */
  effects?: EffectsPlan | undefined;
  /** Whether the target's values are to be had too. */
  target: boolean;
  /** Where columns are aliased: which rows have a prediction in spite of that. */
  rowSpace?: RowSpacePlan | undefined;
}

/**
 * Predicts from raw columns, a block of up to 128 rows at a time. Each row adds its terms in order, which gives the
 * bits of `predictRows` on the design matrix.
 */
export class BlockPredictor implements CombinedColumns {
  /**
   * ŷ of the block's rows; NaN where a cell is missing, a level was not in the training data, or the row lies outside
   * what these determine.
   */
  readonly predictions = new Float64Array(BLOCK_ROWS);
  /** y of the block's rows on the scale of the model's target, if asked for; NaN where missing. */
  target: Float64Array | undefined;
  /** The block's complete rows that lie outside the row space of the fit. */
  outside: readonly OutsideRow[] = [];
  readonly #plan: PredictorPlan;
  readonly #design: Design | undefined;
  readonly #rowSpace: RowSpace | undefined;
  #raw: RawBlock = { numeric: [], codes: [], levels: [] };
  #start = 0;

  constructor(plan: PredictorPlan) {
    this.#plan = plan;
    const { spec, terms, levels, target } = plan;
    const plain =
      plan.effects !== undefined
        ? false
        : target
          ? plainKeys(spec) !== undefined
          : isPlainWithoutTarget(spec, terms);
    this.#design = plain ? undefined : new Design(spec, terms, levels, { target });
    this.#rowSpace = plan.rowSpace && new RowSpace(plan.rowSpace, plan.weights.length - 1);
  }

  /**
   * What predicts rows in the kernels, of a view of which nothing else is asked: where predictions are sums of numbers as they stand
   * in its blocks, of rows without weights.
   *
   * @param push takes predictions as lines of CSV
   */
  sinkOf(view: BlockView, push?: (text: Uint8Array) => void): RowPredictions | undefined {
    const { kernels, layout, weighted, numbers } = view;
    const { weights, target } = this.#plan;
    if (this.#design !== undefined || this.#rowSpace !== undefined) return undefined;
    if (weighted || (layout.where ?? layout.lagged) !== undefined) return undefined;
    if (numbers !== weights.length - (target ? 0 : 1)) return undefined;
    return new RowPredictions(kernels, { weights, target, push });
  }

  /** The levels of the block's rows that the training data did not have. */
  get unseen(): readonly UnseenLevel[] {
    return this.#design?.unseen ?? [];
  }

  /** The levels of an absorbed factor in the block's rows, by number; −1 for one that is not known. */
  codes(factor: number): Int32Array {
    return this.#design!.codes(this.#plan.effects!.variables[factor]!);
  }

  /** Column j of X for the block's rows; the next block overwrites it. */
  column(j: number): Float64Array {
    if (this.#design !== undefined) return this.#design.values.subarray(j * BLOCK_ROWS, (j + 1) * BLOCK_ROWS);
    return this.#raw.numeric[j + (this.#plan.target ? 1 : 0)]!.subarray(this.#start);
  }

  /** Fills `predictions` and `target` for rows `start` to `start + rows` − 1 of a raw block. */
  predict(raw: RawBlock, start: number, rows: number): void {
    const { weights, target } = this.#plan;
    const out = this.predictions;
    this.#raw = raw;
    this.#start = start;
    this.#design?.fill(raw, start, rows);
    this.predictBy(weights, out, rows);
    this.#disconnect(out, rows);
    if (target) this.target = this.#design?.target ?? raw.numeric[0]!.subarray(start, start + rows);
    if (this.#rowSpace === undefined) return;
    this.outside = this.#rowSpace.outside(this, rows).filter(({ row }) => !Number.isNaN(out[row]!));
    for (const { row } of this.outside) out[row] = Number.NaN;
  }

  /** The offset of the rows that were filled in last, where the model has one. */
  get offset(): Float64Array | undefined {
    return this.#design?.offset;
  }

  /** Writes what other coefficients predict for the rows that were filled in last: w₀ + Σ_j w_j x_j and their offset. */
  predictBy(weights: Float64Array, out: Float64Array, rows: number): void {
    this.combine(weights, out, rows);
    const { offset } = this;
    if (offset !== undefined) for (let r = 0; r < rows; r++) out[r]! += offset[r]!;
  }

  /** Writes w₀ + Σ_j w_j x_j for the rows that were filled in last, or the sum of these numbers' sizes. */
  combine(weights: Float64Array, out: Float64Array, rows: number, absolute = false): void {
    out.fill(absolute ? Math.abs(weights[0]!) : weights[0]!, 0, rows);
    if (this.#design !== undefined) {
      this.#design.addTo(out, weights, rows, absolute);
      this.#addEffects(weights, out, rows, absolute);
      return;
    }
    const first = this.#plan.target ? 1 : 0;
    for (let j = 0; j + 1 < weights.length; j++) {
      const column = this.#raw.numeric[j + first]!;
      if (absolute) addSizes(out, column, this.#start, rows, weights[j + 1]!);
      else addColumn(out, column, this.#start, rows, weights[j + 1]!);
    }
  }

  #addEffects(weights: Float64Array, out: Float64Array, rows: number, absolute: boolean): void {
    const { effects, terms } = this.#plan;
    if (effects === undefined) return;
    let first = 1 + terms.reduce((sum, term) => sum + term.columns.length, 0);
    effects.sizes.forEach((size, f) => {
      const codes = this.codes(f);
      for (let r = 0; r < rows; r++) {
        // NaN for a level that is not known.
        const effect = codes[r]! < 0 ? Number.NaN : weights[first + codes[r]!]!;
        out[r]! += absolute ? Math.abs(effect) : effect;
      }
      first += size;
    });
  }

  /** Takes the predictions of rows away whose levels nothing connects. */
  #disconnect(out: Float64Array, rows: number): void {
    const connections = this.#plan.effects?.connections;
    if (connections === undefined) return;
    const codes = connections.map((_, f) => this.codes(f));
    for (let r = 0; r < rows; r++) {
      let sum = 0;
      for (let f = 0; f < connections.length; f++) sum += connections[f]![codes[f]![r]!] ?? 0;
      if (Math.abs(sum) > CONNECTED) out[r] = Number.NaN;
    }
  }
}

function addColumn(
  out: Float64Array,
  column: Float64Array,
  from: number,
  rows: number,
  weight: number,
): void {
  for (let r = 0; r < rows; r++) out[r]! += column[from + r]! * weight;
}

function addSizes(out: Float64Array, column: Float64Array, from: number, rows: number, weight: number): void {
  for (let r = 0; r < rows; r++) out[r]! += Math.abs(column[from + r]! * weight);
}

function isPlainWithoutTarget(spec: ModelSpec, terms: readonly CodedTerm[]): boolean {
  if (spec.text.length > 0 || terms.length !== spec.numeric.length) return false;
  return terms.every((term, i) => {
    const variable = spec.variables[term.variables[0]!]!;
    return (
      term.variables.length === 1 &&
      variable.kind === "numeric" &&
      "column" in variable.expression &&
      variable.expression.column === spec.numeric[i]
    );
  });
}
