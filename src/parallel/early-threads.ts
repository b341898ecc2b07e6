import type { Worker } from "node:worker_threads";
import { startThread } from "./start-thread.js";

/** Where the command's scripts, each of which has modules of its own, find what another has started. */
const EARLY = Symbol.for("goml.early");

/** Threads by their entries. */
type Early = Map<string, Worker[]>;

function early(): Early {
  const all = globalThis as { [EARLY]?: Early };
  all[EARLY] ??= new Map();
  return all[EARLY];
}

/**
 * Starts threads of a built entry before it is known what they are to do, while this one reads its script and looks at the
 * data: a thread takes as long to start as a small fit. A pool of the same entry takes them (`takeEarly`); those that nobody
 * takes do not keep the process alive.
 */
export function startEarly(entry: URL, threads: number): void {
  const own = early().get(entry.href) ?? [];
  early().set(entry.href, own);
  for (let t = 0; t < threads; t++) {
    const worker = startThread(entry, undefined);
    worker.unref();
    // Whoever takes it hears of its end; before that nobody needs to.
    worker.on("error", () => {});
    worker.once("exit", () => {
      const at = own.indexOf(worker);
      if (at >= 0) own.splice(at, 1);
    });
    own.push(worker);
  }
}

/** A thread of an entry that was started early, and that nobody has: it is the caller's from now on. */
export function takeEarly(entry: URL): Worker | undefined {
  return early().get(entry.href)?.shift();
}
