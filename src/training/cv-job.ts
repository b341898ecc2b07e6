import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { BlockPredictor, type PredictorPlan } from "../linear/model/block-predictor.js";
import { CONNECTED } from "../linear/model/effect-tables.js";
import { RowSpace, type RowSpacePlan } from "../linear/model/row-space.js";
import type { BlockView } from "../scan/block-view.js";
import type { ChunkJob } from "../scan/chunk-job.js";
import { foldOf, isHeldOut } from "../scan/row-draw.js";

/** The model of all folds but one, in the places of the model of all; plain data. */
export interface FoldFit {
  /** NaN for the effect of a level that the other folds do not have. */
  weights: Float64Array;
  connections: readonly (readonly number[])[] | undefined;
  rowSpace: RowSpacePlan | undefined;
}

/** What the second pass of a cross-validation depends on, apart from the rows; plain data. */
export interface CvPlan {
  /** The model of all rows of the fit: which rows these are. */
  predictor: PredictorPlan;
  /** By fold; undefined for one without rows. */
  fits: readonly (FoldFit | undefined)[];
  testSize: number;
  seed: number;
  firstRow: number;
}

/** A fold's rows and their errors by the model of the others, so far; plain data. */
export interface FoldSums {
  /** Rows that the others' model predicts, and those that it does not. */
  n: number;
  unpredicted: number;
  /** Σw of the former, the mean of y there, Σ w (y − ȳ)² and Σ w (y − ŷ)². */
  sumW: number;
  mean: number;
  spread: number;
  squares: number;
}

const none = (): FoldSums => ({ n: 0, unpredicted: 0, sumW: 0, mean: 0, spread: 0, squares: 0 });

/** Predicts the rows of chunks by the models of the folds that they are not in. */
export class CvJob implements ChunkJob<FoldSums[]> {
  readonly #view: BlockView;
  readonly #plan: CvPlan;
  readonly #predictor: BlockPredictor;
  readonly #spaces: (RowSpace | undefined)[];
  readonly #folds = new Int32Array(BLOCK_ROWS);
  readonly #out = new Float64Array(BLOCK_ROWS);
  #sums: FoldSums[];

  constructor(view: BlockView, plan: CvPlan) {
    this.#view = view;
    this.#plan = plan;
    this.#predictor = new BlockPredictor(plan.predictor);
    const k = plan.predictor.weights.length - 1;
    this.#spaces = plan.fits.map((fit) => fit?.rowSpace && new RowSpace(fit.rowSpace, k));
    this.#sums = plan.fits.map(none);
  }

  add(rows: number): void {
    const { testSize, seed, firstRow, fits } = this.#plan;
    const raw = this.#view.raw(rows);
    this.#predictor.predict(raw, 0, rows);
    const { predictions, target } = this.#predictor;
    const met = new Set<number>();
    for (let r = 0; r < rows; r++) {
      const row = firstRow + this.#view.rowNumber(r);
      const weight = raw.weights?.[r] ?? 1;
      const ofFit = predictions[r]! * target![r]! * 0 === 0 && weight > 0 && !isHeldOut(row, seed, testSize);
      const fold = ofFit ? foldOf(row, seed, fits.length) : -1;
      this.#folds[r] = fold;
      if (fold >= 0) met.add(fold);
    }
    for (const fold of met) {
      this.#predict(fold, rows);
      for (let r = 0; r < rows; r++)
        if (this.#folds[r] === fold)
          add(this.#sums[fold]!, target![r]!, this.#out[r]!, raw.weights?.[r] ?? 1);
    }
  }

  /** Writes what the others' model predicts for the block's rows, NaN where it does not. */
  #predict(fold: number, rows: number): void {
    const { weights, connections } = this.#plan.fits[fold]!;
    const out = this.#out;
    this.#predictor.combine(weights, out, rows);
    if (connections !== undefined)
      for (let r = 0; r < rows; r++) {
        let sum = 0;
        connections.forEach((labels, f) => {
          sum += labels[this.#predictor.codes(f)[r]!] ?? 0;
        });
        if (Math.abs(sum) > CONNECTED) out[r] = Number.NaN;
      }
    for (const { row } of this.#spaces[fold]?.outside(this.#predictor, rows) ?? []) out[row] = Number.NaN;
  }

  finish(): FoldSums[] {
    const sums = this.#sums;
    this.#sums = sums.map(none);
    return sums;
  }
}

function add(sums: FoldSums, y: number, prediction: number, weight: number): void {
  if (Number.isNaN(prediction)) {
    sums.unpredicted++;
    return;
  }
  merge(sums, {
    n: 1,
    unpredicted: 0,
    sumW: weight,
    mean: y,
    spread: 0,
    squares: weight * (y - prediction) ** 2,
  });
}

/** Adds the rows of `other` (Chan, Golub & LeVeque 1983). */
export function merge(sums: FoldSums, other: FoldSums): void {
  const delta = other.mean - sums.mean;
  const sumW = sums.sumW + other.sumW;
  sums.unpredicted += other.unpredicted;
  if (other.n === 0) return;
  sums.n += other.n;
  sums.mean += (delta * other.sumW) / sumW;
  sums.spread += other.spread + (delta * delta * sums.sumW * other.sumW) / sumW;
  sums.sumW = sumW;
  sums.squares += other.squares;
}

/** The sums of all chunks so far. */
export class CvTotal {
  readonly folds: FoldSums[];

  constructor(folds: FoldSums[]) {
    this.folds = folds;
  }

  absorb(later: CvTotal): this {
    for (const [f, fold] of this.folds.entries()) merge(fold, later.folds[f]!);
    return this;
  }
}
