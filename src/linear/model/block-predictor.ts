import type { CodedTerm, FactorLevels } from "../../dataset/formula/coding.js";
import { Design, type UnseenLevel } from "../../dataset/formula/design.js";
import { plainKeys } from "../../dataset/formula/plain.js";
import type { RawBlock } from "../../dataset/formula/raw-block.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import { BLOCK_ROWS } from "../../kernels/block-rows.js";

/** What predicting from raw columns needs; plain data, so that it can go to a worker. */
export interface PredictorPlan {
  /** `spec.numeric` and `spec.text` are the raw columns, in order; the target's come first where it is asked for. */
  spec: ModelSpec;
  terms: readonly CodedTerm[];
  levels: FactorLevels;
  /** β₀, then one coefficient per column of the terms; 0 for the aliased. */
  weights: Float64Array;
  /** Whether the target's values are to be had too. */
  target: boolean;
}

/**
 * Predicts from raw columns, a block of up to 128 rows at a time. Each row adds its terms in order, which gives the
 * bits of `predictRows` on the design matrix.
 */
export class BlockPredictor {
  /** ŷ of the block's rows; NaN where a cell is missing or a level was not in the training data. */
  readonly predictions = new Float64Array(BLOCK_ROWS);
  /** y of the block's rows on the scale of the model's target, if asked for; NaN where missing. */
  target: Float64Array | undefined;
  readonly #plan: PredictorPlan;
  readonly #design: Design | undefined;
  #raw: RawBlock = { numeric: [], codes: [], levels: [] };
  #start = 0;

  constructor(plan: PredictorPlan) {
    this.#plan = plan;
    const { spec, terms, levels, target } = plan;
    const plain = target ? plainKeys(spec) !== undefined : isPlainWithoutTarget(spec, terms);
    this.#design = plain ? undefined : new Design(spec, terms, levels, { target });
  }

  /** The levels of the block's rows that the training data did not have. */
  get unseen(): readonly UnseenLevel[] {
    return this.#design?.unseen ?? [];
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
    out.fill(weights[0]!, 0, rows);
    if (this.#design !== undefined) {
      this.#design.fill(raw, start, rows);
      this.#design.addTo(out, weights, rows);
      // A model of the intercept alone has no column that would carry a missing value to the prediction.
      if (target) this.target = this.#design.target;
      return;
    }
    const first = target ? 1 : 0;
    for (let j = 0; j + 1 < weights.length; j++)
      addColumn(out, raw.numeric[j + first]!, start, rows, weights[j + 1]!);
    if (target) this.target = raw.numeric[0]!.subarray(start, start + rows);
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
