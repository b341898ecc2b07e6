import { parentPort, threadId } from "node:worker_threads";
import {
  DataError,
  type ErrorKind,
  GomlError,
  InterruptedError,
  ModelError,
  type Place,
  UsageError,
} from "../errors.js";
import { plainText, type Wording } from "../wording.js";
import { thisThread } from "./this-thread.js";

/** What a `WorkerPool` sends to a worker: perhaps what all jobs have in common, and then jobs. */
export type Message<Job> = { readonly setup: unknown } | { readonly job: Job };

/** What a worker sends back for a job: the answer, or the error in a form that survives the thread boundary. */
export type Reply<Answer> = { readonly answer: Answer } | { readonly failure: Failure };

/** An error as it crosses threads: structured clone would lose its class and its hint. */
export interface Failure {
  readonly name: string;
  readonly message: Wording;
  readonly hint: Wording | undefined;
  readonly kind: ErrorKind | undefined;
  /** Of a DataError, whose message is then without it. */
  readonly place: Place | undefined;
}

/**
 * Makes this thread a worker of a `WorkerPool`: each job that the pool sends is answered with `answer(job)`.
 *
 * `transfer` lists the buffers of an answer that are handed over instead of copied; `begin` takes the pool's setup, before the
 * first job.
 *
 * What `answer` throws reaches the caller of `pool.run` with its message, hint and kind. Call it once, at the
 * top level of a worker's entry file.
 */
export function answerJobs<Job, Answer>(
  answer: (job: Job) => Answer | Promise<Answer>,
  transfer: (answer: Answer) => readonly ArrayBuffer[] = () => [],
  begin?: (setup: never) => void,
): void {
  const port = parentPort;
  if (port === null) throw new Error("answerJobs runs in a worker thread");
  thisThread.number = threadId;
  port.on("message", async (message: Message<Job>) => {
    if ("setup" in message) return begin?.(message.setup as never);
    const { job } = message;
    let reply: Reply<Answer>;
    let buffers: readonly ArrayBuffer[] = [];
    try {
      reply = { answer: await answer(job) };
      buffers = transfer(reply.answer);
    } catch (error) {
      reply = { failure: failureOf(error) };
    }
    port.postMessage(reply, buffers);
  });
}

/** An error in a form that can leave the thread; `errorOf` makes an error of it again. */
export function failureOf(error: unknown): Failure {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  if (!(error instanceof GomlError))
    return { name, message, hint: undefined, kind: undefined, place: undefined };
  const { kind, words } = error;
  if (error instanceof DataError)
    return { name, message: words.problem, hint: words.hint, kind, place: error.place };
  return { name, message: words.message, hint: words.hint, kind, place: undefined };
}

/** The error of a failure, of the class that its kind stands for: names do not survive minifying. */
export function errorOf({ name, message, hint, kind, place }: Failure): Error {
  if (place !== undefined) return new DataError(message, { place, hint });
  if (kind === "usage") return new UsageError(message, { hint });
  if (kind === "model") return new ModelError(message, { hint });
  if (kind === "interrupted") return new InterruptedError(message);
  if (kind !== undefined) return new GomlError(kind, message, { hint });
  const error = new Error(plainText(message));
  error.name = name;
  return error;
}
