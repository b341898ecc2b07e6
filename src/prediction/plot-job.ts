import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { type AnyPredictorPlan, rowPredictor } from "../linear/model/group-predictor.js";
import { type OutsideCount, OutsideRows } from "../linear/model/row-space.js";
import { checkUnseen, type UnseenPolicy } from "../linear/model/unseen.js";
import type { BlockView } from "../scan/block-view.js";
import type { ChunkJob } from "../scan/chunk-job.js";
import { RowDraw } from "../scan/row-draw.js";
import type { DiagnosePlan } from "./diagnose-job.js";
import { PlotRows, type PlotSums } from "./plot-rows.js";
import { type PlottedTerm, TermBlock } from "./plotted-terms.js";

/** What the plots of a fit without leverages depend on, apart from its rows; plain data. */
export interface PlotPlan {
  predictor: AnyPredictorPlan;
  /** What residuals are measured by: their root mean square in the fit; 0 where they are nothing. */
  rms: number;
  terms: readonly PlottedTerm[];
  held: DiagnosePlan["held"];
  unseen: UnseenPolicy;
  named: boolean;
}

/** What a chunk's rows come to; plain data. */
export interface PlotResult {
  rows: number;
  heldOut: number;
  outside: OutsideCount;
  /** Σ w e². */
  rss: number;
  plots: PlotSums;
}

/** Gathers what plots draw of chunks' rows by their predictions alone. */
export class PlotJob implements ChunkJob<PlotResult> {
  readonly #view: BlockView;
  readonly #plan: PlotPlan;
  readonly #predictor: ReturnType<typeof rowPredictor>;
  readonly #terms: TermBlock;
  readonly #plots: PlotRows;
  readonly #outside = new OutsideRows();
  readonly #draw: RowDraw | undefined;
  #rows = 0;
  #heldOut = 0;
  #rss = 0;

  constructor(view: BlockView, plan: PlotPlan) {
    this.#view = view;
    this.#plan = plan;
    this.#predictor = rowPredictor(plan.predictor);
    this.#terms = new TermBlock(plan.terms);
    this.#plots = new PlotRows(plan.terms.length);
    this.#draw = plan.held && new RowDraw(view, plan.held);
  }

  add(rows: number): void {
    const { unseen, rms, named } = this.#plan;
    const raw = this.#view.raw(rows);
    this.#predictor.predict(raw, 0, rows);
    const { predictions, target } = this.#predictor;
    const weightOf = (r: number) => raw.weights?.[r] ?? 1;
    const rowOf = (r: number) => this.#view.rowNumber(r);
    const counts = (r: number) => !Number.isNaN(target![r]!) && weightOf(r) > 0;
    checkUnseen(this.#predictor, rowOf, unseen, counts);
    this.#outside.add(this.#predictor.outside, counts);
    const predictor = this.#predictor;
    if ("column" in predictor) this.#terms.fill((j) => predictor.column(j), Math.min(rows, BLOCK_ROWS));
    const { x, part } = this.#terms;
    for (let r = 0; r < rows; r++) {
      const [observed, fitted, weight] = [target![r]!, predictions[r]!, weightOf(r)];
      const residual = observed - fitted;
      if (!(weight > 0) || residual * 0 !== 0) continue;
      if (this.#draw?.isHeldOut(r)) {
        this.#heldOut++;
        continue;
      }
      this.#rss += weight * residual * residual;
      const measured = { residual, rstandard: (Math.sqrt(weight) * residual) / rms };
      const row = {
        row: rowOf(r) + 1,
        observed,
        fitted,
        ...measured,
        leverage: Number.NaN,
        cooks: Number.NaN,
      };
      this.#plots.add(row, named ? () => this.#view.rowName(r) : undefined);
      for (let t = 0; t < x.length; t++) this.#plots.addTo(t, x[t]![r]!, part[t]![r]! + residual);
    }
    this.#rows += rows;
  }

  finish(): PlotResult {
    const result = {
      rows: this.#rows,
      heldOut: this.#heldOut,
      outside: this.#outside.take(),
      rss: this.#rss,
      plots: this.#plots.take(),
    };
    this.#rows = 0;
    this.#heldOut = 0;
    this.#rss = 0;
    return result;
  }
}
