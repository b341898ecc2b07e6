import { type RawColumn, rawColumns } from "../../dataset/formula/raw-columns.js";
import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import type { BlockPredictor } from "./block-predictor.js";
import type { GroupIntervals } from "./group-intervals.js";
import {
  type AnyPredictorPlan,
  GroupPredictor,
  type GroupPredictorPlan,
  rowPredictor,
} from "./group-predictor.js";
import {
  IntervalBlock,
  type IntervalOptions,
  type IntervalPlan,
  type PredictedInterval,
} from "./interval.js";
import { type DataRecord, RecordBlocks, requireArray } from "./record-block.js";
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
  readonly #intervals: (options: IntervalOptions) => IntervalPlan | GroupIntervals;
  #predictor: ReturnType<typeof rowPredictor> | undefined;
  #bounded: { wish: string; predictor: GroupPredictor } | undefined;

  /** @param intervals the plan of the model's intervals, worked out when they are first asked for */
  constructor(
    target: string,
    plan: AnyPredictorPlan,
    intervals: (options: IntervalOptions) => IntervalPlan | GroupIntervals,
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
    requireArray(records);
    const prediction = new Float64Array(records.length);
    const predictor = this.#ready;
    this.#each(records, options, predictor, (from, rows) => {
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
    requireArray(records);
    const { interval, level } = options;
    const n = records.length;
    const found = {
      prediction: new Float64Array(n),
      stdError: new Float64Array(n),
      lower: new Float64Array(n),
      upper: new Float64Array(n),
    };
    const put = (from: number, rows: number, predictions: Float64Array, bounds: Bounds) => {
      found.prediction.set(predictions.subarray(0, rows), from);
      for (const part of ["stdError", "lower", "upper"] as const)
        found[part].set(bounds[part]!.subarray(0, rows), from);
    };
    if ("groups" in this.#plan) {
      const grouped = this.#grouped(JSON.stringify([interval, level]), options);
      this.#each(records, options, grouped, (from, rows) => put(from, rows, grouped.predictions, grouped));
      return found;
    }
    const predictor = this.#ready as BlockPredictor;
    const block = new IntervalBlock(this.#intervals(options) as IntervalPlan);
    const within = new WithinBlock(block.within, predictor);
    this.#each(records, options, predictor, (from, rows) => {
      within.fill(rows);
      block.fill(predictor.predictions, (j) => within.column(j), rows, within.leverage);
      put(from, rows, predictor.predictions, block);
    });
    return found;
  }

  /** The predictor of groups with intervals as they were last asked for, which takes a while to make. */
  #grouped(wish: string, options: IntervalOptions): GroupPredictor {
    if (this.#bounded?.wish !== wish) {
      const intervals = this.#intervals(options) as GroupIntervals;
      const predictor = new GroupPredictor({ ...(this.#plan as GroupPredictorPlan), intervals });
      this.#bounded = { wish, predictor };
    }
    return this.#bounded.predictor;
  }

  get #ready(): ReturnType<typeof rowPredictor> {
    this.#predictor ??= rowPredictor(this.#plan);
    return this.#predictor;
  }

  #each(
    records: readonly DataRecord[],
    { unseen = "fail" }: RecordOptions,
    predictor: ReturnType<typeof rowPredictor>,
    use: (from: number, rows: number) => void,
  ): void {
    const blocks = new RecordBlocks(records, this.#plan.spec.numeric, this.#texts, this.#group);
    for (let from = 0; from < records.length; from += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, records.length - from);
      predictor.predict(blocks.read(from, rows), 0, rows);
      checkUnseen(predictor, (r) => from + r, unseen);
      use(from, rows);
    }
  }
}

/** Where a block's standard errors and bounds are. */
type Bounds = Readonly<Record<"stdError" | "lower" | "upper", Float64Array | undefined>>;
