import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { WhitenedBlock, type Whitening } from "../linear/covariance/whitening.js";
import { BlockPredictor, type PredictorPlan } from "../linear/model/block-predictor.js";
import type { WithinPlan } from "../linear/model/effect-tables.js";
import { WithinBlock } from "../linear/model/within-block.js";
import type { BlockView } from "../scan/block-view.js";
import type { ChunkJob } from "../scan/chunk-job.js";
import { type DrawPlan, RowDraw } from "../scan/row-draw.js";

/** 1 − h below this is rounding: without the row, what its prediction needs cannot be estimated. */
const FULL_LEVERAGE = 1e-10;

/** What leaving each row out depends on, apart from the rows; plain data. */
export interface LeaveOneOutPlan extends DrawPlan {
  predictor: PredictorPlan;
  whitening: Whitening;
  within?: WithinPlan | undefined;
}

/** Weighted means and the squares about them, of y and of the squared errors; plain data. */
export interface LeaveOneOutSums {
  n: number;
  unpredicted: number;
  sumW: number;
  /** The mean of y, and Σ w (y − ȳ)². */
  target: [mean: number, spread: number];
  /** The mean of the squared error, and Σ w (e² − mean)². */
  square: [mean: number, spread: number];
}

/** Predicts each row by the fit of all others, whose error is e/(1 − h). */
export class LeaveOneOutJob implements ChunkJob<LeaveOneOutSums> {
  readonly #view: BlockView;
  readonly #draw: RowDraw;
  readonly #plan: LeaveOneOutPlan;
  readonly #predictor: BlockPredictor;
  readonly #within: WithinBlock;
  readonly #whitened: WhitenedBlock;
  readonly #deviations = new Float64Array(BLOCK_ROWS);
  #sums = none();

  constructor(view: BlockView, plan: LeaveOneOutPlan) {
    this.#view = view;
    this.#plan = plan;
    this.#draw = new RowDraw(view, plan);
    this.#predictor = new BlockPredictor(plan.predictor);
    this.#within = new WithinBlock(plan.within, this.#predictor);
    this.#whitened = new WhitenedBlock(plan.whitening);
  }

  *add(rows: number): Generator<undefined, void, void> {
    const raw = this.#view.raw(rows);
    this.#predictor.predict(raw, 0, rows);
    const { predictions, target } = this.#predictor;
    this.#within.fill(rows);
    yield* this.#whitened.fillSteps((j) => this.#within.column(j), rows);
    this.#whitened.deviations(this.#deviations, rows);
    const absorbed = this.#plan.within !== undefined;
    for (let r = 0; r < rows; r++) {
      const weight = raw.weights?.[r] ?? 1;
      const y = target![r]!;
      if ((y - predictions[r]!) * 0 !== 0 || !(weight > 0) || this.#draw.isHeldOut(r)) continue;
      const residual = absorbed ? y - predictions[r]! : this.#whitened.residual(y, this.#deviations[r]!);
      const square = this.#whitened.squares[r]! + (this.#within.leverage?.[r] ?? 0);
      const rest = 1 - weight * square;
      if (rest < FULL_LEVERAGE) this.#sums.unpredicted++;
      else merge(this.#sums, one(weight, y, (residual / rest) ** 2));
    }
  }

  finish(): LeaveOneOutSums {
    const sums = this.#sums;
    this.#sums = none();
    return sums;
  }
}

function none(): LeaveOneOutSums {
  return { n: 0, unpredicted: 0, sumW: 0, target: [0, 0], square: [0, 0] };
}

function one(weight: number, y: number, square: number): LeaveOneOutSums {
  return { n: 1, unpredicted: 0, sumW: weight, target: [y, 0], square: [square, 0] };
}

/** Merges b into a (Chan, Golub & LeVeque 1983). */
export function merge(a: LeaveOneOutSums, b: LeaveOneOutSums): void {
  a.n += b.n;
  a.unpredicted += b.unpredicted;
  if (b.sumW === 0) return;
  const share = b.sumW / (a.sumW + b.sumW);
  for (const of of ["target", "square"] as const) {
    const difference = b[of][0] - a[of][0];
    a[of][0] += difference * share;
    a[of][1] += b[of][1] + difference * difference * a.sumW * share;
  }
  a.sumW += b.sumW;
}
