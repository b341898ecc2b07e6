import { deserialize } from "node:v8";
import type { UnseenLevel } from "../dataset/formula/design.js";
import type { RawBlock } from "../dataset/formula/raw-block.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { BlockPredictor, type PredictorPlan } from "../linear/model/block-predictor.js";
import { IntervalBlock } from "../linear/model/interval.js";
import { predictRows } from "../linear/model/predict-rows.js";
import type { OutsideRow } from "../linear/model/row-space.js";
import type { UnseenPolicy } from "../linear/model/unseen.js";
import { WithinBlock } from "../linear/model/within-block.js";
import { tCritical } from "../stats/distributions.js";
import type { Batch, BatchShape } from "./batch.js";
import type { Predicted, Predictor } from "./predicted.js";
import type { IntervalWish } from "./question.js";
import { badRequest, listed, quoted } from "./request-error.js";
import { ServedConformal } from "./served-conformal.js";
import { groupsPredictor } from "./served-groups.js";
import type { IntervalParts, ModelDescription, ServedRegression } from "./served-model.js";

/** A model made ready in this thread to be asked. */
export interface AskableModel extends BatchShape {
  /** Name and version as an answer's JSON has them. */
  readonly named: string;
  /** The position of each input by name. */
  readonly position: ReadonlyMap<string, number>;
  /** A predictor of a batch's rows. @throws RequestError (400) where the model has no intervals */
  readonly predictor: (batch: Batch, unseen: UnseenPolicy, interval?: IntervalWish) => Predictor;
}

/** The models that a thread has made ready, each until another one takes its name and version. */
export class AskableModels {
  private readonly ready = new Map<string, AskableModel>();
  private readonly current = new Map<string, string>();

  of(model: ServedRegression): AskableModel {
    const known = this.ready.get(model.id);
    if (known !== undefined) return known;
    const askable = makeReady(model);
    const key = `${model.version} ${model.name}`;
    this.ready.delete(this.current.get(key) ?? "");
    this.current.set(key, model.id);
    this.ready.set(model.id, askable);
    return askable;
  }
}

/** A model made ready anew, outside of what the thread keeps. */
export function makeReady(model: ServedRegression): AskableModel {
  const { name, version, weights, description } = model;
  const bytes = Buffer.from(description.buffer, description.byteOffset, description.byteLength);
  const { inputs, plan, aside } = JSON.parse(bytes.toString()) as ModelDescription;
  const width = inputs.filter(({ datatype }) => datatype === "FP64").length;
  const formula = plan && formulaModel({ ...plan, weights }, inputs);
  let parts: IntervalParts | undefined;
  let calibrated: ServedConformal | undefined;
  const bounds = (batch: Batch, wish: IntervalWish | undefined): Bounds | undefined => {
    if (wish === undefined) return undefined;
    if (wish.kind === "conformal") {
      if (model.conformal === undefined)
        throw badRequest("the model has no conformal intervals: nothing was calibrated when it was made");
      calibrated ??= new ServedConformal(model.conformal, inputs);
      return calibrated.of(batch, wish.level);
    }
    if (model.intervals === undefined) throw badRequest(`the model has no intervals: ${model.noIntervals}`);
    parts ??= deserialize(model.intervals) as IntervalParts;
    const { df } = parts;
    const critical = df > 0 ? tCritical(wish.level, df) : Number.NaN;
    return new IntervalBlock({ ...parts, kind: wish.kind, critical });
  };
  const groups = model.groups && groupsPredictor(model, inputs);
  return {
    named: `"model_name":${JSON.stringify(name)},"model_version":${JSON.stringify(version)}`,
    inputs,
    aside,
    position: new Map(inputs.map((input, j) => [input.name, j])),
    width,
    predictor:
      groups ??
      (formula === undefined
        ? (batch, _unseen, wish) => plainPredictor(batch, weights, bounds(batch, wish))
        : (batch, unseen, wish) => formulaPredictor(formula, batch, unseen, bounds(batch, wish))),
  };
}

/** Each input is a term of its own: a row times θ. */
function plainPredictor(batch: Batch, weights: Float64Array, bounds: Bounds | undefined): Predictor {
  const width = weights.length - 1;
  const intervals = bounds instanceof IntervalBlock ? bounds : undefined;
  const columns = intervals && Array.from({ length: width }, () => new Float64Array(BLOCK_ROWS));
  return (out, from, to) => {
    const X = batch.numbers(from, to);
    predictRows(X, weights, out.prediction.subarray(from, to), 0, to - from);
    if (bounds !== undefined && !(bounds instanceof IntervalBlock))
      for (let start = from; start < to; start += BLOCK_ROWS) {
        const rows = Math.min(BLOCK_ROWS, to - start);
        const block = X.subarray((start - from) * width, (start - from + rows) * width);
        fillConformal(bounds, out, start, rows, (theta, into) => predictRows(block, theta, into, 0, rows));
      }
    if (intervals === undefined || columns === undefined) return;
    for (let start = from; start < to; start += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, to - start);
      columns.forEach((column, j) => {
        for (let r = 0, k = (start - from) * width + j; r < rows; r++, k += width) column[r] = X[k]!;
      });
      fillIntervals(intervals, out, start, rows, (j) => columns[j]!);
    }
  };
}

/** What a formula's model is made ready to: its predictor, and where the raw columns that it reads lie in a batch. */
interface FormulaModel {
  readonly blocks: BlockPredictor;
  readonly levels: PredictorPlan["levels"];
  /** The number of numeric inputs. */
  readonly width: number;
  readonly numeric: readonly number[];
  readonly texts: readonly number[];
  readonly buffers: readonly Float64Array[];
}

function formulaModel(plan: PredictorPlan, inputs: ModelDescription["inputs"]): FormulaModel {
  const named = (datatype: string) =>
    inputs.filter((input) => input.datatype === datatype).map(({ name }) => name);
  const [numeric, texts] = [named("FP64"), named("BYTES")];
  return {
    blocks: new BlockPredictor(plan),
    levels: plan.levels,
    width: numeric.length,
    numeric: plan.spec.numeric.map((column) => numeric.indexOf(column)),
    texts: plan.spec.text.map((column) => texts.indexOf(column)),
    buffers: plan.spec.numeric.map(() => new Float64Array(BLOCK_ROWS)),
  };
}

/** The model's own columns are made of the raw ones. */
function formulaPredictor(
  { blocks, levels, width, numeric, texts, buffers }: FormulaModel,
  batch: Batch,
  unseen: UnseenPolicy,
  bounds: Bounds | undefined,
): Predictor {
  const intervals = bounds instanceof IntervalBlock ? bounds : undefined;
  const coded = texts.map((at) => batch.texts[at]!);
  const raw: RawBlock = {
    numeric: buffers,
    codes: coded.map(() => new Int32Array(BLOCK_ROWS)),
    levels: coded.map(({ names }) => names),
  };
  const within = intervals && new WithinBlock(intervals.within, blocks);
  return (out, from, to) => {
    const X = batch.numbers(from, to);
    for (let start = from; start < to; start += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, to - start);
      numeric.forEach((at, j) => {
        const buffer = buffers[j]!;
        for (let r = 0, k = (start - from) * width + at; r < rows; r++, k += width) buffer[r] = X[k]!;
      });
      coded.forEach(({ codes }, j) => {
        raw.codes[j]!.set(codes.subarray(start, start + rows));
      });
      blocks.predict(raw, 0, rows);
      if (unseen === "fail" && blocks.unseen.length > 0)
        throw unseenError(blocks.unseen[0]!, batch.firstRow + start, levels);
      if (unseen === "fail" && blocks.outside.length > 0)
        throw outsideError(blocks.outside[0]!, batch.firstRow + start);
      out.prediction.set(blocks.predictions.subarray(0, rows), start);
      if (bounds !== undefined && !(bounds instanceof IntervalBlock))
        fillConformal(bounds, out, start, rows, (theta, into) => blocks.predictBy(theta, into, rows));
      if (intervals === undefined || within === undefined) continue;
      within.fill(rows);
      fillIntervals(intervals, out, start, rows, (j) => within.column(j), within.leverage);
    }
  };
}

/** What bounds predictions: intervals of least squares, or those of a calibration. */
type Bounds = IntervalBlock | ReturnType<ServedConformal["of"]>;

function fillConformal(
  { block, groups }: Exclude<Bounds, IntervalBlock>,
  { prediction, lower, upper }: Predicted,
  start: number,
  rows: number,
  predictBy: (weights: Float64Array, into: Float64Array) => void,
): void {
  block.fill(prediction.subarray(start, start + rows), rows, predictBy, groups && ((r) => groups(start + r)));
  lower?.set(block.lower.subarray(0, rows), start);
  upper?.set(block.upper.subarray(0, rows), start);
}

function fillIntervals(
  intervals: IntervalBlock,
  { prediction, lower, upper }: Predicted,
  start: number,
  rows: number,
  column: (j: number) => Float64Array,
  leverage?: Float64Array,
): void {
  intervals.fill(prediction.subarray(start, start + rows), column, rows, leverage);
  lower?.set(intervals.lower.subarray(0, rows), start);
  upper?.set(intervals.upper.subarray(0, rows), start);
}

function outsideError({ row, term }: OutsideRow, start: number): Error {
  return badRequest(
    `row ${start + row}: ${term} depended on other inputs in the training data, in a way that does not hold here, ` +
      "so that these data do not tell the prediction",
  );
}

function unseenError(
  { factor, level, row }: UnseenLevel,
  start: number,
  levels: Readonly<Record<string, readonly string[]>>,
): Error {
  return badRequest(
    `row ${start + row}: ${factor} ${quoted(level)} was not in the training data, which had ${listed(levels[factor] ?? [], 10)}`,
  );
}
