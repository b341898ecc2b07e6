import { availableParallelism } from "node:os";
import { InterruptedError, UsageError } from "../errors.js";
import { Channel } from "../parallel/channel.js";
import { TaskGroup } from "../parallel/task-group.js";
import { WorkerPool } from "../parallel/worker-pool.js";
import { predictRows } from "./predict-rows.js";

/** Options of `model.predictConcurrent`; all may be left out. */
export interface PredictConcurrentOptions {
  /** Worker threads. Default: the cores that this process may use. */
  threads?: number | undefined;
  /** Stops the work within a few thousand rows; the promise then rejects with InterruptedError. */
  signal?: AbortSignal | undefined;
  /** A buffer for the predictions; where it lies in a SharedArrayBuffer, workers write into it. */
  out?: Float64Array | undefined;
}

/** Rows `from` to `to` of X for a worker to predict; X and out are shared, not copied. */
export interface RowsJob {
  X: Float64Array;
  weights: Float64Array;
  out: Float64Array;
  from: number;
  to: number;
}

/**
 * Multiplications for which threads do not pay, some 0.3 ms: `goml bench --suite predict` shows them pay from about
 * half a million values on.
 */
const INLINE_PRODUCTS = 1 << 19;
/** Multiplications per job: some 0.2 ms, so that an abort is soon seen and threads end together. */
const JOB_PRODUCTS = 1 << 18;

const pools = new Map<number, WorkerPool<RowsJob, null>>();

/** The pool of this many threads; idle threads are kept for the next call and do not keep the process alive. */
function poolOf(threads: number): WorkerPool<RowsJob, null> {
  let pool = pools.get(threads);
  if (pool === undefined) {
    pool = new WorkerPool(new URL("../../dist/bundle/predict-rows-worker.js", import.meta.url), { threads });
    pools.set(threads, pool);
  }
  return pool;
}

/**
 * `predictRows` on worker threads: ŷ = Xθ, the rows cut into jobs of a fixed size that workers take one after the
 * other. Each row is computed alone, so the result has the same bits as the synchronous one.
 *
 * X in a SharedArrayBuffer is read in place; another is copied into one first, which costs about as much as reading
 * it once.
 */
export async function predictRowsConcurrent(
  X: Float64Array,
  weights: Float64Array,
  n: number,
  options: PredictConcurrentOptions,
): Promise<Float64Array> {
  const { signal, out } = options;
  const threads = options.threads ?? availableParallelism();
  if (!Number.isInteger(threads) || threads < 1)
    throw new UsageError(`threads should be an integer of 1 or more, got ${threads}`);
  if (out !== undefined && out.length !== n)
    throw new UsageError(`out has ${out.length} places, X has ${n} rows`);
  if (signal?.aborted) throw new InterruptedError("the prediction was aborted", { cause: signal.reason });
  const k = weights.length - 1;
  if (n * (k + 1) <= INLINE_PRODUCTS) {
    const result = out ?? new Float64Array(n);
    predictRows(X, weights, result);
    return result;
  }
  const shared = sharedCopy(X);
  const result = isShared(out) ? out : new Float64Array(new SharedArrayBuffer(8 * n));
  const pool = poolOf(threads);
  const rowsPerJob = Math.max(1, Math.ceil(JOB_PRODUCTS / (k + 1)));
  // One task cuts the rows, as many as there are threads pass the cuts on, and the group waits for them all.
  const cuts = new Channel<number>(threads);
  const group = new TaskGroup({ signal, onCancel: (reason) => cuts.abort(reason) });
  group.go(async () => {
    for (let from = 0; from < n; from += rowsPerJob) await cuts.send(from);
    cuts.close();
  });
  for (let t = 0; t < threads; t++)
    group.go(async () => {
      for await (const from of cuts)
        await pool.run({ X: shared, weights, out: result, from, to: Math.min(n, from + rowsPerJob) });
    });
  try {
    await group.wait();
  } catch (error) {
    if (signal?.aborted) throw new InterruptedError("the prediction was aborted", { cause: signal.reason });
    throw error;
  }
  if (out === undefined || out === result) return result;
  out.set(result);
  return out;
}

function isShared(values: Float64Array | undefined): values is Float64Array<SharedArrayBuffer> {
  return values !== undefined && values.buffer instanceof SharedArrayBuffer;
}

function sharedCopy(values: Float64Array): Float64Array {
  if (isShared(values)) return values;
  const copy = new Float64Array(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}
