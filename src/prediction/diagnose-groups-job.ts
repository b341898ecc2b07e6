import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { InfluenceBlock, influenceLimits } from "../linear/covariance/influence.js";
import { WhitenedBlock } from "../linear/covariance/whitening.js";
import { GroupPredictor, type GroupPredictorPlan } from "../linear/model/group-predictor.js";
import type { IntervalPlan } from "../linear/model/interval.js";
import { type OutsideCount, OutsideRows } from "../linear/model/row-space.js";
import { checkUnseen, type UnseenPolicy } from "../linear/model/unseen.js";
import type { BlockView } from "../scan/block-view.js";
import type { ChunkJob } from "../scan/chunk-job.js";
import { RowDraw } from "../scan/row-draw.js";
import { fQuantile } from "../stats/distributions.js";
import type { DiagnosePlan } from "./diagnose-job.js";
import {
  type Influential,
  InfluentialRows,
  measuresOf,
  type RowDiagnosis,
  rulesOf,
} from "./influential-rows.js";
import { PlotRows, type PlotSums } from "./plot-rows.js";
import { measureCount, measuredColumns } from "./row-measures.js";
import { RowText, rowNames } from "./row-text.js";

/** What the diagnosis by group of a chunk depends on, apart from its rows; plain data. */
export interface DiagnoseGroupsPlan extends Pick<DiagnosePlan, "held" | "most" | "text" | "named"> {
  /** With the target, and the intervals' whitenings. */
  predictor: GroupPredictorPlan;
  unseen: UnseenPolicy;
  /** Where plots are wanted: the groups that have panels of their own. */
  panels?: readonly string[] | undefined;
}

/** The measures of a row by the model of its group. */
export interface GroupRowDiagnosis extends RowDiagnosis {
  group: string;
}

/** The diagnosis of a chunk; plain data. */
export interface DiagnoseGroupsResult {
  rows: number;
  heldOut: number;
  outside: OutsideCount;
  /** The groups of the chunk's rows, and the number of each row's among them. */
  names: string[];
  owners: Int32Array;
  /** √w e of these rows, and the same studentised (rstandard). */
  residuals: Float64Array;
  standardised: Float64Array;
  /** Whether each stands out. */
  flags: Uint8Array;
  influential: Influential<GroupRowDiagnosis>;
  text: Uint8Array | undefined;
  plots: PlotSums | undefined;
}

/** Measures every row of chunks against the model of its group: residual, leverage and influence, as `DiagnoseJob`. */
export class DiagnoseGroupsJob implements ChunkJob<DiagnoseGroupsResult> {
  readonly #view: BlockView;
  readonly #plan: DiagnoseGroupsPlan;
  readonly #draw: RowDraw | undefined;
  readonly #predictor: GroupPredictor;
  readonly #influence = new InfluenceBlock({ n: 0, rank: 0, rss: 0 });
  #whitened: WhitenedBlock | undefined;
  readonly #deviations = new Float64Array(BLOCK_ROWS);
  readonly #numbers = new Float64Array(BLOCK_ROWS);
  readonly #weights = new Float64Array(BLOCK_ROWS);
  /** Of each row, a bit for each rule by which it stands out. */
  readonly #rules = new Uint8Array(BLOCK_ROWS);
  readonly #medians = new Map<string, number>();
  readonly #text: RowText | undefined;
  readonly #outside = new OutsideRows();
  readonly #names: string[] = [];
  /** By code of a group in the blocks, its number among `names`. */
  readonly #known = new Map<number, number>();
  #rows = 0;
  #heldOut = 0;
  #owners: number[] = [];
  #residuals: number[] = [];
  #standardised: number[] = [];
  #flags: number[] = [];
  readonly #influential: InfluentialRows<GroupRowDiagnosis>;
  readonly #plots: PlotRows | undefined;
  /** By name of a group, its panel. */
  readonly #panels: ReadonlyMap<string, number>;

  constructor(view: BlockView, plan: DiagnoseGroupsPlan) {
    this.#view = view;
    this.#plan = plan;
    this.#draw = plan.held && new RowDraw(view, plan.held);
    this.#influential = new InfluentialRows(plan.most);
    const panels = plan.panels ?? [];
    this.#plots = plan.panels && new PlotRows(panels.length);
    this.#panels = new Map(panels.map((name, i) => [name, i]));
    this.#predictor = new GroupPredictor(plan.predictor, (own, rows, column) =>
      this.#measure(own, rows, column),
    );
    if (plan.text !== undefined)
      this.#text = new RowText(view, { columns: measureCount(plan), ...plan.text });
  }

  add(rows: number): void {
    const { unseen } = this.#plan;
    const raw = this.#view.raw(rows);
    const { residual, leverage, rstandard, rstudent, cooks, dffits, sigma } = this.#influence;
    for (const list of [residual, leverage, rstandard, rstudent, cooks, dffits, sigma])
      list.fill(Number.NaN, 0, rows);
    this.#rules.fill(0, 0, rows);
    for (let r = 0; r < rows; r++) this.#weights[r] = raw.weights?.[r] ?? 1;
    this.#predictor.predict(raw, 0, rows);
    const { predictions, target } = this.#predictor;
    const rowOf = (r: number) => this.#view.rowNumber(r);
    const counts = (r: number) => !Number.isNaN(target![r]!) && this.#weights[r]! > 0;
    // A group without a model has no target either but the raw column.
    const plain = "column" in this.#plan.predictor.spec.target.expression ? raw.numeric[0] : undefined;
    checkUnseen(
      this.#predictor,
      rowOf,
      unseen,
      (r) => this.#weights[r]! > 0 && !Number.isNaN(plain?.[r] ?? 0),
    );
    this.#outside.add(this.#predictor.outside, counts);
    for (let r = 0; r < rows; r++) {
      this.#numbers[r] = rowOf(r) + 1;
      if (residual[r]! * 0 !== 0) continue;
      if (this.#draw?.isHeldOut(r)) {
        this.#heldOut++;
        continue;
      }
      this.#owners.push(this.#owner(raw.group!.codes[r]!, raw.group!.names));
      this.#residuals.push(Math.sqrt(this.#weights[r]!) * residual[r]!);
      this.#standardised.push(rstandard[r]!);
      this.#flags.push(this.#rules[r] === 0 ? 0 : 1);
      this.#compare(r, target![r]!, predictions[r]!);
      this.#plot(r, target![r]!, predictions[r]!);
    }
    this.#rows += rows;
    const { named, text } = this.#plan;
    const columns = measuredColumns(this.#influence, predictions, text?.augment);
    if (named) this.#text?.add(columns, rows, rowNames(this.#view, rows));
    else this.#text?.add(text?.augment ? columns : [this.#numbers, ...columns], rows);
  }

  #owner(code: number, names: readonly string[]): number {
    let own = this.#known.get(code);
    if (own === undefined) {
      own = this.#names.push(names[code]!) - 1;
      this.#known.set(code, own);
    }
    return own;
  }

  /** Measures some rows of a group, of which `column` gives the columns of X one row after the other. */
  #measure(own: IntervalPlan, rows: readonly number[], column: (j: number) => Float64Array): void {
    const { whitening, rss, df } = own;
    // Without residual degrees of freedom there is nothing to measure by.
    if (!(df > 0)) return;
    if (this.#whitened === undefined) this.#whitened = new WhitenedBlock(whitening);
    else this.#whitened.use(whitening);
    const whitened = this.#whitened;
    whitened.fill(column, rows.length);
    whitened.deviations(this.#deviations, rows.length);
    const { rank } = whitening;
    const n = df + rank;
    this.#influence.use({ n, rank, rss });
    const limits = influenceLimits({ n, parameters: rank, dfResidual: df }, this.#median(rank, df));
    const { target, predictions } = this.#predictor;
    for (const [i, r] of rows.entries()) {
      const weight = this.#weights[r]!;
      const y = weight > 0 ? target![r]! - this.#predictor.offset[r]! : Number.NaN;
      const residual = whitened.residual(y, this.#deviations[i]!) + predictions[r]! * 0;
      this.#influence.measure(r, residual, whitened.squares[i]!, weight);
      this.#rules[r] = rulesOf(this.#influence, r, limits);
    }
  }

  /** The median of F on a group's degrees of freedom, of which there are few different ones. */
  #median(rank: number, df: number): number {
    const key = `${rank} ${df}`;
    let median = this.#medians.get(key);
    if (median === undefined) {
      median = fQuantile(0.5, rank, df);
      this.#medians.set(key, median);
    }
    return median;
  }

  /** Counts row r where it stands out, and keeps it where it is among the first. */
  #compare(r: number, observed: number, fitted: number): void {
    const rules = this.#rules[r]!;
    if (!this.#influential.concerns(rules, this.#influence.rstudent[r]!)) return;
    const group = this.#names[this.#owners.at(-1)!]!;
    const row = this.#numbers[r]!;
    const named = this.#plan.named ? { name: this.#view.rowName(r) } : {};
    this.#influential.add(
      { group, row, ...named, observed, fitted, ...measuresOf(this.#influence, r) },
      rules,
    );
  }

  #plot(r: number, observed: number, fitted: number): void {
    if (this.#plots === undefined) return;
    const row = { row: this.#numbers[r]!, observed, fitted, ...measuresOf(this.#influence, r) };
    this.#plots.add(row, this.#plan.named ? () => this.#view.rowName(r) : undefined);
    const panel = this.#panels.get(this.#names[this.#owners.at(-1)!]!);
    if (panel !== undefined) this.#plots.addTo(panel, fitted, row.rstandard);
  }

  finish(): DiagnoseGroupsResult {
    const result: DiagnoseGroupsResult = {
      rows: this.#rows,
      heldOut: this.#heldOut,
      outside: this.#outside.take(),
      names: [...this.#names],
      owners: Int32Array.from(this.#owners),
      residuals: Float64Array.from(this.#residuals),
      standardised: Float64Array.from(this.#standardised),
      flags: Uint8Array.from(this.#flags),
      influential: this.#influential.take(),
      text: this.#text?.take(),
      plots: this.#plots?.take(),
    };
    this.#rows = 0;
    this.#heldOut = 0;
    this.#names.length = 0;
    this.#known.clear();
    this.#owners = [];
    this.#residuals = [];
    this.#standardised = [];
    this.#flags = [];
    return result;
  }
}
