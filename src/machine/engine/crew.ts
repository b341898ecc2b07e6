import type { Worker } from "node:worker_threads";
import { WorkerDiedError } from "../../parallel/worker-pool.js";
import type { Program } from "./program.js";
import type { WorkerFailure } from "./worker-failure.js";

/** What the owner of a crew is told. */
export interface CrewEvents {
  failed(failure: WorkerFailure): void;
  /** A thread has ended that should not have. */
  died(error: WorkerDiedError): void;
}

/** The worker threads of a machine: all start together, with all that they need to know. */
export class Crew {
  private readonly threads: Worker[] = [];
  private readonly alive = new Set<Worker>();
  private held = false;
  private dismissed = false;

  /** @param entry the worker's built entry file */
  constructor(entry: URL, program: Omit<Program, "lane">, workers: number, events: CrewEvents) {
    // Loaded with the first thread: a program that stays on one starts faster without.
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    for (let lane = 1; lane <= workers; lane++) {
      // Inherited execArgv stop a worker under `node --input-type=module -e`.
      const worker = new Worker(entry, { workerData: { ...program, lane } satisfies Program, execArgv: [] });
      this.threads.push(worker);
      this.alive.add(worker);
      let cause: unknown;
      worker.on("message", (failure: WorkerFailure) => events.failed(failure));
      worker.on("error", (error) => {
        cause = error;
      });
      worker.on("exit", (code) => {
        this.alive.delete(worker);
        if (this.dismissed) return;
        const why = cause instanceof Error ? `failed: ${cause.message}` : `ended with code ${code}`;
        events.died(new WorkerDiedError(why, cause));
      });
      // After the listeners, which would hold the process again.
      worker.unref();
    }
  }

  /** The number of threads that run now. */
  get size(): number {
    return this.alive.size;
  }

  /** Whether the threads keep the process alive: while someone waits for them. */
  hold(held: boolean): void {
    if (held === this.held) return;
    this.held = held;
    for (const worker of this.threads) {
      if (held) worker.ref();
      else worker.unref();
    }
  }

  /** Ends all threads. */
  async dismiss(): Promise<void> {
    this.dismissed = true;
    await Promise.all(this.threads.map((worker) => worker.terminate()));
  }
}
