import { parseJson } from "./json.js";
import { badRequest, quoted } from "./request-error.js";
import { DATATYPES, isDatatype, product } from "./tensor.js";

export type Json = Record<string, unknown>;

/** The most dimensions of a shape: every one costs a step of depth. */
const MOST_DIMENSIONS = 8;

/** The body of `POST …/infer`, opened: its JSON, and what is not read yet of the binary data behind it. */
export interface OpenedRequest {
  readonly request: Json;
  readonly id: string | undefined;
  readonly inputs: readonly unknown[];
  readonly rest: BinaryData;
}

/** A tensor as a request describes it; its elements are in either `data`, JSON, or `bytes`. */
export interface TensorHead {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  /** The number of elements that the shape has. */
  readonly count: number;
  readonly data: unknown;
  readonly bytes: Uint8Array | undefined;
  /** How messages name it. */
  readonly label: () => string;
}

/**
 * Opens the body of a request: a JSON object and, after its `headerLength` bytes, the binary data of the tensors that
 * have `binary_data_size` (the binary tensor data extension).
 *
 * @throws RequestError (400)
 */
export function openRequest(body: Uint8Array, headerLength: number | undefined): OpenedRequest {
  if (headerLength !== undefined && headerLength > body.length)
    throw badRequest(`Inference-Header-Content-Length is ${headerLength}, the body has ${body.length} bytes`);
  const json = body.subarray(0, headerLength ?? body.length);
  const request = objectOf(parseJson(json), "the body");
  const { id, inputs } = request;
  if (id !== undefined && typeof id !== "string")
    throw badRequest(`id should be a string, got ${quoted(id)}`);
  if (!Array.isArray(inputs)) throw badRequest('the body has no "inputs", an array of tensors');
  const rest = new BinaryData(body.subarray(json.length), headerLength !== undefined);
  return { request, id, inputs, rest };
}

/** The bytes after the JSON, taken from the front by one tensor after the other. */
export class BinaryData {
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

/** Reads all of a tensor but its elements. @param least the fewest dimensions it may have */
export function readTensorHead(input: unknown, where: string, rest: BinaryData, least: number): TensorHead {
  const { name, shape, datatype, data, parameters } = objectOf(input, where);
  if (typeof name !== "string") throw badRequest(`${where} has no name`);
  const label = () => `${where} ${quoted(name)}`;
  if (
    !Array.isArray(shape) ||
    shape.length < least ||
    shape.length > MOST_DIMENSIONS ||
    !shape.every((d) => Number.isSafeInteger(d) && d >= 0)
  )
    throw badRequest(`${label()}: shape should be an array of sizes, got ${quoted(shape)}`);
  if (typeof datatype !== "string" || !isDatatype(datatype))
    throw badRequest(`${label()}: datatype ${quoted(datatype)} is none of ${DATATYPES.join(", ")}`);
  const count = product(shape);
  if (!Number.isSafeInteger(count)) throw badRequest(`${label()}: shape [${shape.join(", ")}] is too large`);
  const size =
    parameters === undefined ? undefined : objectOf(parameters, label, ": parameters").binary_data_size;
  if ((size === undefined) === (data === undefined))
    throw badRequest(`${label()} should have either data or the parameter binary_data_size`);
  const bytes = size === undefined ? undefined : rest.take(size, label());
  return { name, shape, datatype, count, data, bytes, label };
}

/** What `read` gives; an error of it names the tensor that is read. */
export function within<T>(where: string, label: () => string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { message } = error as Error;
    throw message.startsWith(where) ? error : badRequest(`${label()}: ${message}`);
  }
}

/** A parameter that is true or false. @throws RequestError (400) */
export function flag(parameters: Json, name: string): boolean | undefined {
  const value = parameters[name];
  if (value !== undefined && typeof value !== "boolean")
    throw badRequest(`${name} should be true or false, got ${quoted(value)}`);
  return value;
}

/** @throws RequestError (400) for what is no object */
export function objectOf(value: unknown, what: string | (() => string), part = ""): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw badRequest(`${typeof what === "string" ? what : what()}${part} should be a JSON object`);
  return value as Json;
}
