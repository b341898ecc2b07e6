import { Tensor } from "../machine/index.js";
import { StringTensor } from "../onnx/index.js";
import { checkDistinct } from "./batch.js";
import { outputWishes } from "./output-wishes.js";
import { badRequest, listed, quoted } from "./request-error.js";
import {
  type Json,
  objectOf,
  openRequest,
  readTensorHead,
  type TensorHead,
  within,
} from "./request-tensors.js";
import type { NetworkTensor, ServedNetwork } from "./served.js";
import { binaryTexts, checkTruths, jsonNumbers, jsonTexts } from "./tensor.js";

/** A request to a network, read and checked against what it declares. */
export interface NetworkRequest {
  readonly id: string | undefined;
  readonly inputs: ReadonlyMap<string, Tensor | StringTensor>;
  /** What is asked for, in this order. */
  readonly outputs: readonly { readonly name: string; readonly binary: boolean }[];
  /** The length of the first axis of the first input: as a rule, how many are in the batch. */
  readonly rows: number;
}

type Network = Pick<ServedNetwork, "inputs" | "outputs">;

/**
 * Reads the body of `POST …/infer` for a network: each input is one tensor of the datatype and shape that the model
 * declares.
 *
 * @throws RequestError (400)
 */
export function readNetworkRequest(
  model: Network,
  body: Uint8Array,
  headerLength: number | undefined,
): NetworkRequest {
  const { request, id, inputs: given, rest } = openRequest(body, headerLength);
  refuseIntervals(request);
  const outputs = outputWishes(
    request,
    model.outputs.map(({ name }) => name),
  );
  const inputs = new Map<string, Tensor | StringTensor>();
  const names: string[] = [];
  for (const [i, input] of given.entries()) {
    const where = `inputs[${i}]`;
    const head = readTensorHead(input, where, rest, 0);
    const declared = model.inputs.find(({ name }) => name === head.name);
    if (declared === undefined)
      throw badRequest(
        `the model has no input ${quoted(head.name)}; it has ${listed(model.inputs.map(({ name }) => name))}`,
      );
    checkFits(head, declared);
    inputs.set(
      head.name,
      within(where, head.label, () => tensorOf(head)),
    );
    names.push(head.name);
  }
  rest.end();
  checkDistinct(names, "input");
  const missing = model.inputs.filter(({ name }) => !inputs.has(name)).map(({ name }) => name);
  if (missing.length > 0)
    throw badRequest(
      `the request lacks ${missing.length === 1 ? "an input" : "inputs"} of the model: ${listed(missing)}`,
    );
  const rows = inputs.get(names[0]!)?.shape[0] ?? 1;
  return { id, inputs, outputs, rows };
}

function checkFits({ name, shape, datatype }: TensorHead, declared: NetworkTensor): void {
  if (datatype !== declared.datatype)
    throw badRequest(`input ${quoted(name)} is ${datatype}, the model reads ${declared.datatype}`);
  // A model may leave even the number of axes open; then one length, which is open, stands for them.
  const open = declared.shape.length === 1 && declared.shape[0] === -1;
  const fits =
    shape.length === declared.shape.length &&
    shape.every((length, axis) => declared.shape[axis] === -1 || declared.shape[axis] === length);
  if (!fits && !open)
    throw badRequest(
      `input ${quoted(name)} has shape [${shape.join(", ")}], expected [${declared.shape.join(", ")}] (-1 is any length)`,
    );
}

interface ArrayType {
  new (buffer: ArrayBufferLike, offset: number, length: number): Tensor["data"];
  from(values: Float64Array): Tensor["data"];
  readonly BYTES_PER_ELEMENT: number;
}

const ARRAYS: Readonly<Record<string, readonly [Tensor["dtype"], ArrayType]>> = {
  FP64: ["float64", Float64Array as unknown as ArrayType],
  FP32: ["float32", Float32Array as unknown as ArrayType],
  INT32: ["int32", Int32Array as unknown as ArrayType],
  INT16: ["int16", Int16Array as unknown as ArrayType],
  INT8: ["int8", Int8Array as unknown as ArrayType],
  UINT32: ["uint32", Uint32Array as unknown as ArrayType],
  UINT16: ["uint16", Uint16Array as unknown as ArrayType],
  UINT8: ["uint8", Uint8Array as unknown as ArrayType],
  BOOL: ["bool", Uint8Array as unknown as ArrayType],
  INT64: ["int64", big(BigInt64Array)],
  UINT64: ["uint64", big(BigUint64Array)],
};

function big(array: typeof BigInt64Array | typeof BigUint64Array): ArrayType {
  const from = (values: Float64Array) => array.from(Array.from(values, BigInt));
  return Object.assign(array.bind(null), { from, BYTES_PER_ELEMENT: 8 }) as unknown as ArrayType;
}

/** The tensor: a view of the body where its elements are aligned, else a copy. */
function tensorOf({ shape, datatype, count, data, bytes }: TensorHead): Tensor | StringTensor {
  if (datatype === "BYTES")
    return new StringTensor(bytes === undefined ? jsonTexts(data, shape) : binaryTexts(bytes, count), shape);
  const [dtype, array] = ARRAYS[datatype]!;
  if (bytes === undefined)
    return new Tensor(array.from(jsonNumbers(data, shape, datatype).array!), shape, dtype);
  const size = array.BYTES_PER_ELEMENT;
  if (bytes.length !== count * size)
    throw badRequest(`${count} elements of ${datatype} take ${count * size} bytes, got ${bytes.length}`);
  if (dtype === "bool") checkTruths(bytes);
  const own = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new Tensor(new array(own.buffer, own.byteOffset, count), shape, dtype);
}

function refuseIntervals({ parameters }: Json): void {
  const given = parameters === undefined ? {} : objectOf(parameters, "parameters");
  if (given.interval !== undefined && given.interval !== "none")
    throw badRequest("the model has no intervals: it is an ONNX model");
}
