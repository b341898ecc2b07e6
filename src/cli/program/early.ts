import { statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { CHUNK_BYTES } from "../../csv/chunks.js";
import { builtFile } from "../../files/built-file.js";
import { startEarly } from "../../parallel/early-threads.js";
import { MOST_THREADS } from "../../scan/thread-limits.js";

/** The threads that a command will want for much data, which are started while its own script is read. */
export interface EarlyThreads {
  /** Their script, src/<room>/<name>.ts. */
  readonly entry: string;
  /** How many threads its options ask for; "auto" where it decides by the size of the data. */
  readonly threads: (options: Record<string, unknown>) => number | "auto";
  /** From how many bytes on it starts threads: those it is told to, and those that it decides on. */
  readonly from: { readonly told: number; readonly auto: number };
}

/** Starts them where one of the files that are named is large enough, for they are read one by one: all but the thread that is this one. */
export function startThreadsFor(
  { entry, threads, from }: EarlyThreads,
  words: readonly string[],
  options: Record<string, unknown>,
): void {
  const told = threads(options);
  if (told === 1) return;
  const bytes = Math.max(0, ...words.map(sizeOf));
  if (bytes < (told === "auto" ? from.auto : from.told)) return;
  // No more than there are chunks to share.
  const most = Math.min(
    told === "auto" ? availableParallelism() : told,
    Math.ceil(bytes / CHUNK_BYTES),
    MOST_THREADS,
  );
  if (most > 1) startEarly(builtFile(`bundle/${entry}.js`), most - 1);
}

/** The size of a file, 0 of what is none: whoever opens it says so. */
function sizeOf(path: string): number {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isFile() ? stats.size : 0;
  } catch {
    return 0;
  }
}
