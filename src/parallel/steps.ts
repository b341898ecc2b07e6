import { availableParallelism } from "node:os";
import { setImmediate as nextTick } from "node:timers/promises";
import { InterruptedError } from "../errors.js";

/** Work that other threads may do, or this one. */
export interface Task {
  /** Does it on this thread. */
  here(): void;
  /** Has it done by so many other threads; ends soon when `signal` aborts, and then rejects. */
  elsewhere(threads: number, signal: AbortSignal | undefined): Promise<void>;
}

/**
 * Work in steps: a generator that yields where others may run, or a task, and returns the result. The same work then can
 * be done in one go (`inOneGo`) or without holding up the thread (`withPauses`).
 */
export type Steps<Result> = Generator<Task | undefined, Result, void>;

/** How long a thread is held at a stretch, in milliseconds. */
const STRETCH_MS = 20;

/** Does work to its end on this thread. */
export function inOneGo<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    value?.here();
  }
}

/**
 * Does work on this thread for some milliseconds at a stretch, and its tasks on other threads, by default as many as
 * this process has cores.
 *
 * @throws InterruptedError when `signal` aborts
 */
export async function withPauses<Result>(
  steps: Steps<Result>,
  control: { threads?: number | undefined; signal?: AbortSignal | undefined },
): Promise<Result> {
  const { threads = availableParallelism(), signal } = control;
  const checked = () => {
    if (signal?.aborted) throw new InterruptedError(undefined, { cause: signal.reason });
  };
  try {
    checked();
    let since = performance.now();
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      if (value !== undefined) await value.elsewhere(threads, signal);
      else if (performance.now() - since < STRETCH_MS) continue;
      else await nextTick();
      checked();
      since = performance.now();
    }
  } catch (error) {
    if (signal?.aborted) throw new InterruptedError(undefined, { cause: error });
    throw error;
  } finally {
    steps.return(undefined as never);
  }
}
