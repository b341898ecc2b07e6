/** How long a fit took, and on how many threads. */
export interface FitTiming {
  totalMs: number;
  scanMs: number;
  solveMs: number;
  threads: number;
}

/** Adds up what reading and solving take. */
export class Stopwatch {
  threads = 1;
  readonly #started = performance.now();
  #scanMs = 0;
  #solveMs = 0;

  /** Does work that reads the data. */
  async scan<T>(work: () => Promise<T> | T): Promise<T> {
    const from = performance.now();
    const result = await work();
    this.#scanMs += performance.now() - from;
    return result;
  }

  /** Does work that solves. */
  async solve<T>(work: () => Promise<T> | T): Promise<T> {
    const from = performance.now();
    const result = await work();
    this.#solveMs += performance.now() - from;
    return result;
  }

  /** The figures so far. */
  timing(): FitTiming {
    const totalMs = performance.now() - this.#started;
    return { totalMs, scanMs: this.#scanMs, solveMs: this.#solveMs, threads: this.threads };
  }
}
