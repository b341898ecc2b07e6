import { DataError, GomlError } from "../errors.js";
import { OpError, Tensor } from "../machine/index.js";
import { loadOnnx, OnnxMachine, type OnnxTensor, StringTensor } from "../onnx/index.js";
import type { Answer } from "./answer.js";
import { JSON_NUMBER } from "./cost.js";
import { JsonText } from "./json-text.js";
import { type NetworkRequest, readNetworkRequest } from "./network-request.js";
import type { Question } from "./question.js";
import { badRequest, quoted, RequestError } from "./request-error.js";
import { sharedMemory } from "./request-memory.js";
import type { ServedNetwork } from "./served.js";
import { datatypeOf } from "./tensor.js";

/** How often it is looked at whether the client still waits, in milliseconds. */
const LOOK_MS = 10;

/** A network made ready in this thread. */
interface Ready {
  readonly id: string;
  readonly machine: OnnxMachine;
}

/** The networks that this thread has made ready, each until another one takes its name and version. */
const ready = new Map<string, Ready>();

function machineOf({ id, name, version, bytes, external }: ServedNetwork): OnnxMachine {
  const key = `${version} ${name}`;
  const known = ready.get(key);
  if (known?.id === id) return known.machine;
  const beside = (location: string) => {
    const own = external.get(location);
    if (own === undefined) throw new DataError(`${location} was not read with the model`);
    return own;
  };
  const machine = new OnnxMachine(loadOnnx(bytes, { external: beside }));
  void known?.machine.close();
  ready.set(key, { id, machine });
  return machine;
}

/**
 * Answers a request to a network on a worker thread, one op after another; between ops it looks whether the client has
 * gone.
 *
 * @throws RequestError for a body that the model cannot answer, or whose answer would be too large
 */
export async function answerNetwork(
  model: ServedNetwork,
  { body, headerLength, answerLimit }: Question,
  cancelled: Int32Array,
): Promise<Answer> {
  const request = readNetworkRequest(model, body, headerLength);
  const controller = new AbortController();
  const timer = setInterval(() => {
    if (Atomics.load(cancelled, 0) !== 0) controller.abort(new RequestError(499, "the client has gone"));
  }, LOOK_MS);
  try {
    const { outputs } = await machineOf(model).run(request.inputs, { signal: controller.signal });
    return write(model, request, outputs, answerLimit);
  } catch (error) {
    if (error instanceof RequestError) throw error;
    // What is wrong with a request is seen when it is planned: shapes that do not go together, values out of range.
    if (error instanceof RangeError || isTooLarge(error))
      throw new RequestError(413, "the request takes more memory than a network may have", { cause: error });
    // What is wrong with values, an op says when it runs: an index that is none.
    const why = error instanceof OpError ? error.cause : error;
    if (why instanceof GomlError || (error instanceof OpError && why instanceof RangeError))
      throw new RequestError(400, (error as Error).message, { cause: error });
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Memory that would pass 4 GiB, and constants of a plan that would take too much. */
function isTooLarge(error: unknown): boolean {
  return error instanceof Error && /4 GiB|of constants, more than/.test(error.message);
}

function write(
  { name, version }: ServedNetwork,
  { id, outputs, rows }: NetworkRequest,
  values: ReadonlyMap<string, OnnxTensor>,
  answerLimit: number,
): Answer {
  const given = outputs.map(({ name: output, binary }) => {
    const value = values.get(output);
    if (!(value instanceof Tensor || value instanceof StringTensor))
      throw badRequest(
        `output ${quoted(output)} is no tensor in this run, which is what the protocol can carry`,
      );
    return { name: output, binary, value, bytes: binary ? bytesOf(value) : undefined };
  });
  const size = given.reduce(
    (sum, { value, bytes }) => sum + (bytes?.length ?? JSON_NUMBER * elementsOf(value)),
    0,
  );
  if (size > answerLimit)
    throw new RequestError(
      413,
      `the answer would take about ${size} bytes, the limit is ${answerLimit}: ` +
        "ask for fewer outputs, for binary data with the parameter binary_data_output, or send smaller batches",
    );
  // Room for numbers is known; texts take what they take, and are counted in numbers' lengths.
  const room = given.reduce((sum, { name: output, value, binary }) => {
    const texts = binary || value instanceof Tensor ? 0 : JSON.stringify(value.strings).length / 8;
    return sum + Math.ceil(texts) + (binary ? 0 : elementsOf(value)) + output.length + 8;
  }, 0);
  const text = new JsonText({ shared: true }, room).add(
    `{"model_name":${JSON.stringify(name)},"model_version":${JSON.stringify(version)},` +
      `${id === undefined ? "" : `"id":${JSON.stringify(id)},`}"outputs":[`,
  );
  given.forEach(({ name: output, value, bytes }, i) => {
    const described = `${i > 0 ? "," : ""}{"name":${JSON.stringify(output)},"shape":[${value.shape.join()}],"datatype":"${datatypeOf(value.dtype)}",`;
    if (bytes !== undefined) text.add(`${described}"parameters":{"binary_data_size":${bytes.length}}}`);
    else {
      text.add(`${described}"data":[`);
      writeElements(text, output, value);
      text.add("]}");
    }
  });
  const json = text.add("]}").finish() as Uint8Array;
  const binary = given.flatMap(({ bytes }) => bytes ?? []);
  if (!outputs.some((output) => output.binary)) return { rows, body: json, headerLength: undefined };
  const length = binary.reduce((sum, bytes) => sum + bytes.length, json.length);
  const body = new Uint8Array(sharedMemory(length), 0, length);
  body.set(json);
  let at = json.length;
  for (const bytes of binary) {
    body.set(bytes, at);
    at += bytes.length;
  }
  return { rows, body, headerLength: json.length };
}

function elementsOf(value: Tensor | StringTensor): number {
  return value instanceof Tensor ? value.data.length : value.strings.length;
}

/** An output's elements as the binary extension has them: as they lie, texts with their lengths before them. */
function bytesOf(value: Tensor | StringTensor): Uint8Array {
  if (value instanceof Tensor) {
    const { buffer, byteOffset, byteLength } = value.data;
    return new Uint8Array(buffer, byteOffset, byteLength);
  }
  return Buffer.concat(
    value.strings.flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

function writeElements(text: JsonText, name: string, value: Tensor | StringTensor): void {
  if (value instanceof StringTensor) text.add(JSON.stringify(value.strings).slice(1, -1));
  else if (value.dtype === "bool") text.add(Array.from(value.data as Uint8Array, Boolean).join());
  else {
    if (value.data instanceof Float32Array || value.data instanceof Float64Array)
      checkFinite(value.data, name);
    text.numbers(value.data);
  }
}

function checkFinite(values: Float32Array | Float64Array, name: string): void {
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return;
  throw badRequest(
    `element ${bad} of output ${quoted(name)} is ${values[bad]}, which JSON cannot carry; ask for it with the parameter binary_data_output`,
  );
}
