import { opError, type Plan } from "../plan.js";
import { type Recorder, wallClock } from "../trace.js";
import type { CallerFrame } from "./caller-frame.js";
import type { Clock } from "./clock.js";

/** What a sweep is told beside the plan and the frame. */
export interface SweepControl {
  readonly recorder: Recorder | undefined;
  readonly signal: AbortSignal | undefined;
  /** Where there is a signal, or the event loop should turn for others. */
  readonly clock: Clock | undefined;
}

/** A sweep that has to wait. */
export interface Pause {
  /** Of the plan's tasks the one at which it stopped. */
  readonly at: number;
  /** Whether that one is under way, or only next. */
  readonly begun: boolean;
  readonly wait: Promise<void>;
}

/**
 * Computes a plan's tasks in order on this thread, from number `from` on.
 *
 * Gives undefined at the end; before it where an op gives a promise, or where the event loop should turn.
 *
 * @throws OpError when an op fails; the signal's reason
 */
export function sweep(
  plan: Plan,
  frame: CallerFrame,
  from: number,
  { recorder, signal, clock }: SweepControl,
): Pause | undefined {
  const { tasks } = plan;
  const { bound } = frame;
  let at = from;
  try {
    for (; at < tasks.length; at++) {
      const { kernel, inputs, output, results } = bound.step(tasks[at]!);
      const started = recorder === undefined ? 0 : wallClock();
      const running = kernel.run(inputs, output, 0, kernel.units, results);
      if (running !== undefined)
        return { at, begun: true, wait: timed(running, recorder, tasks[at]!, started) };
      recorder?.mark(tasks[at]!, started, wallClock());
      if (clock === undefined) continue;
      if (signal?.aborted) break;
      const wait = clock.due();
      if (wait !== undefined && at + 1 < tasks.length) return { at: at + 1, begun: false, wait };
    }
  } catch (error) {
    throw opError(plan.steps[tasks[at]!]!, error);
  }
  signal?.throwIfAborted();
  return undefined;
}

function timed(
  running: Promise<void>,
  recorder: Recorder | undefined,
  step: number,
  started: number,
): Promise<void> {
  return recorder === undefined ? running : running.then(() => recorder.mark(step, started, wallClock()));
}
