import { RankError } from "../machine/index.js";
import { joinRanks } from "./join-ranks.js";
import type { RankOptions } from "./rank-options.js";
import type { Ranks } from "./ranks.js";

export interface RetriedOptions extends RankOptions {
  /** How often the work is begun anew, from its inputs, where a rank fails or is lost. Default: 0. */
  retries?: number | undefined;
  /** Told why it is begun anew. */
  retried?: ((error: RankError, attempt: number) => void) | undefined;
}

/**
 * Joins the ranks, does `body` with them and leaves; where a rank fails, all begin anew together, as often as `retries`
 * says: what is left of the attempt before is dropped. A rank that was lost has to be started again by whoever started it.
 *
 * @throws RankError, the same at all ranks, that names rank, node and edge
 * @example
 * ```js
 * import { GoMachine, Graph, add } from "goml/machine";
 * import { withRanks } from "goml/ranks";
 *
 * const graph = new Graph();
 * const y = add(graph.parameter("x", 1), 1);
 * const value = await withRanks({ rank: 0, size: 1, port: 0 }, async (sites) => {
 *   const machine = new GoMachine(graph, { sites });
 *   const run = await machine.runAll();
 *   await machine.close();
 *   return run.value(y).item();
 * });
 * console.log(value); // 2
 * ```
 */
export async function withRanks<T>(options: RetriedOptions, body: (ranks: Ranks) => Promise<T>): Promise<T> {
  const { retries = 0, retried, signal } = options;
  let { attempt = 0, port } = options;
  for (;;) {
    const ranks = await joinRanks({ ...options, attempt, port });
    // The others come again where rank 0 has been.
    if (options.rank === 0) port = ranks.port;
    try {
      const result = await body(ranks);
      await ranks.close();
      // One that was lost before it had all it needed has the others begin anew.
      ranks.signal.throwIfAborted();
      return result;
    } catch (error) {
      ranks.fail(error);
      await ranks.close();
      if (!(error instanceof RankError) || signal?.aborted || ranks.attempt >= retries) throw error;
      attempt = ranks.attempt + 1;
      retried?.(error, attempt);
    }
  }
}
