import { randomUUID } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import type { UnseenLevel } from "../dataset/formula/design.js";
import type { RawBlock } from "../dataset/formula/raw-block.js";
import { GomlError, ModelError } from "../errors.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { type GroupIntervals, intervalsAt } from "../linear/model/group-intervals.js";
import { GroupPredictor, type GroupPredictorPlan } from "../linear/model/group-predictor.js";
import type { ModelGroup } from "../linear/model/model-group.js";
import type { UnseenPolicy } from "../linear/model/unseen.js";
import { tCritical } from "../stats/distributions.js";
import type { Batch } from "./batch.js";
import type { Predicted, Predictor } from "./predicted.js";
import type { IntervalWish } from "./question.js";
import { badRequest, quoted } from "./request-error.js";
import type { InputColumn } from "./served.js";
import { shared } from "./served.js";
import { type ServedRegression, shownColumns } from "./served-model.js";

/** Levels that are listed among what a model asks for; of more the names would be most of it. */
const MOST_LEVELS = 1000;

/** Models by group as they are served: one model, of which the group is an input. */
export function servedGroups(models: ModelGroup, name: string, version: string): ServedRegression {
  const plan = models.predictorPlan(false);
  const coefficients = [plan.fits?.weights, ...plan.groups.map((group) => group.plan.weights)];
  if (!coefficients.every((list) => list === undefined || list.every(Number.isFinite)))
    throw new ModelError("a coefficient is not a number");
  const inputs = models.records.columns.map(
    ({ name: column, kind, levels }): InputColumn => ({
      name: column,
      datatype: kind === "text" ? "BYTES" : "FP64",
      levels: levels !== undefined && levels.length <= MOST_LEVELS ? levels : undefined,
    }),
  );
  let rows = 0;
  for (const { n } of models.others.values()) rows += n;
  rows = models.fits?.lists.moments.n.reduce((sum, n) => sum + n, rows) ?? rows;
  return {
    kind: "regression",
    id: randomUUID(),
    name,
    version,
    target: models.target,
    weights: new Float64Array(0),
    description: shared(Buffer.from(JSON.stringify({ inputs, plan: undefined }))),
    groups: shared(serialize(plan)),
    ...intervalsOf(models),
    about: {
      formula: `${models.spec.formula}, by ${models.groupBy}`,
      rows,
      sigma: null,
      columns: shownColumns(inputs, () => undefined),
    },
  };
}

function intervalsOf(models: ModelGroup): Pick<ServedRegression, "intervals" | "noIntervals"> {
  try {
    return { intervals: shared(serialize(models.intervals())), noIntervals: undefined };
  } catch (error) {
    if (!(error instanceof GomlError)) throw error;
    return { intervals: undefined, noIntervals: error.message };
  }
}

/** Models by group made ready in a thread: predictors of batches, each row by the model of its group. */
export function groupsPredictor(
  { groups, intervals, noIntervals }: ServedRegression,
  inputs: readonly InputColumn[],
): (batch: Batch, unseen: UnseenPolicy, wish?: IntervalWish) => Predictor {
  const plan = deserialize(groups!) as GroupPredictorPlan;
  const plain = new GroupPredictor(plan);
  let parts: GroupIntervals | undefined;
  /** That of the wish of the last request, for making one takes a while where there are many groups. */
  let bounded: { wish: string; predictor: GroupPredictor } | undefined;
  const predictorOf = (wish: IntervalWish | undefined) => {
    if (wish === undefined) return plain;
    if (wish.kind === "conformal")
      throw badRequest("conformal intervals are those of one model, and these are models by group");
    if (intervals === undefined) throw badRequest(`the model has no intervals: ${noIntervals}`);
    const key = JSON.stringify([wish.kind, wish.level]);
    if (bounded?.wish !== key) {
      parts ??= deserialize(intervals) as GroupIntervals;
      const own = intervalsAt(parts, wish.kind, wish.level, tCritical);
      bounded = { wish: key, predictor: new GroupPredictor({ ...plan, intervals: own }) };
    }
    return bounded.predictor;
  };
  const named = (datatype: string) =>
    inputs.filter((input) => input.datatype === datatype).map(({ name }) => name);
  const [numbers, texts] = [named("FP64"), named("BYTES")];
  const numeric = plan.spec.numeric.map((column) => numbers.indexOf(column));
  const factors = plan.spec.text.map((column) => texts.indexOf(column));
  const place = { width: numbers.length, numeric, factors, group: texts.indexOf(plan.groupBy) };
  return (batch, unseen, wish) => rowsByGroup(predictorOf(wish), batch, unseen, place);
}

/** Where the raw columns lie in a batch: among its numbers, of which a row has `width`, and among its texts. */
interface Places {
  width: number;
  numeric: readonly number[];
  factors: readonly number[];
  group: number;
}

function rowsByGroup(
  predictor: GroupPredictor,
  batch: Batch,
  unseen: UnseenPolicy,
  { width, numeric, factors, group }: Places,
): Predictor {
  const buffers = numeric.map(() => new Float64Array(BLOCK_ROWS));
  const coded = factors.map((at) => batch.texts[at]!);
  const own = batch.texts[group]!;
  return (out, from, to) => {
    const X = batch.numbers(from, to);
    for (let start = from; start < to; start += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, to - start);
      const raw: RawBlock = {
        numeric: buffers,
        codes: coded.map(({ codes }) => codes.subarray(start, start + rows)),
        levels: coded.map(({ names }) => names),
        group: { codes: own.codes.subarray(start, start + rows), names: own.names },
      };
      numeric.forEach((at, j) => {
        const buffer = buffers[j]!;
        for (let r = 0, k = (start - from) * width + at; r < rows; r++, k += width) buffer[r] = X[k]!;
      });
      predictor.predict(raw, 0, rows);
      if (unseen === "fail") refuse(predictor, batch.firstRow + start);
      put(predictor, out, start, rows);
    }
  };
}

function put(predictor: GroupPredictor, out: Predicted, start: number, rows: number): void {
  out.prediction.set(predictor.predictions.subarray(0, rows), start);
  if (predictor.lower === undefined || predictor.upper === undefined) return;
  out.lower?.set(predictor.lower.subarray(0, rows), start);
  out.upper?.set(predictor.upper.subarray(0, rows), start);
}

function refuse({ unseen, outside }: GroupPredictor, start: number): void {
  const [first] = unseen;
  if (first !== undefined) throw unseenError(first, start);
  const [out] = outside;
  if (out !== undefined)
    throw badRequest(
      `row ${start + out.row}: ${out.term} depended on other inputs in the training data of its group, in a way that ` +
        "does not hold here, so that these data do not tell the prediction",
    );
}

function unseenError({ factor, level, row, why }: UnseenLevel, start: number): Error {
  return badRequest(
    why === undefined
      ? `row ${start + row}: ${factor} ${quoted(level)} was not in the training data`
      : `row ${start + row}: there is no model for ${factor} ${quoted(level)}: ${why}`,
  );
}
