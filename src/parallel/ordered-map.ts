import { Channel } from "./channel.js";
import { TaskGroup } from "./task-group.js";

/** Options of `orderedMap`. */
export interface OrderedMapOptions {
  /** How many inputs may be under way at a time, 1 or more: started, and not yet collected. */
  window: number;
  signal?: AbortSignal | undefined;
}

/**
 * Maps the values of `inputs` by `work`, several at a time, and hands the results to `collect` in the order of the
 * inputs: spawn, continue, collect.
 *
 * One task spawns work and sends each result's promise down a bounded channel; another receives them and collects.
 * The channel's room is the back-pressure: a slow `collect` stops the reading of inputs. The first error, of
 * whichever of the three, cancels the others and is thrown once all have ended. `collect` may return false to end
 * the work early, without an error.
 */
export async function orderedMap<T, R>(
  inputs: AsyncIterable<T> | Iterable<T>,
  work: (input: T) => Promise<R>,
  collect: (result: R) => Promise<boolean | undefined> | boolean | undefined,
  options: OrderedMapOptions,
): Promise<void> {
  const underWay = new Channel<Promise<R>>(options.window);
  const group = new TaskGroup({ signal: options.signal, onCancel: (reason) => underWay.abort(reason) });
  const running = new Set<Promise<R>>();
  let ended = false;
  group.go(async () => {
    for await (const input of inputs) {
      if (ended || group.cancelled) return;
      const result = work(input);
      // Whoever collects will see a failure; until then it must not count as unhandled.
      running.add(result);
      const forget = () => running.delete(result);
      result.then(forget, forget);
      if (underWay.closed) return;
      await underWay.send(result);
    }
    underWay.close();
  });
  group.go(async () => {
    for await (const result of underWay) {
      if ((await collect(await result)) !== false) continue;
      ended = true;
      underWay.abort(DONE);
      return;
    }
  });
  try {
    await group.wait();
  } catch (error) {
    await Promise.allSettled(running);
    if (error !== DONE) throw error;
  }
}

/** Ends the spawning task when `collect` wants no more. */
const DONE = Symbol("done");
