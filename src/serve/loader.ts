import { DataError } from "../errors.js";
import { builtFile } from "../files/built-file.js";
import { WorkerPool } from "../parallel/worker-pool.js";
import type { LoadJob } from "./load-model-worker.js";
import type { ModelFile } from "./model-files.js";
import type { Settings } from "./options.js";
import type { ServedModel } from "./served-model.js";

/**
 * Reads model files, one at a time, on a thread of its own: however long one takes, requests are answered. A thread
 * that takes too long is ended, and the next file gets another.
 */
export class Loader {
  private pool = newPool();
  private closed = false;

  private readonly limit: number;
  private readonly timeout: number;
  private readonly trust: boolean;

  constructor(settings: Pick<Settings, "modelLimit" | "loadTimeout" | "trust">) {
    this.limit = settings.modelLimit;
    this.timeout = settings.loadTimeout;
    this.trust = settings.trust;
  }

  /** @throws what reading throws; DataError where it takes too long */
  readonly load = async ({ path, name, version }: ModelFile): Promise<ServedModel> => {
    const { pool } = this;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        if (!this.closed) this.pool = newPool();
        reject(
          new DataError(`reading the model took longer than ${this.timeout} ms`, { place: { file: path } }),
        );
      }, this.timeout);
    });
    const loading = pool.run({ path, name, version, limit: this.limit, trust: this.trust });
    // Closed late, it rejects when nobody waits for it any more.
    loading.catch(() => {});
    try {
      return await Promise.race([loading, late]);
    } finally {
      clearTimeout(timer);
      if (this.pool !== pool) void pool.close();
    }
  };

  /** Lets the thread go until there is something to read again, and what it holds with it. */
  rest(): void {
    const old = this.pool;
    this.pool = newPool();
    void old.close();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.pool.close();
  }
}

function newPool(): WorkerPool<LoadJob, ServedModel> {
  return new WorkerPool(builtFile("bundle/load-model-worker.js"), { threads: 1 });
}
