import { BLOCK_ROWS } from "../kernels/block-rows.js";
import type { Kernels } from "../kernels/kernels.js";
import { MomentsAccumulator, type MomentsParts } from "../kernels/moments.js";
import { type FitScale, InfluenceBlock, type InfluenceLimits } from "../linear/covariance/influence.js";
import { WhitenedBlock, type Whitening } from "../linear/covariance/whitening.js";
import { BlockPredictor, type PredictorPlan } from "../linear/model/block-predictor.js";
import type { WithinPlan } from "../linear/model/effect-tables.js";
import { type OutsideCount, OutsideRows } from "../linear/model/row-space.js";
import { checkUnseen, type UnseenPolicy } from "../linear/model/unseen.js";
import { WithinBlock } from "../linear/model/within-block.js";
import type { BlockView } from "../scan/block-view.js";
import type { ChunkJob } from "../scan/chunk-job.js";
import { type DrawPlan, RowDraw } from "../scan/row-draw.js";
import { DfbetasBlock } from "./dfbetas.js";
import {
  type Influential,
  InfluentialRows,
  measuresOf,
  type RowDiagnosis,
  rulesOf,
} from "./influential-rows.js";
import { PlotRows, type PlotSums, type PlottedRow } from "./plot-rows.js";
import { type PlottedTerm, TermBlock } from "./plotted-terms.js";
import type { ResetPlan } from "./reset-plan.js";
import { type MeasuresText, measureCount, measuredColumns } from "./row-measures.js";
import { RowText, rowNames } from "./row-text.js";

/** What the diagnosis of a chunk depends on, apart from its rows; plain data, so that it can go to a worker. */
export interface DiagnosePlan {
  /** Blocks carry the raw columns of its spec, the target's among them. */
  predictor: PredictorPlan;
  whitening: Whitening;
  /** Where effects were absorbed: what makes columns about them. */
  within?: WithinPlan | undefined;
  scale: FitScale;
  limits: InfluenceLimits;
  /** How fitted values are raised to powers. */
  reset: ResetPlan;
  /** The rows held out from the fit: they are measured, and count for nothing else. */
  held: DrawPlan | undefined;
  unseen: UnseenPolicy;
  /** How many of the rows that stand out to keep. */
  most: number;
  /** Whether to write the rows' measures, and how. */
  text: MeasuresText | undefined;
  /** Whether rows have names. */
  named: boolean;
  /** Whether the rows' whitened columns are kept, for tests that need them all. */
  keepRows?: boolean | undefined;
  /** What plots are made of, where any are wanted: the terms that are drawn. */
  plots?: { terms: readonly PlottedTerm[] } | undefined;
}

/** The diagnosis of a chunk; plain data. */
export interface DiagnoseResult {
  rows: number;
  heldOut: number;
  /** Rows with a target that have no prediction, though they are complete. */
  outside: OutsideCount;
  /** √w e of the rows that are complete and of positive weight. */
  residuals: Float64Array;
  /** The moments of the whitened columns (the constant one left out), e² − RSS/n, the fitted values' square and cube, e. */
  moments: MomentsParts;
  /** Σ (e² − RSS/n) and Σ (e² − RSS/n)². */
  squares: [number, number];
  /** The whitened columns of the rows that `residuals` has, row by row, where they are kept. */
  whitened: Float64Array | undefined;
  influential: Influential<RowDiagnosis>;
  text: Uint8Array | undefined;
  plots: PlotSums | undefined;
}

/** Measures every row of chunks: its residual, leverage and influence, and the sums that tests of the residuals need. */
export class DiagnoseJob implements ChunkJob<DiagnoseResult> {
  readonly #kernels: Kernels;
  readonly #view: BlockView;
  readonly #plan: DiagnosePlan;
  readonly #draw: RowDraw | undefined;
  readonly #predictor: BlockPredictor;
  readonly #within: WithinBlock;
  readonly #whitened: WhitenedBlock;
  readonly #influence: InfluenceBlock;
  readonly #moments: MomentsAccumulator;
  readonly #block: number;
  readonly #weights: number;
  readonly #text: RowText | undefined;
  readonly #deviations = new Float64Array(BLOCK_ROWS);
  readonly #numbers = new Float64Array(BLOCK_ROWS);
  readonly #outside = new OutsideRows();
  #rows = 0;
  #heldOut = 0;
  #residuals: number[] = [];
  #kept: number[] = [];
  #squares: [number, number] = [0, 0];
  readonly #influential: InfluentialRows<RowDiagnosis>;
  readonly #dfbetas: DfbetasBlock | undefined;
  readonly #plots: PlotRows | undefined;
  readonly #terms: TermBlock;
  readonly #plotted: PlottedRow = {
    row: 0,
    observed: 0,
    fitted: 0,
    residual: 0,
    leverage: 0,
    rstandard: 0,
    cooks: 0,
  };

  constructor(view: BlockView, plan: DiagnosePlan) {
    const { kernels } = view;
    this.#kernels = kernels;
    this.#view = view;
    this.#plan = plan;
    this.#draw = plan.held && new RowDraw(view, plan.held);
    this.#predictor = new BlockPredictor(plan.predictor);
    this.#within = new WithinBlock(plan.within, this.#predictor);
    this.#whitened = new WhitenedBlock(plan.whitening);
    this.#influence = new InfluenceBlock(plan.scale);
    this.#influential = new InfluentialRows(plan.most);
    const terms = plan.plots?.terms ?? [];
    this.#terms = new TermBlock(terms);
    this.#plots = plan.plots && new PlotRows(terms.length);
    this.#dfbetas = plan.text?.dfbetas && new DfbetasBlock(plan.text.dfbetas, plan.scale);
    const columns = plan.whitening.kept.length + 4;
    this.#moments = new MomentsAccumulator(kernels, columns);
    this.#block = kernels.allocBlock(columns);
    this.#weights = view.weighted ? kernels.alloc(8 * BLOCK_ROWS) : 0;
    if (plan.text !== undefined)
      this.#text = new RowText(view, { columns: measureCount(plan), ...plan.text });
  }

  *add(rows: number): Generator<undefined, void, void> {
    const { unseen } = this.#plan;
    const raw = this.#view.raw(rows);
    this.#predictor.predict(raw, 0, rows);
    const { predictions, target } = this.#predictor;
    const weightOf = (r: number) => raw.weights?.[r] ?? 1;
    const rowOf = (r: number) => this.#view.rowNumber(r);
    checkUnseen(this.#predictor, rowOf, unseen, (r) => !Number.isNaN(target![r]!) && weightOf(r) > 0);
    this.#outside.add(this.#predictor.outside, (r) => !Number.isNaN(target![r]!) && weightOf(r) > 0);
    this.#within.fill(rows);
    const { leverage: ofEffects } = this.#within;
    yield* this.#whitened.fillSteps((j) => this.#within.column(j), rows);
    this.#whitened.deviations(this.#deviations, rows);
    this.#terms.fill((j) => this.#within.column(j), rows);
    let kept = 0;
    for (let r = 0; r < rows; r++) {
      const weight = weightOf(r);
      const y = weight > 0 ? target![r]! : Number.NaN;
      const square = this.#whitened.squares[r]! + (ofEffects?.[r] ?? 0);
      this.#influence.measure(r, this.#residual(r, y, predictions[r]!), square, weight);
      this.#numbers[r] = rowOf(r) + 1;
      if (this.#influence.residual[r]! * 0 !== 0) continue;
      if (this.#draw?.isHeldOut(r)) {
        this.#heldOut++;
        continue;
      }
      this.#keep(r, kept++, weight);
      this.#compare(rowOf(r) + 1, r, y, predictions[r]!);
      this.#plot(rowOf(r) + 1, r, y, predictions[r]!);
    }
    if (kept > 0) this.#moments.add(this.#block, kept, this.#weights);
    this.#rows += rows;
    const { named, text } = this.#plan;
    const columns = measuredColumns(this.#influence, predictions, text?.augment);
    if (this.#dfbetas !== undefined) {
      this.#dfbetas.fill(this.#whitened.values, this.#influence, (r) => weightOf(r), rows);
      columns.push(...this.#dfbetas.columns, this.#dfbetas.covratio);
    }
    if (named) this.#text?.add(columns, rows, rowNames(this.#view, rows));
    else this.#text?.add(text?.augment ? columns : [this.#numbers, ...columns], rows);
  }

  /** y − ŷ, NaN without a prediction; with absorbed effects ŷ does not follow from the columns about them. */
  #residual(r: number, y: number, prediction: number): number {
    if (this.#plan.within !== undefined) return y - prediction;
    const fitted = y - (this.#predictor.offset?.[r] ?? 0);
    return this.#whitened.residual(fitted, this.#deviations[r]!) + prediction * 0;
  }

  /** Puts what the tests need of row r into row `at` of the block. */
  #keep(r: number, at: number, weight: number): void {
    const { whitening, reset, scale } = this.#plan;
    const residual = this.#influence.residual[r]!;
    const first = whitening.constant === 0 ? 0 : 1;
    const k = whitening.kept.length;
    const { doubles } = this.#kernels;
    const base = this.#block / 8 + at;
    for (let i = 0; i < k; i++)
      doubles[base + i * BLOCK_ROWS] = this.#whitened.values[(i + first) * BLOCK_ROWS + r]!;
    const square = residual * residual - scale.rss / scale.n;
    const fitted = (this.#deviations[r]! - reset.centre) / reset.spread;
    const far = reset.centre / reset.spread;
    const constant = this.#constantLeft(r);
    doubles[base + k * BLOCK_ROWS] = square;
    doubles[base + (k + 1) * BLOCK_ROWS] = fitted * fitted - far ** 2 * constant;
    doubles[base + (k + 2) * BLOCK_ROWS] = fitted * fitted * fitted + far ** 3 * constant;
    doubles[base + (k + 3) * BLOCK_ROWS] = residual;
    if (this.#weights !== 0) doubles[this.#weights / 8 + at] = weight;
    this.#squares[0] += square;
    this.#squares[1] += square * square;
    this.#residuals.push(Math.sqrt(weight) * residual);
    if (this.#plan.keepRows)
      for (let i = 0; i < k; i++) this.#kept.push(this.#whitened.values[(i + first) * BLOCK_ROWS + r]!);
  }

  /** What of 1 the columns do not span, in row r. */
  #constantLeft(r: number): number {
    const { constant } = this.#plan.reset;
    if (constant === undefined) return 0;
    let left = 1;
    for (let i = 0; i < constant.length; i++)
      left -= constant[i]! * this.#whitened.values[i * BLOCK_ROWS + r]!;
    return left;
  }

  /** Counts row r where it stands out, and keeps it where it is among the first. */
  #compare(row: number, r: number, observed: number, fitted: number): void {
    const rules = rulesOf(this.#influence, r, this.#plan.limits);
    if (!this.#influential.concerns(rules, this.#influence.rstudent[r]!)) return;
    const named = this.#plan.named ? { name: this.#view.rowName(r) } : {};
    this.#influential.add({ row, ...named, observed, fitted, ...measuresOf(this.#influence, r) }, rules);
  }

  #plot(row: number, r: number, observed: number, fitted: number): void {
    if (this.#plots === undefined) return;
    const { residual, leverage, rstandard, cooks } = this.#influence;
    // One object for all rows: those that are kept are copied.
    const plotted = this.#plotted;
    plotted.row = row;
    plotted.observed = observed;
    plotted.fitted = fitted;
    plotted.residual = residual[r]!;
    plotted.leverage = leverage[r]!;
    plotted.rstandard = rstandard[r]!;
    plotted.cooks = cooks[r]!;
    this.#plots.add(plotted, this.#plan.named ? () => this.#view.rowName(r) : undefined);
    const { x, part } = this.#terms;
    for (let t = 0; t < x.length; t++) this.#plots.addTo(t, x[t]![r]!, part[t]![r]! + residual[r]!);
  }

  finish(): DiagnoseResult {
    const result: DiagnoseResult = {
      rows: this.#rows,
      heldOut: this.#heldOut,
      outside: this.#outside.take(),
      residuals: Float64Array.from(this.#residuals),
      moments: this.#moments.read(),
      squares: this.#squares,
      whitened: this.#plan.keepRows ? Float64Array.from(this.#kept) : undefined,
      influential: this.#influential.take(),
      text: this.#text?.take(),
      plots: this.#plots?.take(),
    };
    this.#moments.reset();
    this.#rows = 0;
    this.#heldOut = 0;
    this.#residuals = [];
    this.#kept = [];
    this.#squares = [0, 0];
    return result;
  }
}
