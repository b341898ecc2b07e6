import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { ConformalBlock, type ConformalPlan } from "../linear/conformal/conformal.js";
import { WhitenedBlock, type Whitening } from "../linear/covariance/whitening.js";
import { BlockPredictor, type PredictorPlan } from "../linear/model/block-predictor.js";
import type { BlockView } from "../scan/block-view.js";
import type { ChunkJob } from "../scan/chunk-job.js";
import { clusterNames } from "../scan/cluster-names.js";
import { type DrawPlan, RowDraw } from "../scan/row-draw.js";

/** What calibrating on the rows of chunks depends on, apart from them; plain data. `testSize` is the share set aside and held out. */
export interface ConformalScan extends DrawPlan {
  predictor: PredictorPlan;
  /** The share held out, which is not looked at to calibrate; the rest of `testSize` is what was set aside. */
  heldOut: number;
  /** Scores of the rows set aside, of each fold by its fit, or with each row's influence on the fit; or how many are covered. */
  by:
    | { rows: "aside" }
    | { rows: "folds"; fits: readonly (Float64Array | undefined)[] }
    | { rows: "each"; whitening: Whitening }
    | { rows: "heldOut"; intervals: ConformalPlan };
}

/** Of each row that counts, in the order of the rows; plain data. */
export interface ConformalResult {
  scores: Float64Array;
  /** The row's fold. */
  folds: Int32Array;
  /** Its group among `names`. */
  groups: Int32Array;
  names: string[];
  /** Of each row left out by itself: w e u/(1 − h), which R⁻¹ takes to what the row adds to θ. */
  influences: Float64Array;
  /** Rows without a group: the first of them, −1 where there is none. */
  ungrouped: number;
  /** Of rows held out, whether each is covered, as 1 or 0, and the width of its interval. */
  covered: Uint8Array;
  widths: Float64Array;
}

/** 1 − h below this is rounding. */
const FULL_LEVERAGE = 1e-10;

/** Scores rows by fits that did not see them, or compares held-out rows with their intervals. */
export class ConformalJob implements ChunkJob<ConformalResult> {
  readonly #view: BlockView;
  readonly #plan: ConformalScan;
  readonly #aside: RowDraw;
  readonly #heldOut: RowDraw;
  readonly #predictor: BlockPredictor;
  readonly #whitened: WhitenedBlock | undefined;
  readonly #intervals: ConformalBlock | undefined;
  readonly #fitted: Float64Array[];
  readonly #numbers = new Map<string, number>();
  #names: string[] = [];
  #scores: number[] = [];
  #folds: number[] = [];
  #groups: number[] = [];
  #influences: number[] = [];
  #covered: number[] = [];
  #widths: number[] = [];
  #ungrouped = -1;

  constructor(view: BlockView, plan: ConformalScan) {
    this.#view = view;
    this.#plan = plan;
    this.#aside = new RowDraw(view, plan);
    this.#heldOut = new RowDraw(view, { ...plan, testSize: plan.heldOut });
    this.#predictor = new BlockPredictor(plan.predictor);
    const { by } = plan;
    if (by.rows === "each") this.#whitened = new WhitenedBlock(by.whitening);
    if (by.rows === "heldOut") this.#intervals = new ConformalBlock(by.intervals);
    this.#fitted = by.rows === "folds" ? by.fits.map(() => new Float64Array(BLOCK_ROWS)) : [];
  }

  *add(rows: number): Generator<undefined, void, void> {
    const { by } = this.#plan;
    const raw = this.#view.raw(rows);
    const predictor = this.#predictor;
    predictor.predict(raw, 0, rows);
    const { predictions, target } = predictor;
    if (by.rows === "folds")
      by.fits.forEach((weights, f) => {
        if (weights !== undefined) predictor.predictBy(weights, this.#fitted[f]!, rows);
      });
    if (this.#whitened !== undefined) yield* this.#whitened.fillSteps((j) => predictor.column(j), rows);
    const groups = clusterNames(this.#view, rows);
    this.#intervals?.fill(
      predictions,
      rows,
      (weights, out) => predictor.predictBy(weights, out, rows),
      groups,
    );
    for (let r = 0; r < rows; r++) {
      const weight = raw.weights?.[r] ?? 1;
      const y = target![r]!;
      if ((y - predictions[r]!) * 0 !== 0 || !(weight > 0)) continue;
      const place = this.#heldOut.isHeldOut(r) ? "heldOut" : this.#aside.isHeldOut(r) ? "aside" : "fit";
      if (place !== (by.rows === "folds" || by.rows === "each" ? "fit" : by.rows)) continue;
      if (!this.#count(groups, r)) continue;
      if (by.rows === "heldOut") {
        const [lower, upper] = [this.#intervals!.lower[r]!, this.#intervals!.upper[r]!];
        this.#covered.push(lower <= y && y <= upper ? 1 : 0);
        this.#widths.push(upper - lower);
      } else if (by.rows === "aside") this.#scores.push(Math.abs(y - predictions[r]!));
      else if (by.rows === "folds") {
        const fold = this.#aside.foldOf(r, by.fits.length);
        this.#folds.push(fold);
        this.#scores.push(Math.abs(y - this.#fitted[fold]![r]!));
      } else this.#leaveOut(r, weight, y - predictions[r]!);
    }
  }

  /** Scores row r by the fit without it. */
  #leaveOut(r: number, weight: number, residual: number): void {
    const { values, squares } = this.#whitened!;
    const rest = 1 - weight * squares[r]!;
    const without = rest < FULL_LEVERAGE ? Infinity : residual / rest;
    this.#scores.push(Math.abs(without));
    for (let i = 0; i < values.length / BLOCK_ROWS; i++)
      this.#influences.push(without === Infinity ? 0 : weight * without * values[i * BLOCK_ROWS + r]!);
  }

  /** Notes row r's group; false where it has none. */
  #count(groups: ((r: number) => string | undefined) | undefined, r: number): boolean {
    if (groups === undefined) return true;
    const name = groups(r);
    if (name === undefined) {
      if (this.#ungrouped < 0) this.#ungrouped = this.#view.rowNumber(r);
      return false;
    }
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#names.push(name) - 1;
      this.#numbers.set(name, number);
    }
    this.#groups.push(number);
    return true;
  }

  finish(): ConformalResult {
    const result = {
      scores: Float64Array.from(this.#scores),
      folds: Int32Array.from(this.#folds),
      groups: Int32Array.from(this.#groups),
      names: this.#names,
      influences: Float64Array.from(this.#influences),
      ungrouped: this.#ungrouped,
      covered: Uint8Array.from(this.#covered),
      widths: Float64Array.from(this.#widths),
    };
    this.#numbers.clear();
    this.#names = [];
    this.#scores = [];
    this.#folds = [];
    this.#groups = [];
    this.#influences = [];
    this.#covered = [];
    this.#widths = [];
    this.#ungrouped = -1;
    return result;
  }
}
