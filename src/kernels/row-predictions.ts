import { BLOCK_ROWS } from "./block-rows.js";
import type { Kernels } from "./kernels.js";
import { NUMBER_BYTES, WRITE_SLACK } from "./number-writer.js";
import { RowSink } from "./row-sink.js";

/** Places of its own fields (assembly/predictions.ts), i32 each; `intercept` has two. */
const Field = { theta: 3, p: 4, intercept: 6, target: 8, delimiter: 9, out: 10, end: 11 } as const;
/** Six sums of errors stand behind them, doubles. */
const ERRORS_AT = 48;
const ERRORS = 6;

/** Blocks whose text is taken at a time: 400 KB at most. */
const MOST_BLOCKS = 128;

/** What predicts rows: ŷ = θ₀ + Σ_j θ_j x_j. */
export interface RowPredictionsPlan {
  /** θ₀, then one coefficient for each of the block's columns. */
  readonly weights: ArrayLike<number>;
  /** Whether the target's values come first in the block: errors are summed up then. */
  readonly target: boolean;
  /** Takes text, which is overwritten by the next; there is none where nobody does. */
  readonly push?: ((text: Uint8Array) => void) | undefined;
}

/** Predicts rows, sums their errors and writes predictions as lines of CSV, with the bits that they have block by block. */
export class RowPredictions extends RowSink {
  readonly #out: number;
  readonly #push: RowPredictionsPlan["push"];

  constructor(kernels: Kernels, { weights, target, push }: RowPredictionsPlan) {
    super(kernels, ERRORS_AT + 8 * ERRORS, MOST_BLOCKS);
    this.#push = push;
    const p = weights.length - 1;
    const theta = kernels.alloc(8 * p);
    const room = MOST_BLOCKS * BLOCK_ROWS * (NUMBER_BYTES + 1) + WRITE_SLACK;
    this.#out = push === undefined ? 0 : kernels.alloc(room);
    for (let j = 0; j < p; j++) kernels.doubles[theta / 8 + j] = weights[j + 1]!;
    this.set(Field.theta, theta);
    this.set(Field.p, p);
    kernels.doubles[(this.address + 4 * Field.intercept) / 8] = weights[0]!;
    this.set(Field.target, target ? 1 : 0);
    this.set(Field.delimiter, 0x2c);
    this.set(Field.out, this.#out);
  }

  parse(request: number): void {
    this.kernels.exports.predictRows(request, this.address);
  }

  override taken(): number {
    const end = this.get(Field.end) >>> 0;
    if (end > this.#out) this.#push?.(this.kernels.bytes.subarray(this.#out, end));
    return super.taken();
  }

  /** The sums of errors so far (`PredictionErrors.sums`), and none from then on. */
  takeErrors(): number[] {
    const { errors } = this;
    this.errors = errors.map(() => 0);
    return errors;
  }

  /** The sums of errors so far, which others go on with, and give back. */
  get errors(): number[] {
    return [...this.kernels.doublesAt(this.address + ERRORS_AT, ERRORS)];
  }

  set errors(sums: readonly number[]) {
    this.kernels.doublesAt(this.address + ERRORS_AT, ERRORS).set(sums);
  }
}
