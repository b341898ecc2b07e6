import { afterTurn } from "./event-loop.js";

const SLICE_MS = 8;

/**
 * Tells when a run has kept the event loop for long enough that it should let it turn, so that an abort can come
 * through. Asked only by runs that have a signal: the clock costs as much as a scalar op.
 */
export class Clock {
  private since = performance.now();
  private turning: Promise<void> | undefined = undefined;

  /** A promise to wait for before going on, when it is time. */
  due(): Promise<void> | undefined {
    if (this.turning === undefined && performance.now() - this.since >= SLICE_MS) {
      this.turning = new Promise<void>(afterTurn).then(() => {
        this.turning = undefined;
        this.since = performance.now();
      });
    }
    return this.turning;
  }
}
