import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** A larger heap is another program's, which would be held up for longer than memory is worth to it. */
const LARGEST_HEAP = 128 << 20;

let collect: (() => void) | undefined;

/**
 * Collects this thread's garbage. Shared memory of hundreds of megabytes hangs on objects of a few bytes, for which
 * V8 sees no reason to look in a server that has nothing to do. Takes some milliseconds; not done in a large heap.
 */
export function collectGarbage(): void {
  if (process.memoryUsage().heapUsed > LARGEST_HEAP) return;
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}
