import { readlinkSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { readModel } from "../linear/model/model-file.js";
import { answerJobs } from "../parallel/answer.js";
import { type Answer, answer, type Question } from "./answer.js";
import { askable } from "./askable.js";
import { RequestError } from "./request-error.js";
import { type ServedModel, servedModel } from "./served-model.js";

/** A request to answer, or a model file to read: both may take longer than the event loop should wait. */
export type ServeJob =
  | { readonly model: ServedModel; readonly question: Question; readonly cancelled: Int32Array }
  | { readonly load: string; readonly name: string; readonly version: string };

/** The answer, its body in shared memory; what was wrong with the request; or a model. */
export type ServeReply =
  | { readonly answer: Answer }
  | { readonly refused: { readonly status: number; readonly message: string } }
  | { readonly model: ServedModel };

stepBack();

answerJobs<ServeJob, ServeReply>(async (job) => {
  if ("load" in job) return { model: servedModel(await readModel(job.load), job.name, job.version) };
  const { model, question, cancelled } = job;
  const checkpoint = () => {
    if (Atomics.load(cancelled, 0) !== 0) throw new RequestError(499, "the client has gone");
  };
  try {
    checkpoint();
    const { rows, body, headerLength } = answer(askable(model), question, true, checkpoint);
    return { answer: { rows, body: typeof body === "string" ? sharedText(body) : body, headerLength } };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { refused: { status: error.status, message: error.message } };
  }
});

/** A message would copy a buffer on the receiving thread, which is the one not to hold up. */
function sharedText(text: string): Uint8Array {
  const memory = new SharedArrayBuffer(Buffer.byteLength(text));
  Buffer.from(memory).write(text);
  return new Uint8Array(memory);
}

const STEP = 5;

/**
 * Where all cores are busy, the event loop goes first: on Linux a thread has a priority of its own, which this one
 * lowers. Elsewhere, and where that is not allowed, threads stay equals.
 */
function stepBack(): void {
  try {
    const thread = Number(/[0-9]+$/.exec(readlinkSync("/proc/thread-self"))?.[0]);
    if (thread > 0 && thread !== process.pid) setPriority(thread, Math.min(19, getPriority(thread) + STEP));
  } catch {
    // Nothing depends on it.
  }
}
