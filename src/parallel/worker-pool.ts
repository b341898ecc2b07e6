import type { Worker } from "node:worker_threads";
import { GomlError, UsageError } from "../errors.js";
import { errorOf, type Message, type Reply } from "./answer.js";
import { takeEarly } from "./early-threads.js";
import { startThread } from "./start-thread.js";

/** A worker thread ended, or could not start, while it owed an answer. */
export class WorkerDiedError extends GomlError {
  constructor(what: string, cause?: unknown) {
    super("internal", `a worker thread ${what}`, { cause });
  }
}

/** The pool was closed before the job had its answer. */
export class PoolClosedError extends GomlError {
  constructor() {
    super("internal", "the worker pool is closed");
  }
}

interface Order<Job, Answer> {
  readonly job: Job;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: (() => void) | undefined;
}

interface Seat<Job, Answer> {
  readonly worker: Worker;
  order: Order<Job, Answer> | undefined;
}

interface WorkerPoolOptions {
  /** The most worker threads at a time, 1 or more. */
  threads: number;
  /** What every worker hears before its first job; a SharedArrayBuffer in it is shared, not copied. */
  setup?: unknown;
}

/**
 * A fixed number of worker threads that answer jobs, one each at a time, first come, first served.
 *
 * Threads start when there is a job and no idle thread for it. Idle threads do not keep the process alive. The
 * entry file calls `answerJobs`.
 */
export class WorkerPool<Job, Answer> {
  readonly threads: number;
  private readonly entry: URL;
  private readonly setup: unknown;
  private readonly seats = new Set<Seat<Job, Answer>>();
  private readonly idle: Seat<Job, Answer>[] = [];
  private queue: Order<Job, Answer>[] = [];
  private closed = false;

  /**
   * @param entry the worker's built entry file, a `builtFile`
   * @throws UsageError when `threads` is not an integer of 1 or more.
   */
  constructor(entry: URL, options: WorkerPoolOptions) {
    const { threads, setup } = options;
    if (!(threads >= 1) || !Number.isInteger(threads)) {
      throw new UsageError(`a worker pool has 1 or more threads, got ${threads}`);
    }
    this.entry = entry;
    this.threads = threads;
    this.setup = setup;
  }

  /** The number of threads that run now, idle ones included. */
  get alive(): number {
    return this.seats.size;
  }

  /** The number of jobs that have no answer yet. */
  get pending(): number {
    return this.queue.length + this.seats.size - this.idle.length;
  }

  /**
   * Gives `job` to a thread and resolves with its answer.
   *
   * Rejects with what the worker threw, with WorkerDiedError when the thread ended instead, with PoolClosedError
   * when the pool is closed first. When `signal` aborts, a job still in line is dropped; one that a thread works on
   * is waited for, and then rejected with the signal's reason: once the promise has settled nothing runs for it.
   */
  run(job: Job, signal?: AbortSignal): Promise<Answer> {
    if (this.closed) return Promise.reject(new PoolClosedError());
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort =
        signal === undefined
          ? undefined
          : () => {
              const at = this.queue.indexOf(order);
              if (at >= 0) {
                this.queue.splice(at, 1);
                reject(signal.reason);
              }
            };
      const order: Order<Job, Answer> = { job, resolve, reject, signal, onAbort };
      if (onAbort !== undefined) signal?.addEventListener("abort", onAbort, { once: true });
      this.queue.push(order);
      this.assign();
    });
  }

  /** Stops all threads at once and resolves when they have ended; jobs without an answer fail. Again: no effect. */
  async close(): Promise<void> {
    this.closed = true;
    const orders = this.queue;
    this.queue = [];
    const seats = [...this.seats];
    for (const seat of seats) if (seat.order !== undefined) orders.push(seat.order);
    for (const seat of seats) seat.order = undefined;
    await Promise.all(seats.map((seat) => seat.worker.terminate()));
    for (const order of orders) settled(order).reject(new PoolClosedError());
  }

  private assign(): void {
    while (this.queue.length > 0) {
      const seat = this.idle.pop() ?? (this.seats.size < this.threads ? this.open() : undefined);
      if (seat === undefined) return;
      const order = this.queue.shift()!;
      seat.order = order;
      seat.worker.ref();
      this.tell(seat, { job: order.job });
    }
  }

  private tell(seat: Seat<Job, Answer>, message: Message<Job>): void {
    seat.worker.postMessage(message);
  }

  private open(): Seat<Job, Answer> {
    const worker = takeEarly(this.entry) ?? startThread(this.entry, undefined);
    const seat: Seat<Job, Answer> = { worker, order: undefined };
    this.seats.add(seat);
    if (this.setup !== undefined) this.tell(seat, { setup: this.setup });
    let cause: unknown;
    worker.on("message", (reply: Reply<Answer>) => this.answered(seat, reply));
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", (code) => {
      this.seats.delete(seat);
      const at = this.idle.indexOf(seat);
      if (at >= 0) this.idle.splice(at, 1);
      const { order } = seat;
      seat.order = undefined;
      if (order === undefined) return;
      const why =
        cause instanceof Error ? `failed: ${cause.message}` : `ended with code ${code} and no answer`;
      settled(order).reject(new WorkerDiedError(why, cause));
      this.assign();
    });
    return seat;
  }

  private answered(seat: Seat<Job, Answer>, reply: Reply<Answer>): void {
    const { order } = seat;
    if (order === undefined) return;
    seat.order = undefined;
    seat.worker.unref();
    this.idle.push(seat);
    settled(order);
    if (order.signal?.aborted) order.reject(order.signal.reason);
    else if ("answer" in reply) order.resolve(reply.answer);
    else order.reject(errorOf(reply.failure));
    this.assign();
  }
}

function settled<Job, Answer>(order: Order<Job, Answer>): Order<Job, Answer> {
  if (order.onAbort !== undefined) order.signal?.removeEventListener("abort", order.onAbort);
  return order;
}
