import { availableParallelism } from "node:os";
import { setImmediate as nextTick } from "node:timers/promises";
import { milliseconds } from "../clock.js";
import { InterruptedError } from "../errors.js";
import type { Steps } from "./steps.js";

/** How long a thread is held at a stretch, in milliseconds. */
const STRETCH_MS = 20;

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
    let since = milliseconds();
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      // A task that is done here after all, being small, is no pause: signals are heard in turns of the event loop.
      if (value !== undefined) await value.elsewhere(threads, signal);
      if (milliseconds() - since < STRETCH_MS) continue;
      await nextTick();
      checked();
      since = milliseconds();
    }
  } catch (error) {
    if (signal?.aborted) throw new InterruptedError(undefined, { cause: error });
    throw error;
  } finally {
    steps.return(undefined as never);
  }
}
