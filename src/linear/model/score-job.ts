import type { RowPredictions } from "../../kernels/row-predictions.js";
import type { BlockView } from "../../scan/block-view.js";
import type { ChunkJob, CreateJob } from "../../scan/chunk-job.js";
import { clusterNames } from "../../scan/cluster-names.js";
import { type DrawPlan, RowDraw } from "../../scan/row-draw.js";
import { PredictionErrors } from "../../stats/metrics.js";
import { ConformalBlock, type ConformalPlan } from "../conformal/conformal.js";
import { CoverageCount, type CoveredRows } from "../conformal/coverage.js";
import { BlockPredictor } from "./block-predictor.js";
import { type AnyPredictorPlan, type GroupPredictor, rowPredictor } from "./group-predictor.js";
import { type OutsideCount, OutsideRows } from "./row-space.js";
import { checkUnseen, type UnseenPolicy } from "./unseen.js";

/** What the score of a chunk depends on, apart from its rows; plain data, so that it can go to a worker. */
export interface ScorePlan {
  /** Blocks carry the raw columns of its spec, the target's among them. */
  predictor: AnyPredictorPlan;
  unseen: UnseenPolicy;
  /** Only the rows that such a training holds out; all rows where there is none. */
  held?: DrawPlan | undefined;
  /** Conformal intervals of one model, to count the targets that they cover; the layout's cluster is their group. */
  conformal?: ConformalPlan | undefined;
}

/** How a chunk's predictions compare with its targets. */
export interface ScoreResult {
  rows: number;
  /** The sums of the errors, see `PredictionErrors.of`. */
  errors: readonly number[];
  /** Rows with a target that have no prediction, though they are complete. */
  outside: OutsideCount;
  covered?: CoveredRows | undefined;
}

/** Compares the predictions of a model with the targets of the rows that are complete. */
class ScoreJob implements ChunkJob<ScoreResult> {
  readonly sink: RowPredictions | undefined;
  readonly #view: BlockView;
  readonly #plan: ScorePlan;
  readonly #draw: RowDraw | undefined;
  readonly #predictor: BlockPredictor | GroupPredictor;
  readonly #outside = new OutsideRows();
  readonly #intervals: ConformalBlock | undefined;
  #errors = new PredictionErrors();
  #covered: CoverageCount | undefined;
  #rows = 0;

  constructor(view: BlockView, plan: ScorePlan) {
    this.#view = view;
    this.#plan = plan;
    this.#draw = plan.held && new RowDraw(view, plan.held);
    this.#predictor = rowPredictor(plan.predictor);
    this.#intervals = plan.conformal && new ConformalBlock(plan.conformal);
    this.#covered = plan.conformal && new CoverageCount();
    if (this.#predictor instanceof BlockPredictor && (plan.held ?? plan.conformal) === undefined)
      this.sink = this.#predictor.sinkOf(view);
  }

  add(rows: number): void {
    // The sums go on in order of the rows, whoever adds them.
    const { sink } = this;
    if (sink !== undefined) this.#errors = PredictionErrors.of(sink.errors);
    const { unseen } = this.#plan;
    const raw = this.#view.raw(rows);
    this.#predictor.predict(raw, 0, rows);
    const { predictions, target } = this.#predictor;
    const weightOf = (r: number) => raw.weights?.[r] ?? 1;
    const rowOf = (r: number) => this.#view.rowNumber(r);
    checkUnseen(this.#predictor, rowOf, unseen, (r) => !Number.isNaN(target![r]!) && weightOf(r) > 0);
    const isAsked = (r: number) => this.#draw === undefined || this.#draw.isHeldOut(r);
    const counts = (r: number) => !Number.isNaN(target![r]!) && weightOf(r) > 0 && isAsked(r);
    this.#outside.add(this.#predictor.outside, counts);
    const { names, lower, upper } = this.#fillIntervals(rows) ?? {};
    for (let r = 0; r < rows; r++) {
      const [y, prediction, weight] = [target![r]!, predictions[r]!, weightOf(r)];
      if (Number.isNaN(prediction) || Number.isNaN(y) || !(weight > 0) || !isAsked(r)) continue;
      // R² is that of what was fitted: of the target less its offset.
      const offset = this.#predictor.offset?.[r] ?? 0;
      this.#errors.add(y - offset, prediction - offset, weight);
      if (lower !== undefined) this.#covered!.add(y, lower[r]!, upper![r]!, names?.(r));
    }
    this.#rows += rows;
    if (sink !== undefined) sink.errors = this.#errors.sums;
  }

  /** The bounds of a block's rows, and the names of their groups; undefined without intervals. */
  #fillIntervals(rows: number) {
    const predictor = this.#predictor;
    if (this.#intervals === undefined || !(predictor instanceof BlockPredictor)) return undefined;
    const names = clusterNames(this.#view, rows);
    const predictBy = (weights: Float64Array, out: Float64Array) => predictor.predictBy(weights, out, rows);
    this.#intervals.fill(predictor.predictions, rows, predictBy, names);
    const { lower, upper } = this.#intervals;
    return { names, lower, upper };
  }

  finish(): ScoreResult {
    const { sink } = this;
    const result = {
      rows: this.#rows + (sink?.takeRows() ?? 0),
      errors: sink?.takeErrors() ?? this.#errors.sums,
      outside: this.#outside.take(),
      covered: this.#covered?.rows,
    };
    this.#errors = new PredictionErrors();
    this.#covered = this.#covered && new CoverageCount();
    this.#rows = 0;
    return result;
  }
}

/** Makes a scan's score job. */
export const createScoreJob: CreateJob<ScorePlan, ScoreResult> = (view, plan) => new ScoreJob(view, plan);
