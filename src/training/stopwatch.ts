import { milliseconds } from "../clock.js";
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
  readonly #started = milliseconds();
  #scanMs = 0;
  #solveMs = 0;

  /** Does work that reads the data. */
  async scan<T>(work: () => Promise<T> | T): Promise<T> {
    const from = milliseconds();
    const result = await work();
    this.#scanMs += milliseconds() - from;
    return result;
  }

  /** Does work that solves. */
  async solve<T>(work: () => Promise<T> | T): Promise<T> {
    const from = milliseconds();
    const result = await work();
    this.#solveMs += milliseconds() - from;
    return result;
  }

  /** The figures so far. */
  timing(): FitTiming {
    const totalMs = milliseconds() - this.#started;
    return { totalMs, scanMs: this.#scanMs, solveMs: this.#solveMs, threads: this.threads };
  }
}
