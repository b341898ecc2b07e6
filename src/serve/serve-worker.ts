import { readlinkSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { answerJobs } from "../parallel/answer.js";
import { type Answer, answer, type Place } from "./answer.js";
import { AskableModels } from "./askable.js";
import type { Question } from "./question.js";
import { RequestError } from "./request-error.js";
import type { ServedModel } from "./served-model.js";

/** A request to answer, which may take longer than the event loop should wait. */
export interface ServeJob {
  readonly model: ServedModel;
  readonly question: Question;
  readonly cancelled: Int32Array;
}

/** The answer, its body in shared memory, or what was wrong with the request. */
export type ServeReply =
  | { readonly answer: Answer }
  | { readonly refused: { readonly status: number; readonly message: string } };

stepBack();

const models = new AskableModels();

answerJobs<ServeJob, ServeReply>(async ({ model, question, cancelled }) => {
  const checkpoint = () => {
    if (Atomics.load(cancelled, 0) !== 0) throw new RequestError(499, "the client has gone");
  };
  try {
    checkpoint();
    const place = { shared: true, mostNumbers: Number.POSITIVE_INFINITY, checkpoint };
    const { rows, body, headerLength } = await answerOf(model, question, place, cancelled);
    return { answer: { rows, body: typeof body === "string" ? sharedText(body) : body, headerLength } };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { refused: { status: error.status, message: error.message } };
  }
});

/** A network's machine is loaded where there is one: most servers have none. */
async function answerOf(
  model: ServedModel,
  question: Question,
  place: Place,
  cancelled: Int32Array,
): Promise<Answer> {
  if (model.kind === "regression") return answer(models.of(model), question, place);
  const { answerNetwork } = await import("./network-answer.js");
  return answerNetwork(model, question, cancelled);
}

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
