import { Message } from "../onnx/protobuf.js";
import { type MessageType, readMessage } from "../onnx/wire.js";
import type { Answer } from "./answer.js";
import { badRequest, quoted, RequestError } from "./request-error.js";

/**
 * The messages of the Open Inference Protocol over gRPC (open_inference.proto), and how they become the bodies that the
 * same protocol has over REST, with binary data: so that both are answered by the same code.
 */

const PARAMETER: MessageType = {
  name: "InferParameter",
  fields: {
    1: ["bool", "integer"],
    2: ["int64", "integer"],
    3: ["string", "text"],
    4: ["double", "double"],
    5: ["uint64", "integer"],
  },
};
const PARAMETERS: MessageType = {
  name: "parameters",
  fields: { 1: ["key", "text"], 2: ["value", PARAMETER] },
};
const INPUT: MessageType = {
  name: "InferInputTensor",
  fields: {
    1: ["name", "text"],
    2: ["datatype", "text"],
    3: ["shape", "integer", "repeated"],
    4: ["parameters", PARAMETERS, "repeated"],
    // Read once it is known how much there is of them.
    5: ["contents", "bytes"],
  },
};
const OUTPUT: MessageType = {
  name: "InferRequestedOutputTensor",
  fields: { 1: ["name", "text"], 2: ["parameters", PARAMETERS, "repeated"] },
};
const INFER: MessageType = {
  name: "ModelInferRequest",
  fields: {
    1: ["model_name", "text"],
    2: ["model_version", "text"],
    3: ["id", "text"],
    4: ["parameters", PARAMETERS, "repeated"],
    5: ["inputs", INPUT, "repeated"],
    6: ["outputs", OUTPUT, "repeated"],
    7: ["raw_input_contents", "bytes", "repeated"],
  },
};
const CONTENTS: MessageType = {
  name: "InferTensorContents",
  fields: {
    1: ["bool", "integer", "repeated"],
    2: ["int", "integer", "repeated"],
    3: ["int64", "bigint", "repeated"],
    4: ["uint", "integer", "repeated"],
    5: ["uint64", "bigint", "repeated"],
    6: ["fp32", "float", "repeated"],
    7: ["fp64", "double", "repeated"],
    8: ["bytes", "bytes", "repeated"],
  },
};
const NAMED: MessageType = { name: "request", fields: { 1: ["name", "text"], 2: ["version", "text"] } };

/** The list that a datatype's elements stand in, and an array of them as they lie in raw contents. */
const LISTS: Readonly<
  Record<string, readonly [list: string, field: number, raw: (values: never) => ArrayBufferView]>
> = {
  BOOL: ["bool", 1, (values: number[]) => Uint8Array.from(values)],
  INT8: ["int", 2, (values: number[]) => Int8Array.from(values)],
  INT16: ["int", 2, (values: number[]) => Int16Array.from(values)],
  INT32: ["int", 2, (values: number[]) => Int32Array.from(values)],
  INT64: ["int64", 3, (values: bigint[]) => BigInt64Array.from(values)],
  UINT8: ["uint", 4, (values: number[]) => Uint8Array.from(values)],
  UINT16: ["uint", 4, (values: number[]) => Uint16Array.from(values)],
  UINT32: ["uint", 4, (values: number[]) => Uint32Array.from(values)],
  UINT64: [
    "uint64",
    5,
    (values: bigint[]) => BigUint64Array.from(values, (value) => BigInt.asUintN(64, value)),
  ],
  FP32: ["fp32", 6, (values: number[]) => Float32Array.from(values)],
  FP64: ["fp64", 7, (values: number[]) => Float64Array.from(values)],
  BYTES: ["bytes", 8, (values: Uint8Array[]) => lengthsBefore(values)],
};

/** Which model a request names; without a version the highest. */
export interface NamedModel {
  name: string;
  version: string | undefined;
}

/** A request for an inference, as REST's body: its JSON, and behind it the binary data. */
export interface InferCall extends NamedModel {
  body: Uint8Array;
  headerLength: number;
  /** Whether the elements came as raw contents, and so go back. */
  raw: boolean;
}

/** What `readMessage` gives; other bytes are the client's fault. @throws RequestError (400) */
function read<T>(type: MessageType, bytes: Uint8Array): T {
  try {
    return readMessage(type, bytes) as T;
  } catch (error) {
    throw badRequest(
      `no ${type.name}: ${(error as Error).message.replace(/^no ONNX file, or a damaged one: /, "")}`,
    );
  }
}

/** The model that ModelReady and ModelMetadata ask for. @throws RequestError (400) */
export function readNamed(bytes: Uint8Array): NamedModel {
  const { name = "", version = "" } = read<{ name?: string; version?: string }>(NAMED, bytes);
  return { name, version: version || undefined };
}

/**
 * Reads a ModelInferRequest.
 *
 * @param mostContents bytes that contents may have which are not raw: they are read on the event loop
 * @throws RequestError (400, 413)
 */
export function readInfer(bytes: Uint8Array, mostContents: number): InferCall {
  const request = read<{
    model_name?: string;
    model_version?: string;
    id?: string;
    parameters: ParameterEntry[];
    inputs: InputMessage[];
    outputs: { name?: string; parameters: ParameterEntry[] }[];
    raw_input_contents: Uint8Array[];
  }>(INFER, bytes);
  const { id, inputs, outputs, raw_input_contents: contents } = request;
  const raw = contents.length > 0;
  if (raw && contents.length !== inputs.length)
    throw badRequest(`there are ${inputs.length} inputs, and raw_input_contents of ${contents.length}`);
  const spelled = inputs.reduce((sum, input) => sum + (input.contents?.length ?? 0), 0);
  if (spelled > mostContents)
    throw new RequestError(
      413,
      `the contents have ${spelled} bytes, the limit is ${mostContents}: send raw_input_contents, or smaller batches`,
    );
  const parts = inputs.map((input, i) => (raw ? rawOf(input, contents[i]!) : contentsOf(input)));
  const header = {
    ...(id === undefined ? {} : { id }),
    parameters: { ...parametersOf(request.parameters), binary_data_output: true },
    inputs: inputs.map(({ name = "", datatype = "", shape, parameters }, i) => ({
      name,
      datatype,
      shape,
      parameters: { ...parametersOf(parameters), binary_data_size: parts[i]!.byteLength },
    })),
    ...(outputs.length === 0
      ? {}
      : {
          outputs: outputs.map(({ name = "", parameters }) => ({
            name,
            parameters: { ...parametersOf(parameters), binary_data: true },
          })),
        }),
  };
  const json = Buffer.from(JSON.stringify(header));
  return {
    name: request.model_name ?? "",
    version: request.model_version || undefined,
    body: Buffer.concat([json, ...parts]),
    headerLength: json.length,
    raw,
  };
}

interface InputMessage {
  name?: string;
  datatype?: string;
  shape: number[];
  parameters: ParameterEntry[];
  contents?: Uint8Array;
}

function rawOf({ name = "", contents }: InputMessage, raw: Uint8Array): Uint8Array {
  if (contents !== undefined && contents.length > 0)
    throw badRequest(`input ${quoted(name)} has contents beside raw_input_contents`);
  return raw;
}

/** The elements of a tensor, as they would lie in raw contents. @throws RequestError (400) */
function contentsOf({ name = "", datatype = "", contents = new Uint8Array() }: InputMessage): Uint8Array {
  const [list, , rawBytes] = LISTS[datatype] ?? [];
  if (list === undefined || rawBytes === undefined)
    throw badRequest(
      `input ${quoted(name)} is ${quoted(datatype)}, which has no contents but raw_input_contents`,
    );
  const lists = read<Record<string, unknown[]>>(CONTENTS, contents);
  const other = Object.keys(lists).find((one) => one !== list && lists[one]!.length > 0);
  if (other !== undefined)
    throw badRequest(
      `input ${quoted(name)} is ${datatype}, whose elements are ${list}_contents, and has ${other}_contents`,
    );
  const { buffer, byteOffset, byteLength } = rawBytes(lists[list] as never);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Texts, each with its length before it, four bytes. */
function lengthsBefore(texts: readonly Uint8Array[]): Uint8Array {
  const out = Buffer.alloc(texts.reduce((sum, { length }) => sum + 4 + length, 0));
  let at = 0;
  for (const text of texts) {
    at = out.writeUInt32LE(text.length, at);
    out.set(text, at);
    at += text.length;
  }
  return out;
}

interface ParameterEntry {
  key?: string;
  value?: { bool?: number; int64?: number; string?: string; double?: number; uint64?: number };
}

function parametersOf(entries: readonly ParameterEntry[]): Record<string, boolean | number | string> {
  return Object.fromEntries(
    entries.flatMap(({ key = "", value = {} }) => {
      const { bool, int64, string, double, uint64 } = value;
      const one = bool === undefined ? (string ?? double ?? int64 ?? uint64) : bool !== 0;
      return one === undefined ? [] : [[key, one]];
    }),
  );
}

/** A tensor as metadata and answers describe it. */
interface TensorHead {
  name: string;
  datatype: string;
  shape: readonly number[];
}

function tensorMessage({ name, datatype, shape }: TensorHead): Message {
  const message = new Message().text(1, name).text(2, datatype);
  for (const length of shape) message.integer(3, length);
  return message;
}

/** A ModelInferResponse of an answer to `readInfer`'s body. */
export function inferResponse({ body, headerLength }: Answer, raw: boolean): Uint8Array {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const json = Buffer.from(bytes.buffer, bytes.byteOffset, headerLength ?? bytes.length).toString();
  const { model_name, model_version, id, outputs } = JSON.parse(json) as {
    model_name: string;
    model_version?: string;
    id?: string;
    outputs: (TensorHead & { parameters: { binary_data_size: number } })[];
  };
  const message = new Message().text(1, model_name);
  if (model_version !== undefined) message.text(2, model_version);
  if (id !== undefined) message.text(3, id);
  let at = headerLength ?? bytes.length;
  const contents = outputs.map(({ parameters }) => {
    const from = at;
    at += parameters.binary_data_size;
    return bytes.subarray(from, at);
  });
  // Elements of two bytes have no list of their own.
  const asRaw = raw || outputs.some(({ datatype }) => LISTS[datatype] === undefined);
  for (const [i, output] of outputs.entries()) {
    const tensor = tensorMessage(output);
    if (!asRaw) tensor.message(5, contentsMessage(output.datatype, contents[i]!));
    message.message(5, tensor);
  }
  if (asRaw) for (const part of contents) message.bytes(6, part);
  return message.encode();
}

function contentsMessage(datatype: string, raw: Uint8Array): Message {
  const [, field] = LISTS[datatype]!;
  const message = new Message();
  // Numbers of a fixed size are packed as they lie; others one by one.
  if (datatype === "FP64" || datatype === "FP32")
    return raw.length === 0 ? message : message.bytes(field, raw);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  if (datatype === "BYTES")
    for (let at = 0; at < raw.length; ) {
      const length = view.getUint32(at, true);
      message.bytes(field, raw.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
  else {
    const size = datatype === "BOOL" ? 1 : Number(/\d+$/.exec(datatype)![0]) / 8;
    for (let at = 0; at < raw.length; at += size) message.integer(field, elementAt(view, datatype, at));
  }
  return message;
}

function elementAt(view: DataView, datatype: string, at: number): bigint {
  switch (datatype) {
    case "INT8":
      return BigInt(view.getInt8(at));
    case "INT16":
      return BigInt(view.getInt16(at, true));
    case "INT32":
      return BigInt(view.getInt32(at, true));
    case "UINT16":
      return BigInt(view.getUint16(at, true));
    case "UINT32":
      return BigInt(view.getUint32(at, true));
    case "INT64":
      return view.getBigInt64(at, true);
    case "UINT64":
      return view.getBigUint64(at, true);
    default:
      return BigInt(view.getUint8(at));
  }
}

/** Answers of one truth value: ServerLive, ServerReady, ModelReady. */
export function truthResponse(value: boolean): Uint8Array {
  return value ? new Message().integer(1, 1).encode() : new Uint8Array();
}

/** A ServerMetadataResponse. */
export function serverResponse(of: {
  name: string;
  version: string;
  extensions: readonly string[];
}): Uint8Array {
  const message = new Message().text(1, of.name).text(2, of.version);
  for (const extension of of.extensions) message.text(3, extension);
  return message.encode();
}

/** A ModelMetadataResponse. */
export function modelResponse(of: {
  name: string;
  versions: readonly string[];
  platform: string;
  inputs: readonly TensorHead[];
  outputs: readonly TensorHead[];
}): Uint8Array {
  const message = new Message().text(1, of.name);
  for (const version of of.versions) message.text(2, version);
  message.text(3, of.platform);
  for (const input of of.inputs) message.message(4, tensorMessage(input));
  for (const output of of.outputs) message.message(5, tensorMessage(output));
  return message.encode();
}
