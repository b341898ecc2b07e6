import { UsageError } from "../errors.js";
import { loadGrpc } from "./calls.js";
import type { RankOptions } from "./rank-options.js";
import { Ranks } from "./ranks.js";

/**
 * Joins the ranks of a group: processes, of one host or several, that run graphs together. Resolves when all are there.
 *
 * @throws UsageError where ranks do not fit together, or a package is missing; RankError where one does not come
 * @example
 * ```js
 * import { joinRanks } from "goml/ranks";
 *
 * const ranks = await joinRanks({ rank: 0, size: 1, port: 0 });
 * console.log(ranks.rank, ranks.size); // 0 1
 * await ranks.close();
 * ```
 */
export async function joinRanks(options: RankOptions): Promise<Ranks> {
  const { rank, size, host = "127.0.0.1", listen: own, token } = options;
  if (!(Number.isInteger(size) && size >= 1)) throw new UsageError(`ranks are 1 or more, got ${size}`);
  if (!(Number.isInteger(rank) && rank >= 0 && rank < size))
    throw new UsageError(`rank ${rank} is none of ${size}, counted from 0`);
  options.signal?.throwIfAborted();
  const at = own ?? (isLoopback(host) ? host : "0.0.0.0");
  if (!isLoopback(at) && token === undefined)
    throw new UsageError(
      `rank ${rank} would listen on ${at} for anyone: ranks of several hosts need a token`,
      {
        hint: "give all of them the same one",
      },
    );
  const ranks = new Ranks(await loadGrpc(), options, at);
  try {
    await ranks.join();
  } catch (error) {
    ranks.fail(error);
    await ranks.close();
    throw error;
  }
  return ranks;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}
