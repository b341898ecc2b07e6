import type { UnseenPolicy } from "../linear/model/unseen.js";
import type { AskableModel } from "./askable.js";
import { readCsvBody } from "./csv-body.js";
import { type InferRequest, readInferRequest } from "./infer-request.js";
import { readInvocation } from "./invocation.js";
import { type Checkpoint, predictInto } from "./predictions.js";
import { badRequest } from "./request-error.js";
import { OUTPUT } from "./served-model.js";

/** What the bytes of a request are: the protocol's JSON (and binary data), or MLflow's JSON or CSV. */
export type Dialect = "infer" | "invocations" | "csv";

/** A request whose body has arrived; plain data, so that it can go to a worker. */
export interface Question {
  readonly dialect: Dialect;
  readonly body: Uint8Array;
  /** Bytes of JSON before the binary data, where the request has the header that says so. */
  readonly headerLength: number | undefined;
  readonly unseen: UnseenPolicy;
}

/** An answer with status 200, ready to be sent. */
export interface Answer {
  readonly rows: number;
  readonly body: string | Uint8Array;
  /** Bytes of JSON before the binary data, where there are any. */
  readonly headerLength: number | undefined;
}

/**
 * Answers a request: reads the body, predicts, writes the answer. The same function on the event loop and on a
 * worker thread, so that a request is answered alike wherever that happens.
 *
 * @param shared whether binary data of the answer should lie in shared memory
 * @throws RequestError for a body that the model cannot answer; what `checkpoint` throws
 */
export function answer(
  model: AskableModel,
  { dialect, body, headerLength, unseen }: Question,
  shared: boolean,
  checkpoint: Checkpoint,
): Answer {
  if (dialect === "infer")
    return answerInfer(model, readInferRequest(model, body, headerLength), unseen, shared, checkpoint);
  const batch = dialect === "csv" ? readCsvBody(model, body) : readInvocation(model, body);
  const out = new Float64Array(batch.rows);
  predictInto(model, batch, out, unseen, checkpoint);
  // A missing cell makes a missing prediction, as NaN of a data frame does; JSON's word for it is null.
  const text = out.every(Number.isFinite)
    ? out.join(",")
    : Array.from(out, (v) => (Number.isFinite(v) ? v : "null")).join(",");
  return { rows: batch.rows, body: `{"predictions":[${text}]}`, headerLength: undefined };
}

function answerInfer(
  model: AskableModel,
  { id, batch, binary }: InferRequest,
  unseen: UnseenPolicy,
  shared: boolean,
  checkpoint: Checkpoint,
): Answer {
  const { rows } = batch;
  const head =
    `{${model.named},${id === undefined ? "" : `"id":${JSON.stringify(id)},`}` +
    `"outputs":[{"name":"${OUTPUT}","shape":[${rows}],"datatype":"FP64",`;
  if (!binary) {
    const out = new Float64Array(rows);
    predictInto(model, batch, out, unseen, checkpoint);
    const bad = out.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0)
      throw badRequest(
        `the prediction of row ${bad} is ${out[bad]}, which JSON cannot carry; ask for it with the parameter binary_data_output`,
      );
    checkpoint();
    return { rows, body: `${head}"data":[${out.join(",")}]}]}`, headerLength: undefined };
  }
  // Spaces after the JSON put the numbers on a multiple of 8, where they can be computed in place.
  const json = Buffer.from(`${head}"parameters":{"binary_data_size":${8 * rows}}}]}`);
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const memory = shared
    ? new SharedArrayBuffer(headerBytes + 8 * rows)
    : new ArrayBuffer(headerBytes + 8 * rows);
  const bytes = new Uint8Array(memory);
  bytes.set(json);
  bytes.fill(0x20, json.length, headerBytes);
  predictInto(model, batch, new Float64Array(memory, headerBytes, rows), unseen, checkpoint);
  return { rows, body: bytes, headerLength: headerBytes };
}
