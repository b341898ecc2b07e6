import { type RawColumn, rawColumns } from "../../dataset/formula/raw-columns.js";
import { ModelError } from "../../errors.js";
import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { BlockPredictor } from "./block-predictor.js";
import { type AnyPredictorPlan, rowPredictor } from "./group-predictor.js";
import {
  IntervalBlock,
  type IntervalOptions,
  type IntervalPlan,
  type PredictedInterval,
} from "./interval.js";
import { type DataRecord, RecordBlocks } from "./record-block.js";
import { checkUnseen, type UnseenPolicy } from "./unseen.js";
import { WithinBlock } from "./within-block.js";

/** Options of predictions from records; all may be left out. */
export interface RecordOptions {
  /** What becomes of rows with levels that the training data did not have. Default: `fail`. */
  unseen?: UnseenPolicy | undefined;
}

/**
 * Predicts from records: objects that have a value for each raw column of the data, from which the formula and the
 * coding of factors are worked out as for files. A missing value (null, undefined, NaN) makes the prediction NaN, as
 * does a row outside what an aliased fit determines; values of other columns are passed over.
 *
 * Numbers are numbers, bigints or truth values (1 and 0); texts are strings, numbers, truth values, or a Date, which is
 * its ISO text in UTC.
 */
export class RecordPredictor {
  /** What is predicted: a column, or an expression of one such as `log(medv)`. */
  readonly target: string;
  /** The columns that records should have, with the levels of factors. */
  readonly columns: readonly RawColumn[];
  readonly #plan: AnyPredictorPlan;
  readonly #texts: readonly RawColumn[];
  readonly #group: RawColumn | undefined;
  readonly #intervals: (options: IntervalOptions) => IntervalPlan;
  #predictor: ReturnType<typeof rowPredictor> | undefined;

  /** @param intervals the plan of the model's intervals, worked out when they are first asked for */
  constructor(
    target: string,
    plan: AnyPredictorPlan,
    intervals: (options: IntervalOptions) => IntervalPlan = refuseIntervals,
  ) {
    this.target = target;
    this.#plan = plan;
    this.#intervals = intervals;
    const grouped = "groups" in plan;
    const raw = rawColumns(plan.spec, grouped ? {} : plan.levels);
    this.#texts = plan.spec.text.map((name) => raw.find((column) => column.name === name)!);
    this.#group = grouped
      ? {
          name: plan.groupBy,
          kind: "text",
          levels: [...(plan.fits?.names ?? []), ...plan.groups.map(({ name }) => name)],
        }
      : undefined;
    const group = this.#group;
    this.columns = group === undefined ? raw : [...raw.filter(({ name }) => name !== group.name), group];
  }

  /**
   * ŷ of each record.
   *
   * @throws ModelError where no record has one of the columns; DataError for a value that is no number or text, and for
   * a level that the training data did not have, unless `unseen` is `na`
   */
  predict(records: readonly DataRecord[], options: RecordOptions = {}): Float64Array {
    const prediction = new Float64Array(records.length);
    this.#each(records, options, (predictor, from, rows) => {
      prediction.set(predictor.predictions.subarray(0, rows), from);
    });
    return prediction;
  }

  /**
   * The same with standard errors and intervals, see `LinearModel.predictInterval`.
   *
   * @throws as `predict`; UsageError for a level that is not between 0 and 1; ModelError for a model that has none
   */
  predictInterval(
    records: readonly DataRecord[],
    options: IntervalOptions & RecordOptions = {},
  ): PredictedInterval {
    const block = new IntervalBlock(this.#intervals(options));
    let within: WithinBlock | undefined;
    const n = records.length;
    const [prediction, stdError] = [new Float64Array(n), new Float64Array(n)];
    const [lower, upper] = [new Float64Array(n), new Float64Array(n)];
    this.#each(records, options, (predictor, from, rows) => {
      if (!(predictor instanceof BlockPredictor)) return;
      within ??= new WithinBlock(block.within, predictor);
      const own = within;
      own.fill(rows);
      block.fill(predictor.predictions, (j) => own.column(j), rows, own.leverage);
      prediction.set(predictor.predictions.subarray(0, rows), from);
      stdError.set(block.stdError.subarray(0, rows), from);
      lower.set(block.lower.subarray(0, rows), from);
      upper.set(block.upper.subarray(0, rows), from);
    });
    return { prediction, stdError, lower, upper };
  }

  #each(
    records: readonly DataRecord[],
    { unseen = "fail" }: RecordOptions,
    use: (predictor: ReturnType<typeof rowPredictor>, from: number, rows: number) => void,
  ): void {
    this.#predictor ??= rowPredictor(this.#plan);
    const predictor = this.#predictor;
    const blocks = new RecordBlocks(records, this.#plan.spec.numeric, this.#texts, this.#group);
    for (let from = 0; from < records.length; from += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, records.length - from);
      predictor.predict(blocks.read(from, rows), 0, rows);
      checkUnseen(predictor, (r) => from + r, unseen);
      use(predictor, from, rows);
    }
  }
}

function refuseIntervals(): never {
  throw new ModelError("models by group predict without intervals", {
    hint: "the model of one group has them",
  });
}
