import { STOP } from "./control.js";
import type { Scheduler, Shared } from "./scheduler.js";

/**
 * One round of a worker thread: takes a task, or sleeps where there is none; false once it should end.
 *
 * @param looks looks for a task for a while and says whether it saw one
 */
export function workerRound(
  words: Int32Array,
  { ready, bell }: Shared,
  scheduler: Scheduler,
  looks: () => boolean,
): boolean {
  if (Atomics.load(words, STOP) !== 0) return false;
  if (!scheduler.turn() && !looks()) bell.sleep(() => ready.ready() || Atomics.load(words, STOP) !== 0);
  return true;
}
