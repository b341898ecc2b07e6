/** Work that other threads may do, or this one. */
export interface Task {
  /** Does it on this thread. */
  here(): void;
  /** Has it done by so many other threads; ends soon when `signal` aborts, and then rejects. */
  elsewhere(threads: number, signal: AbortSignal | undefined): Promise<void>;
}

/**
 * Work in steps: a generator that yields where others may run, or a task, and returns the result. The same work then can
 * be done in one go (`inOneGo`) or without holding up the thread (`withPauses`, in a file of its own, for it needs Node).
 */
export type Steps<Result> = Generator<Task | undefined, Result, void>;

/** Does work to its end on this thread. */
export function inOneGo<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    value?.here();
  }
}
