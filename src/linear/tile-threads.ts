import { builtFile } from "../files/built-file.js";
import { type DenseLayout, DenseSystem } from "../kernels/dense.js";
import type { Task } from "../parallel/steps.js";
import { TaskGroup } from "../parallel/task-group.js";
import { WorkerPool } from "../parallel/worker-pool.js";
import { prepareTask, runTask, stopTask, type TileTask } from "./solve/tiled-cholesky.js";

/** A thread's part of a task on tiles. */
export interface TileJob {
  layout: DenseLayout;
  task: TileTask;
  thread: number;
}

/** More threads than this wait for each other more than they work. */
export const MOST_TILE_THREADS = 16;

/**
 * Orders up to which a task is done on the calling thread: the inverse, which is the longest, takes k³ multiplications
 * and additions at about 4 per nanosecond, and so some 20 ms.
 */
const HERE_ORDER = 512;
/** The same where each takes about 13 times as long. */
const HERE_ORDER_EXTENDED = 192;

const pools = new Map<number, WorkerPool<TileJob, null>>();

/** The pool of this many threads; idle threads are kept for the next task and do not keep the process alive. */
function poolOf(threads: number): WorkerPool<TileJob, null> {
  let pool = pools.get(threads);
  if (pool === undefined) {
    pool = new WorkerPool(builtFile("bundle/tile-worker.js"), { threads });
    pools.set(threads, pool);
  }
  return pool;
}

/** A task on a system of tiles, for this thread or for others. */
export function tileTask(system: DenseSystem, task: TileTask): Task {
  const here = () => {
    prepareTask(system);
    runTask(system, task, 0);
  };
  return {
    here,
    async elsewhere(threads, signal) {
      if (system.order <= (system.extended ? HERE_ORDER_EXTENDED : HERE_ORDER)) {
        here();
        return;
      }
      prepareTask(system);
      const most = Math.min(threads, MOST_TILE_THREADS);
      const parts = task.do === "solve" ? 1 : Math.min(most, system.tiles);
      const group = new TaskGroup({ signal, onCancel: () => stopTask(system) });
      const pool = poolOf(most);
      for (let thread = 0; thread < parts; thread++)
        group.go(async () => {
          await pool.run({ layout: system.layout, task, thread });
        });
      await group.wait();
    },
  };
}

/** A worker's answer to a job. */
export function runTileJob({ layout, task, thread }: TileJob): null {
  runTask(new DenseSystem(layout), task, thread);
  return null;
}
