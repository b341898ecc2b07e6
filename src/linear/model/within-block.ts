import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { leverageOf } from "../solve/effects-leverage.js";
import type { BlockPredictor } from "./block-predictor.js";
import type { WithinPlan } from "./effect-tables.js";

/**
 * The rows of a block about absorbed effects: x̃_j = x_j − Σ_f e_jf, e_jf being what the row's level of factor f adds to
 * what the effects explain of column j. Without a plan the columns are the predictor's own.
 */
export class WithinBlock {
  /** The effects' part of the rows' leverages, for weight 1; undefined where it was not asked for. */
  readonly leverage: Float64Array | undefined;
  readonly #plan: WithinPlan | undefined;
  readonly #predictor: BlockPredictor;
  readonly #column = new Float64Array(BLOCK_ROWS);
  #rows = 0;

  constructor(plan: WithinPlan | undefined, predictor: BlockPredictor) {
    this.#plan = plan;
    this.#predictor = predictor;
    this.leverage = plan?.leverage && new Float64Array(BLOCK_ROWS);
  }

  /** After each `predict`. */
  fill(rows: number): void {
    this.#rows = rows;
    const { leverage } = this;
    const plan = this.#plan?.leverage;
    if (plan === undefined || leverage === undefined) return;
    const codes = plan.starts.map((_, f) => this.#predictor.codes(f));
    const own = codes.map(() => 0);
    for (let r = 0; r < rows; r++) {
      let known = true;
      for (let f = 0; f < codes.length; f++) {
        own[f] = codes[f]![r]!;
        known &&= own[f]! >= 0;
      }
      leverage[r] = known ? leverageOf(plan, own) : Number.NaN;
    }
  }

  /** Column j of X about the effects; the next call may overwrite it. */
  column(j: number): Float64Array {
    const x = this.#predictor.column(j);
    if (this.#plan === undefined) return x;
    const { columns, width } = this.#plan;
    const out = this.#column;
    out.set(x.subarray(0, this.#rows));
    columns.forEach((effects, f) => {
      const codes = this.#predictor.codes(f);
      for (let r = 0; r < this.#rows; r++) out[r]! -= effects[codes[r]! * width + j] ?? Number.NaN;
    });
    return out;
  }
}
