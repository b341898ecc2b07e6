import { setMaxListeners } from "node:events";
import { Channel } from "../parallel/channel.js";
import { Clock } from "./engine/clock.js";
import type { Run } from "./machine.js";

/** Who runs a stream's runs. */
interface Runner<Input> {
  /** How many runs there is room for. */
  readonly capacity: number;
  start(input: Input, signal: AbortSignal): Promise<Run>;
  /** Told when the stream begins and ends. */
  running(begins: boolean): void;
}

/**
 * Starts a run for each of `inputs` and yields the runs in order.
 *
 * One task starts runs and sends their promises down a channel with room for `capacity`; the consumer receives them.
 * A run that fails is thrown in its place; then, and when the consumer leaves, the runs under way are aborted, and
 * awaited.
 */
export async function* streamRuns<Input>(
  inputs: AsyncIterable<Input> | Iterable<Input>,
  signal: AbortSignal | undefined,
  { capacity, start, running }: Runner<Input>,
): AsyncGenerator<Run, void, undefined> {
  const left = new AbortController();
  const both = signal === undefined ? left.signal : AbortSignal.any([left.signal, signal]);
  // Each run listens to it; Node takes more than ten listeners for a leak.
  setMaxListeners(0, both);
  const runs = new Channel<Promise<Run>>(capacity);
  const underWay = new Set<Promise<Run>>();
  const abort = () => runs.abort(both.reason);
  if (both.aborted) abort();
  both.addEventListener("abort", abort, { once: true });
  const send = async (run: Promise<Run>) => {
    underWay.add(run);
    // The consumer will see a failure; until then it must not count as unhandled.
    const forget = () => underWay.delete(run);
    run.then(forget, forget);
    await runs.send(run);
  };
  const clock = new Clock();
  const produce = async () => {
    for await (const input of inputs) {
      // Runs that end at once would never let the event loop turn.
      const turn = clock.due();
      if (turn !== undefined) await turn;
      if (both.aborted) return;
      await send(start(input, both));
    }
  };
  running(true);
  produce()
    .catch((error) => send(Promise.reject(error)))
    .then(
      () => runs.close(),
      // The channel was aborted: nobody waits for more.
      () => undefined,
    );
  try {
    for await (const run of runs) yield await run;
  } finally {
    running(false);
    both.removeEventListener("abort", abort);
    left.abort(new Error("the stream was left"));
    runs.abort(left.signal.reason);
    await Promise.allSettled(underWay);
  }
}
