import { parseNumber } from "../kernels/number.js";
import type { AskableModel } from "./askable.js";
import {
  type Batch,
  batchOf,
  type ColumnValues,
  checkDistinct,
  isNumbers,
  matrixStripes,
  numbersOf,
} from "./batch.js";
import { outputWishes } from "./output-wishes.js";
import type { IntervalWish, OutputWish } from "./question.js";
import { badRequest, listed, quoted } from "./request-error.js";
import {
  type BinaryData,
  type Json,
  objectOf,
  openRequest,
  readTensorHead,
  within,
} from "./request-tensors.js";
import type { InputColumn } from "./served.js";
import { OUTPUT } from "./served-model.js";
import { binaryNumbers, binaryTexts, jsonNumbers, jsonTexts } from "./tensor.js";

/** An inference request of the Open Inference Protocol, read and checked against a model. */
export interface InferRequest {
  readonly id: string | undefined;
  readonly batch: Batch;
  /** What is asked for, in this order. */
  readonly outputs: readonly OutputWish[];
  /** What lower and upper are, where they are asked for. */
  readonly interval: IntervalWish | undefined;
}

/** What may be done with a request where it is read. */
export interface ReadLimits {
  /** Called with the number of elements of each tensor before they are read. */
  readonly elements: (count: number) => void;
}

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly values: ColumnValues;
}

/** The most rows of a model without inputs, whose rows take no bytes of the body. */
const MOST_EMPTY_ROWS = 1_000_000;

/** The name of the one n × p tensor, where the columns are not sent one by one. */
const MATRIX = "input";

/**
 * Reads the body of `POST …/infer`: a JSON object and, after its `headerLength` bytes, the binary data of the
 * tensors that have `binary_data_size` (the binary tensor data extension).
 *
 * Columns come one tensor each, by name, of shape [n] or [n, 1], or all in one tensor of shape [n, p] in the
 * model's order.
 *
 * @throws RequestError (400)
 */
export function readInferRequest(
  model: AskableModel,
  body: Uint8Array,
  headerLength: number | undefined,
  limits: ReadLimits,
): InferRequest {
  const { request, id, inputs, rest } = openRequest(body, headerLength);
  const interval = intervalOf(request);
  const outputs = outputWishes(request, interval === undefined ? [OUTPUT] : [OUTPUT, "lower", "upper"]);
  const tensors = inputs.map((input, i) => readTensor(input, `inputs[${i}]`, rest, limits));
  rest.end();
  return { id, batch: gather(model, tensors), outputs, interval };
}

function readTensor(input: unknown, where: string, rest: BinaryData, limits: ReadLimits): Tensor {
  const { name, shape, datatype, count, label, data, bytes } = readTensorHead(input, where, rest, 1);
  limits.elements(count);
  const text = datatype === "BYTES";
  const values: ColumnValues = within(where, label, () => {
    if (bytes !== undefined) return text ? binaryTexts(bytes, count) : binaryNumbers(bytes, datatype, count);
    return text ? jsonTexts(data, shape) : jsonNumbers(data, shape, datatype);
  });
  return { name, shape, datatype, values };
}

function gather(model: AskableModel, tensors: readonly Tensor[]): Batch {
  const aside = model.aside && tensors.find(({ name }) => name === model.aside!.name);
  if (aside === undefined) return gatherInputs(model, tensors);
  const batch = gatherInputs(
    model,
    tensors.filter((tensor) => tensor !== aside),
  );
  const alone = { inputs: [model.aside!], width: 1 };
  return { ...batch, aside: batchOf(alone, batch.rows, (input) => columnOf(aside, input, batch.rows)) };
}

function gatherInputs(model: AskableModel, tensors: readonly Tensor[]): Batch {
  const first = tensors[0];
  if (first === undefined) throw badRequest("inputs is empty");
  const known = model.position;
  if (tensors.length === 1 && isMatrix(first, known)) return matrixBatch(model, first);
  const stranger = tensors.find(({ name }) => !known.has(name));
  if (stranger !== undefined)
    throw badRequest(
      `the model has no input ${quoted(stranger.name)}; it has ${namesOf(model)}, or all of them in one tensor "${MATRIX}"`,
    );
  checkDistinct(
    tensors.map(({ name }) => name),
    "input",
  );
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const rows = first.shape[0]!;
  return batchOf(model, rows, (input) => {
    const tensor = byName.get(input.name);
    return tensor && columnOf(tensor, input, rows, first.name);
  });
}

/** A tensor's values as one column of the model. @throws RequestError (400) for another shape or type */
function columnOf(
  { shape, values, datatype: given }: Tensor,
  { name, datatype }: InputColumn,
  rows: number,
  other = "input",
): ColumnValues {
  if (shape[0] !== rows)
    throw badRequest(`input ${quoted(name)} has ${shape[0]} rows, input ${quoted(other)} has ${rows}`);
  if (shape.length > 2 || (shape.length === 2 && shape[1] !== 1))
    throw badRequest(
      `input ${quoted(name)} has shape [${shape.join(", ")}], expected [n] or [n, 1]; all columns in one tensor are called "${MATRIX}"`,
    );
  const readable = datatype === "FP64" ? isNumbers(values) : !isNumbers(values) || values.bool;
  if (!readable) throw badRequest(`input ${quoted(name)} is ${given}, the model reads ${datatype}`);
  return values;
}

/** The tensor of all columns has a name of its own; a column that is called the same is told by its shape. */
function isMatrix({ name, shape }: Tensor, known: ReadonlyMap<string, number>): boolean {
  if (name !== MATRIX || shape.length !== 2) return false;
  return !known.has(name) || (shape[1] !== 1 && shape[1] === known.size);
}

function matrixBatch(model: AskableModel, { name, shape, values, datatype }: Tensor): Batch {
  const p = model.inputs.length;
  const rows = shape[0]!;
  if (shape[1] !== p)
    throw badRequest(
      `input ${quoted(name)} has shape [${shape.join(", ")}], expected [n, ${p}]: ${namesOf(model)}`,
    );
  if (p === 0 && rows > MOST_EMPTY_ROWS)
    throw badRequest(
      `input ${quoted(name)} has ${rows} rows, of a model without inputs at most ${MOST_EMPTY_ROWS}`,
    );
  if (isNumbers(values)) {
    const text = model.inputs.find((input) => input.datatype === "BYTES");
    if (text !== undefined)
      throw badRequest(
        `input ${quoted(text.name)} is text: send the columns one by one, or all of them as BYTES, not ${datatype}`,
      );
    return { rows, firstRow: 0, texts: [], numbers: matrixStripes(values, p) };
  }
  return batchOf(model, rows, (input) => {
    const j = model.position.get(input.name)!;
    const cells = Array.from({ length: rows }, (_, i) => values[i * p + j]!);
    if (input.datatype === "BYTES") return cells;
    return numbersOf(Float64Array.from(cells, (cell, i) => numberOf(cell, input.name, i)));
  });
}

function numberOf(cell: string, column: string, row: number): number {
  const value = parseNumber(cell);
  if (value === undefined)
    throw badRequest(`row ${row} of column ${quoted(column)} is ${quoted(cell)}, expected a number`);
  return value;
}

/** The interval that the request's parameters `interval` and `level` ask for. */
function intervalOf({ parameters }: Json): IntervalWish | undefined {
  if (parameters === undefined) return undefined;
  const { interval, level = 0.95 } = objectOf(parameters, "parameters");
  if (typeof level !== "number" || !(level > 0 && level < 1))
    throw badRequest(`level should be a number between 0 and 1, got ${quoted(level)}`);
  if (interval === undefined || interval === "none") return undefined;
  if (interval !== "prediction" && interval !== "confidence" && interval !== "conformal")
    throw badRequest(
      `interval should be "prediction", "confidence", "conformal" or "none", got ${quoted(interval)}`,
    );
  return { kind: interval, level };
}

function namesOf(model: AskableModel): string {
  return listed(model.inputs.map(({ name }) => name));
}
