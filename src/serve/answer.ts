import type { AskableModel } from "./askable.js";
import { checkAnswer } from "./cost.js";
import { csvBatches } from "./csv-body.js";
import { type InferRequest, readInferRequest } from "./infer-request.js";
import { readInvocation } from "./invocation.js";
import { JsonText } from "./json-text.js";
import type { Predicted } from "./predicted.js";
import { type Checkpoint, predictInto } from "./predictions.js";
import type { OutputWish, Question } from "./question.js";
import { badRequest } from "./request-error.js";
import { sharedMemory } from "./request-memory.js";

/** An answer with status 200, ready to be sent. */
export interface Answer {
  readonly rows: number;
  readonly body: string | Uint8Array;
  /** Bytes of JSON before the binary data, where there are any. */
  readonly headerLength: number | undefined;
}

/** Where a request is answered, and what that allows. */
export interface Place {
  /** Whether the answer should lie in shared memory. */
  readonly shared: boolean;
  /** The most numbers to read and to write; what has more is thrown out by `TooMuchHere`. */
  readonly mostNumbers: number;
  readonly checkpoint: Checkpoint;
}

/** The request is more work than its bytes showed: it belongs on a worker thread. */
export class TooMuchHere extends Error {}

/**
 * Answers a request: reads the body, predicts, writes the answer. The same function on the event loop and on a
 * worker thread, so that a request is answered alike wherever that happens.
 *
 * @throws RequestError for a body that the model cannot answer, or whose answer would be too large; TooMuchHere; what
 * `checkpoint` throws
 */
export function answer(model: AskableModel, question: Question, place: Place): Answer | Promise<Answer> {
  const { dialect, body, headerLength } = question;
  if (dialect === "csv") return answerCsv(model, question, place);
  const elements = (count: number) => fits(count, place);
  if (dialect === "infer")
    return answerInfer(model, readInferRequest(model, body, headerLength, { elements }), question, place);
  const batch = readInvocation(model, body);
  fits(batch.rows, place);
  checkAnswer(batch.rows, [{ name: "prediction", binary: false }], question, "MLflow");
  const prediction = new Float64Array(batch.rows);
  predictInto(model, batch, columns(prediction), question, place.checkpoint);
  const text = new JsonText(place, batch.rows).add('{"predictions":[');
  return { rows: batch.rows, body: text.nullable(prediction).add("]}").finish(), headerLength: undefined };
}

async function answerCsv(model: AskableModel, question: Question, place: Place): Promise<Answer> {
  const parts: Float64Array[] = [];
  let rows = 0;
  for await (const batch of csvBatches(model, question.body)) {
    rows += batch.rows;
    fits(rows, place);
    checkAnswer(rows, [{ name: "prediction", binary: false }], question, "MLflow");
    const prediction = new Float64Array(batch.rows);
    predictInto(model, batch, columns(prediction), question, place.checkpoint);
    parts.push(prediction);
  }
  const text = new JsonText(place, rows).add('{"predictions":[');
  parts.forEach((part, i) => {
    if (i > 0) text.add(",");
    text.nullable(part);
  });
  return { rows, body: text.add("]}").finish(), headerLength: undefined };
}

function answerInfer(
  model: AskableModel,
  { id, batch, outputs, interval }: InferRequest,
  question: Question,
  place: Place,
): Answer {
  const { rows } = batch;
  fits(rows * outputs.length, place);
  checkAnswer(rows, outputs, question, "V2");
  const [only] = outputs;
  if (outputs.length === 1 && only!.name === "prediction" && !only!.binary) {
    // What is asked for most often, and by small requests.
    const prediction = new Float64Array(rows);
    predictInto(model, batch, columns(prediction), question, place.checkpoint, interval);
    checkFinite(prediction, "prediction");
    place.checkpoint();
    const text = new JsonText(place, rows)
      .add(
        `${opening(model, id)}"outputs":[{"name":"prediction","shape":[${rows}],"datatype":"FP64","data":[`,
      )
      .numbers(prediction)
      .add("]}]}");
    return { rows, body: text.finish(), headerLength: undefined };
  }
  const { head, out, bytes, headerBytes } = layout(model, id, rows, outputs, place);
  predictInto(model, batch, out, question, place.checkpoint, interval);
  place.checkpoint();
  const json = outputs.filter(({ binary }) => !binary);
  for (const { name } of json) checkFinite(out[name]!, name);
  if (bytes !== undefined && json.length === 0) return { rows, body: bytes, headerLength: headerBytes };
  const text = new JsonText(place, rows * json.length).add(head[0]!);
  json.forEach(({ name }, i) => {
    text.numbers(out[name]!).add(head[i + 1]!);
  });
  if (bytes === undefined) return { rows, body: text.finish(), headerLength: undefined };
  const finished = text.finish();
  const written = typeof finished === "string" ? Buffer.from(finished) : finished;
  return { rows, body: Buffer.concat([written, bytes]), headerLength: written.length };
}

/**
 * The answer's JSON, cut where the numbers of its JSON outputs go, and the arrays of its outputs. Where all of them
 * go back as binary data, they are computed in place, behind the JSON, which spaces pad to a multiple of 8.
 */
function layout(
  model: AskableModel,
  id: string | undefined,
  rows: number,
  outputs: readonly OutputWish[],
  { shared }: Place,
): { head: string[]; out: Predicted; bytes: Uint8Array | undefined; headerBytes: number } {
  const binary = outputs.filter((output) => output.binary);
  const described = outputs.map((output) => {
    const values = output.binary ? `"parameters":{"binary_data_size":${8 * rows}}` : '"data":[\0]';
    return `{"name":"${output.name}","shape":[${rows}],"datatype":"FP64",${values}}`;
  });
  const text = `${opening(model, id)}"outputs":[${described.join(",")}]}`;
  const inPlace = binary.length === outputs.length;
  const headerBytes = inPlace ? Math.ceil(Buffer.byteLength(text) / 8) * 8 : 0;
  const size = headerBytes + 8 * rows * binary.length;
  const memory = shared && inPlace ? sharedMemory(size) : new ArrayBuffer(size);
  const bytes = binary.length === 0 ? undefined : new Uint8Array(memory, 0, size);
  if (inPlace) Buffer.from(memory).write(text.padEnd(text.length + headerBytes - Buffer.byteLength(text)));
  const arrays = new Map<string, Float64Array>();
  binary.forEach(({ name }, i) => {
    arrays.set(name, new Float64Array(memory, headerBytes + 8 * rows * i, rows));
  });
  const array = (name: string) => arrays.get(name) ?? (asked(name) ? new Float64Array(rows) : undefined);
  const asked = (name: string) => outputs.some((output) => output.name === name);
  const prediction = arrays.get("prediction") ?? new Float64Array(rows);
  // The names of columns, of a model and of an id are JSON, in which there is no zero character.
  return {
    head: text.split("\0"),
    out: { prediction, lower: array("lower"), upper: array("upper") },
    bytes,
    headerBytes,
  };
}

function opening(model: AskableModel, id: string | undefined): string {
  return `{${model.named},${id === undefined ? "" : `"id":${JSON.stringify(id)},`}`;
}

function columns(prediction: Float64Array): Predicted {
  return { prediction, lower: undefined, upper: undefined };
}

function fits(numbers: number, { mostNumbers }: Place): void {
  if (numbers > mostNumbers) throw new TooMuchHere();
}

function checkFinite(values: Float64Array, name: string): void {
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return;
  const what = name === "prediction" ? "prediction" : `${name} bound`;
  throw badRequest(
    `the ${what} of row ${bad} is ${values[bad]}, which JSON cannot carry; ask for it with the parameter binary_data_output`,
  );
}
