import { excelSafeField } from "../csv/excel-safe.js";
import type { Table } from "../csv/table.js";
import { freeNames, quoteField } from "../csv/write.js";
import type { RowPredictions } from "../kernels/row-predictions.js";
import { ConformalBlock, type ConformalPlan } from "../linear/conformal/conformal.js";
import { BlockPredictor, type PredictorPlan } from "../linear/model/block-predictor.js";
import { type AnyPredictorPlan, GroupPredictor, rowPredictor } from "../linear/model/group-predictor.js";
import { IntervalBlock, type IntervalPlan } from "../linear/model/interval.js";
import { type OutsideCount, OutsideRows } from "../linear/model/row-space.js";
import { checkUnseen, type UnseenPolicy } from "../linear/model/unseen.js";
import { WithinBlock } from "../linear/model/within-block.js";
import type { BlockView } from "../scan/block-view.js";
import type { ChunkJob } from "../scan/chunk-job.js";
import { clusterNames } from "../scan/cluster-names.js";
import { PredictionErrors } from "../stats/metrics.js";
import { ended } from "../stats/pauses.js";
import { ContributionBlock, type ContributionsPlan, contributionNames } from "./contributions.js";
import { RowText, rowNames } from "./row-text.js";

/** What the predictions of a chunk depend on, apart from its rows; plain data, so that it can go to a worker. */
export interface PredictPlan {
  /** Blocks carry the raw columns of its spec. */
  predictor: AnyPredictorPlan;
  /** Other models that read the same raw columns, whose predictions follow; and what all columns of predictions are called then. */
  beside?: { predictors: readonly PredictorPlan[]; names: readonly string[] } | undefined;
  /** What standard errors and intervals need, where either is asked for. */
  intervals?: IntervalPlan | undefined;
  /** What conformal intervals need, in place of others. */
  conformal?: ConformalPlan | undefined;
  /** Which columns follow the prediction, in this order. */
  stdError?: boolean | undefined;
  bounds?: boolean | undefined;
  /** What the predictions are made of, where that follows too. */
  contributions?: ContributionsPlan | undefined;
  unseen: UnseenPolicy;
  /** Whether the rows' own bytes come before the prediction, and the delimiter between them. */
  append: boolean;
  /** Whether formulas among the rows' texts are made texts that spreadsheets do not compute. */
  excelSafe?: boolean | undefined;
  /** Whether the results are columns, for an output of such, and not text. */
  typed?: boolean | undefined;
  /** The column that names rows, which then comes before the prediction. */
  id?: string | undefined;
  delimiter: string;
}

/** The predictions of a chunk as CSV, and their errors where the target is known. */
export interface PredictResult {
  rows: number;
  /** Rows whose prediction is NA because a cell is missing. */
  missing: number;
  /** Rows whose conformal interval has no bounds. */
  unbounded: number;
  /** Those whose prediction is NA because they lie outside what the training data determine. */
  outside: OutsideCount;
  /** UTF-8 text, one line per row. */
  text: Uint8Array<ArrayBuffer>;
  /** The columns in place of the text, where the plan says so: names of rows, if they have any, then numbers. */
  columns?: (string[] | Float64Array)[] | undefined;
  /** The sums of the errors, see `PredictionErrors.of`. */
  errors: readonly number[];
}

/** Writes ŷ of every row as CSV, in order, and its interval. A row with a missing cell among the terms gets NA. */
export class PredictJob implements ChunkJob<PredictResult> {
  readonly sink: RowPredictions | undefined;
  readonly #view: BlockView;
  readonly #plan: PredictPlan;
  readonly #predictor: BlockPredictor | GroupPredictor;
  readonly #beside: readonly BlockPredictor[];
  readonly #intervals: IntervalBlock | undefined;
  readonly #within: WithinBlock | undefined;
  readonly #conformal: ConformalBlock | undefined;
  readonly #contributions: ContributionBlock | undefined;
  readonly #columns: Float64Array[];
  readonly #text: RowText;
  readonly #outside = new OutsideRows();
  #names: string[] = [];
  #kept: Float64Array[][] = [];
  #errors = new PredictionErrors();
  #rows = 0;
  #missing = 0;
  #unbounded = 0;

  constructor(view: BlockView, plan: PredictPlan) {
    this.#view = view;
    this.#plan = plan;
    this.#predictor = rowPredictor(plan.predictor);
    this.#beside = (plan.beside?.predictors ?? []).map((other) => new BlockPredictor(other));
    this.#columns = [this.#predictor, ...this.#beside].map(({ predictions }) => predictions);
    if (plan.intervals !== undefined) {
      this.#intervals = new IntervalBlock(plan.intervals);
      if (this.#predictor instanceof BlockPredictor)
        this.#within = new WithinBlock(plan.intervals.within, this.#predictor);
      const { stdError, lower, upper } = this.#intervals;
      if (plan.stdError) this.#columns.push(stdError);
      if (plan.bounds && plan.conformal === undefined) this.#columns.push(lower, upper);
    }
    if (plan.conformal !== undefined) {
      this.#conformal = new ConformalBlock(plan.conformal);
      this.#columns.push(this.#conformal.lower, this.#conformal.upper);
    }
    const predictor = this.#predictor;
    if (predictor instanceof GroupPredictor && predictor.stdError !== undefined) {
      if (plan.stdError) this.#columns.push(predictor.stdError);
      if (plan.bounds) this.#columns.push(predictor.lower!, predictor.upper!);
    }
    if (plan.contributions !== undefined && predictor instanceof BlockPredictor) {
      this.#contributions = new ContributionBlock(plan.contributions, predictor);
      this.#columns.push(...this.#contributions.columns);
    }
    const { append, delimiter, excelSafe } = plan;
    this.#text = new RowText(view, { columns: this.#columns.length, append, delimiter, excelSafe });
    this.sink = this.#rowPredictions();
  }

  /** What predicts rows of which nothing but their predictions is asked, where they are such. */
  #rowPredictions(): RowPredictions | undefined {
    const { append, typed, id, beside } = this.#plan;
    if (!(this.#predictor instanceof BlockPredictor) || (id ?? beside) !== undefined) return undefined;
    if (this.#columns.length > 1 || append || typed) return undefined;
    return this.#predictor.sinkOf(this.#view, (text) => this.#text.push(text));
  }

  add(rows: number): Generator<undefined, void, void> | undefined {
    const steps = this.#addSteps(rows);
    // Without intervals there is nothing that takes long.
    if (this.#intervals !== undefined) return steps;
    ended(steps);
    return undefined;
  }

  *#addSteps(rows: number): Generator<undefined, void, void> {
    // The sums go on in order of the rows, whoever adds them.
    const { sink } = this;
    if (sink !== undefined) this.#errors = PredictionErrors.of(sink.errors);
    const raw = this.#view.raw(rows);
    const { weights } = raw;
    this.#predictor.predict(raw, 0, rows);
    for (const other of this.#beside) other.predict(raw, 0, rows);
    for (const one of [this.#predictor, ...this.#beside])
      checkUnseen(one, (r) => this.#view.rowNumber(r), this.#plan.unseen);
    const predictor = this.#predictor;
    const { predictions, target } = predictor;
    const within = this.#within;
    if (within !== undefined) {
      within.fill(rows);
      if (this.#intervals !== undefined)
        yield* this.#intervals.fillSteps(predictions, (j) => within.column(j), rows, within.leverage);
    }
    if (this.#conformal !== undefined && predictor instanceof BlockPredictor) {
      const groups = clusterNames(this.#view, rows);
      this.#conformal.fill(
        predictions,
        rows,
        (weights, out) => predictor.predictBy(weights, out, rows),
        groups,
      );
      for (let r = 0; r < rows; r++) if (this.#conformal.upper[r] === Infinity) this.#unbounded++;
    }
    this.#contributions?.fill(rows);
    for (let r = 0; r < rows; r++) {
      const prediction = predictions[r]!;
      if (Number.isNaN(prediction)) this.#missing++;
      else if (target !== undefined && !Number.isNaN(target[r]!)) {
        const weight = weights?.[r] ?? 1;
        // R² is that of what was fitted: of the target less its offset.
        const offset = this.#predictor.offset?.[r] ?? 0;
        if (weight > 0) this.#errors.add(target[r]! - offset, prediction - offset, weight);
      }
    }
    this.#outside.add(this.#predictor.outside);
    this.#missing -= this.#predictor.outside.length;
    this.#rows += rows;
    const names = this.#plan.id === undefined ? undefined : rowNames(this.#view, rows);
    if (this.#plan.typed) this.#keep(rows, names);
    else this.#text.add(this.#columns, rows, names);
    if (sink !== undefined) sink.errors = this.#errors.sums;
  }

  #keep(rows: number, names: readonly string[] | undefined): void {
    if (names !== undefined) this.#names.push(...names);
    this.#columns.forEach((column, j) => {
      this.#kept[j] ??= [];
      this.#kept[j].push(column.slice(0, rows));
    });
  }

  /** The columns of the chunk's rows. */
  #takeColumns(): (string[] | Float64Array)[] {
    const numbers = this.#columns.map((_, j) => {
      const all = new Float64Array(this.#rows);
      let at = 0;
      for (const piece of this.#kept[j] ?? []) {
        all.set(piece, at);
        at += piece.length;
      }
      return all;
    });
    const names = this.#names;
    this.#names = [];
    this.#kept = [];
    return this.#plan.id === undefined ? numbers : [names, ...numbers];
  }

  finish(): PredictResult {
    const { sink } = this;
    const result = {
      rows: this.#rows + (sink?.takeRows() ?? 0),
      missing: this.#missing,
      unbounded: this.#unbounded,
      outside: this.#outside.take(),
      text: this.#text.take(),
      columns: this.#plan.typed ? this.#takeColumns() : undefined,
      errors: sink?.takeErrors() ?? this.#errors.sums,
    };
    this.#errors = new PredictionErrors();
    this.#rows = 0;
    this.#missing = 0;
    this.#unbounded = 0;
    return result;
  }

  release({ text }: PredictResult): void {
    this.#text.release(text);
  }
}

/** The names of the columns that a prediction writes, the input's own left out. */
export function predictedNames(plan: PredictPlan): string[] {
  const names = plan.beside === undefined ? ["prediction"] : freeNames(plan.beside.names, []);
  if (plan.stdError) names.push("stdError");
  if (plan.bounds) names.push("lower", "upper");
  if (plan.contributions !== undefined) names.push(...contributionNames(plan.contributions));
  return plan.id === undefined ? names : [plan.id, ...freeNames(names, [plan.id])];
}

/**
 * The header line of the predictions, behind that of the table's own columns where they are kept; a name that one of
 * them has gets a number.
 */
export function predictionHeader(plan: PredictPlan, table: Table): string {
  const taken = table.columns.map(({ name }) => name);
  const field = plan.excelSafe ? excelSafeField : quoteField;
  const line = (list: readonly string[]) =>
    list.map((name) => field(name, plan.delimiter)).join(plan.delimiter);
  const names = predictedNames(plan);
  if (!plan.append) return `${line(names)}\n`;
  const own = table.headerText === "" || plan.excelSafe ? line(taken) : table.headerText;
  return `${own}${plan.delimiter}${line(freeNames(names, taken))}\n`;
}
