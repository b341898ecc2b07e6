import { parseNumber } from "../kernels/number.js";
import type { AskableModel } from "./askable.js";
import { type Batch, batchOf, type ColumnValues } from "./batch.js";
import { parseJson } from "./json.js";
import { badRequest, quoted } from "./request-error.js";
import { OUTPUT } from "./served-model.js";
import {
  binaryNumbers,
  binaryTexts,
  DATATYPES,
  isDatatype,
  jsonNumbers,
  jsonTexts,
  product,
} from "./tensor.js";

/** An inference request of the Open Inference Protocol, read and checked against a model. */
export interface InferRequest {
  readonly id: string | undefined;
  readonly batch: Batch;
  /** Whether the predictions go back as binary data. */
  readonly binary: boolean;
}

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly values: ColumnValues;
}

type Json = Record<string, unknown>;

/** The most rows of a model without inputs, whose rows take no bytes of the body. */
const MOST_EMPTY_ROWS = 1_000_000;

/** The name of the one n × p tensor, where the columns are not sent one by one; others will do as well. */
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
): InferRequest {
  if (headerLength !== undefined && headerLength > body.length)
    throw badRequest(`Inference-Header-Content-Length is ${headerLength}, the body has ${body.length} bytes`);
  const json = body.subarray(0, headerLength ?? body.length);
  const request = objectOf(parseJson(json), "the body");
  const { id, inputs } = request;
  if (id !== undefined && typeof id !== "string")
    throw badRequest(`id should be a string, got ${quoted(id)}`);
  if (!Array.isArray(inputs)) throw badRequest('the body has no "inputs", an array of tensors');
  const binary = wantsBinary(request);
  const rest = new BinaryData(body.subarray(json.length), headerLength !== undefined);
  const tensors = inputs.map((input, i) => readTensor(input, `inputs[${i}]`, rest));
  rest.end();
  return { id, batch: gather(model, tensors), binary };
}

/** The bytes after the JSON, taken from the front by one tensor after the other. */
class BinaryData {
  private at = 0;
  constructor(
    private readonly bytes: Uint8Array,
    private readonly announced: boolean,
  ) {}

  take(size: unknown, where: string): Uint8Array {
    if (!this.announced)
      throw badRequest(`${where} has binary_data_size, the request no Inference-Header-Content-Length`);
    if (!Number.isSafeInteger(size) || (size as number) < 0)
      throw badRequest(`${where}: binary_data_size should be a number of bytes, got ${quoted(size)}`);
    const from = this.at;
    this.at += size as number;
    if (this.at > this.bytes.length)
      throw badRequest(
        `${where}: binary_data_size is ${size}, the body has ${this.bytes.length - from} bytes left`,
      );
    return this.bytes.subarray(from, this.at);
  }

  end(): void {
    if (this.at !== this.bytes.length)
      throw badRequest(`the body has ${this.bytes.length - this.at} bytes of binary data too many`);
  }
}

function readTensor(input: unknown, where: string, rest: BinaryData): Tensor {
  const { name, shape, datatype, data, parameters } = objectOf(input, where);
  if (typeof name !== "string") throw badRequest(`${where} has no name`);
  const label = `${where} ${quoted(name)}`;
  if (!Array.isArray(shape) || !shape.every((d) => Number.isSafeInteger(d) && d >= 0) || shape.length === 0)
    throw badRequest(`${label}: shape should be an array of sizes, got ${quoted(shape)}`);
  if (typeof datatype !== "string" || !isDatatype(datatype))
    throw badRequest(`${label}: datatype ${quoted(datatype)} is none of ${DATATYPES.join(", ")}`);
  const count = product(shape);
  if (!Number.isSafeInteger(count)) throw badRequest(`${label}: shape [${shape.join(", ")}] is too large`);
  const size =
    parameters === undefined ? undefined : objectOf(parameters, `${label}: parameters`).binary_data_size;
  if ((size === undefined) === (data === undefined))
    throw badRequest(`${label} should have either data or the parameter binary_data_size`);
  try {
    const text = datatype === "BYTES";
    let values: ColumnValues;
    if (size !== undefined) {
      const bytes = rest.take(size, label);
      values = text ? binaryTexts(bytes, count) : binaryNumbers(bytes, datatype, count);
    } else values = text ? jsonTexts(data, shape) : jsonNumbers(data, shape, datatype);
    return { name, shape, datatype, values };
  } catch (error) {
    const { message } = error as Error;
    throw message.startsWith(where) ? error : badRequest(`${label}: ${message}`);
  }
}

function gather(model: AskableModel, tensors: readonly Tensor[]): Batch {
  const first = tensors[0];
  if (first === undefined) throw badRequest("inputs is empty");
  const known = model.position;
  if (tensors.length === 1 && isMatrix(first, known)) return matrixBatch(model, first);
  const byName = new Map<string, Tensor>();
  for (const tensor of tensors) {
    if (!known.has(tensor.name))
      throw badRequest(`the model has no input ${quoted(tensor.name)}; it has ${namesOf(model)}`);
    if (byName.has(tensor.name)) throw badRequest(`input ${quoted(tensor.name)} is there twice`);
    byName.set(tensor.name, tensor);
  }
  const rows = first.shape[0]!;
  return batchOf(model, rows, ({ name, datatype }) => {
    const tensor = byName.get(name);
    if (tensor === undefined) return undefined;
    const { shape, values } = tensor;
    if (shape[0] !== rows)
      throw badRequest(`input ${quoted(name)} has ${shape[0]} rows, input ${quoted(first.name)} has ${rows}`);
    if (shape.length > 2 || (shape.length === 2 && shape[1] !== 1))
      throw badRequest(`input ${quoted(name)} has shape [${shape.join(", ")}], expected [n] or [n, 1]`);
    if ((datatype === "BYTES") !== !(values instanceof Float64Array))
      throw badRequest(`input ${quoted(name)} is ${tensor.datatype}, the model reads ${datatype}`);
    return values;
  });
}

/** A tensor that has a column's name is that column, unless its shape is that of all columns together. */
function isMatrix({ name, shape }: Tensor, known: ReadonlyMap<string, number>): boolean {
  return !known.has(name)
    ? shape.length === 2
    : shape.length === 2 && shape[1] !== 1 && shape[1] === known.size;
}

function matrixBatch(model: AskableModel, { name, shape, values, datatype }: Tensor): Batch {
  const p = model.inputs.length;
  const rows = shape[0]!;
  if (p === 1 && name !== MATRIX && name !== model.inputs[0]!.name)
    throw badRequest(`the model has no input ${quoted(name)}; it has ${namesOf(model)}`);
  if (shape[1] !== p)
    throw badRequest(
      `input ${quoted(name)} has shape [${shape.join(", ")}], expected [n, ${p}]: ${namesOf(model)}`,
    );
  if (p === 0 && rows > MOST_EMPTY_ROWS)
    throw badRequest(
      `input ${quoted(name)} has ${rows} rows, of a model without inputs at most ${MOST_EMPTY_ROWS}`,
    );
  if (values instanceof Float64Array) {
    const text = model.inputs.find((input) => input.datatype === "BYTES");
    if (text !== undefined)
      throw badRequest(
        `input ${quoted(text.name)} is text: send the columns one by one, or all of them as BYTES, not ${datatype}`,
      );
    return { rows, numeric: values, texts: [] };
  }
  return batchOf(model, rows, (input) => {
    const j = model.position.get(input.name)!;
    const cells = Array.from({ length: rows }, (_, i) => values[i * p + j]!);
    return input.datatype === "BYTES"
      ? cells
      : Float64Array.from(cells, (cell, i) => numberOf(cell, input.name, i));
  });
}

function numberOf(cell: string, column: string, row: number): number {
  const value = parseNumber(cell);
  if (value === undefined)
    throw badRequest(`row ${row} of column ${quoted(column)} is ${quoted(cell)}, expected a number`);
  return value;
}

/** Whether `binary_data` of the output, or else `binary_data_output` of the request, asks for binary data. */
function wantsBinary({ parameters, outputs }: Json): boolean {
  const all =
    parameters === undefined ? undefined : flag(objectOf(parameters, "parameters"), "binary_data_output");
  if (outputs === undefined) return all ?? false;
  if (!Array.isArray(outputs)) throw badRequest(`outputs should be an array, got ${quoted(outputs)}`);
  let own: boolean | undefined;
  outputs.forEach((output, i) => {
    const { name, parameters: wishes } = objectOf(output, `outputs[${i}]`);
    if (name !== OUTPUT)
      throw badRequest(`the model has no output ${quoted(name)}; it has ${quoted(OUTPUT)}`);
    if (i > 0) throw badRequest(`output ${quoted(OUTPUT)} is there twice`);
    if (wishes !== undefined) own = flag(objectOf(wishes, `outputs[${i}]: parameters`), "binary_data");
  });
  return own ?? all ?? false;
}

function flag(parameters: Json, name: string): boolean | undefined {
  const value = parameters[name];
  if (value !== undefined && typeof value !== "boolean")
    throw badRequest(`${name} should be true or false, got ${quoted(value)}`);
  return value;
}

function objectOf(value: unknown, what: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw badRequest(`${what} should be a JSON object`);
  return value as Json;
}

function namesOf(model: AskableModel): string {
  const names = model.inputs.slice(0, 20).map(({ name }) => quoted(name));
  return names.join(", ") + (model.inputs.length > 20 ? ", …" : "");
}
