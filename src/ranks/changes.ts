import { RankError } from "../machine/index.js";

/** Waits for what a rank hears from others, until the group fails. */
export class Changes {
  private readonly rank: number;
  private readonly signal: AbortSignal;
  private waiting: (() => void)[] = [];

  /** @param signal fails once a rank has */
  constructor(rank: number, signal: AbortSignal) {
    this.rank = rank;
    this.signal = signal;
  }

  /** Something has changed: whoever waits looks again. */
  happened(): void {
    for (const look of this.waiting.splice(0)) look();
  }

  /**
   * Waits until something holds.
   *
   * @param end when waiting ends, on the clock of `performance.now`; default: never
   * @param why what did not happen by then
   * @throws where a rank fails before, or the time is over
   */
  async until(holds: () => boolean, end?: number, why?: () => string): Promise<void> {
    while (!holds()) {
      this.signal.throwIfAborted();
      const left = end === undefined ? undefined : end - performance.now();
      if (left !== undefined && left <= 0)
        throw new RankError({ rank: this.rank, why: `${why!()} in time`, lost: true });
      await new Promise<void>((resolve) => {
        const timer = left === undefined ? undefined : setTimeout(resolve, left);
        this.waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** A value to come. @throws as soon as a rank fails */
  orFailed<T>(value: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(this.signal.reason);
      if (this.signal.aborted) abort();
      this.signal.addEventListener("abort", abort, { once: true });
      value.then(resolve, reject).finally(() => this.signal.removeEventListener("abort", abort));
    });
  }
}
