import { parentPort } from "node:worker_threads";
import { DataError, GomlError, InterruptedError, ModelError, type Place, UsageError } from "../errors.js";

/** What a worker sends back for a job: the answer, or the error in a form that survives the thread boundary. */
export type Reply<Answer> = { readonly answer: Answer } | { readonly failure: Failure };

/** An error as it crosses threads: structured clone would lose its class and its hint. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly exitCode: GomlError["exitCode"] | undefined;
  /** For a DataError: its problem and its place. */
  readonly data: { readonly problem: string; readonly place: Place } | undefined;
}

/**
 * Makes this thread a worker of a `WorkerPool`: each job that the pool sends is answered with `answer(job)`.
 *
 * `transfer` lists the buffers of an answer that are handed over instead of copied.
 *
 * What `answer` throws reaches the caller of `pool.run` with its message, hint and exit code. Call it once, at the
 * top level of a worker's entry file.
 */
export function answerJobs<Job, Answer>(
  answer: (job: Job) => Answer | Promise<Answer>,
  transfer: (answer: Answer) => readonly ArrayBuffer[] = () => [],
): void {
  const port = parentPort;
  if (port === null) throw new Error("answerJobs runs in a worker thread");
  port.on("message", async (job: Job) => {
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
  if (!(error instanceof Error))
    return { name: "Error", message: String(error), hint: undefined, exitCode: undefined, data: undefined };
  const known = error instanceof GomlError ? error : undefined;
  return {
    name: error.name,
    message: error.message,
    hint: known?.hint,
    exitCode: known?.exitCode,
    data: error instanceof DataError ? { problem: error.problem, place: error.place } : undefined,
  };
}

/** The error of a failure, of the class that its exit code stands for: names do not survive minifying. */
export function errorOf({ name, message, hint, exitCode, data }: Failure): Error {
  if (data !== undefined) return new DataError(data.problem, { place: data.place, hint });
  if (exitCode === 2) return new UsageError(message, { hint });
  if (exitCode === 4) return new ModelError(message, { hint });
  if (exitCode === 130) return new InterruptedError(message);
  if (exitCode !== undefined) return new GomlError(exitCode, message, { hint });
  const error = new Error(message);
  error.name = name;
  return error;
}
