import { setImmediate as nextTick } from "node:timers/promises";
import { milliseconds } from "../clock.js";

/** How long the calling thread works at a stretch before it lets others run, in milliseconds. */
const STRETCH_MS = 10;

/**
 * Makes a pause, in which others run and signals are heard, where this thread has worked for a stretch; else gives
 * undefined. `check` is called after a pause, and may throw.
 */
export function resting(check: () => void): () => Promise<void> | undefined {
  let since = milliseconds();
  return () => {
    if (milliseconds() - since < STRETCH_MS) return undefined;
    return nextTick().then(() => {
      check();
      since = milliseconds();
    });
  };
}
