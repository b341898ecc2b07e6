import { UsageError } from "../errors.js";
import { WorkerPool } from "../parallel/worker-pool.js";
import { MachineClosedError } from "./errors.js";
import { GoRun, type Placement } from "./go-run.js";
import type { Graph, Node } from "./graph.js";
import { FinishedRun, type MachineOptions, PlannedMachine, type Run, type RunOptions } from "./machine.js";
import type { Step } from "./plan.js";
import type { Shard, ShardDone } from "./shard.js";
import { isShared, SharedMemory } from "./shared-memory.js";
import type { Data } from "./tensor.js";
import { Recorder } from "./trace.js";

const ENTRY = new URL("../../dist/bundle/machine-worker.js", import.meta.url);

/**
 * The cost, in nanoseconds, from which an op goes to the workers by default.
 *
 * A round trip to a worker takes 20 to 40 µs once it is warm, so two workers gain from about 80 µs on; below 200 µs
 * they gain little, and lose much where other processes have the cores (`goml bench --suite machine`).
 */
const THRESHOLD_NS = 200_000;

export interface GoMachineOptions extends MachineOptions {
  /** Values that fit into a channel, 1 or more. Default 1. */
  capacity?: number | undefined;
  /** Worker threads for heavy ops; they start when first needed. Default 0: all ops run on this thread. */
  workers?: number | undefined;
  /** The estimated cost, in nanoseconds, from which an op goes to the workers. Default 200,000. */
  threshold?: number | undefined;
  /** Called before each op; a promise it returns is waited for first. To delay or trace nodes. */
  pause?: ((node: Node) => Promise<void> | undefined) | undefined;
}

/**
 * Runs a graph with one task per node and one channel per edge: a task receives its inputs, computes, sends its
 * output to every consumer, and ends.
 *
 * Each run has channels of its own, so runs may overlap. The result does not depend on the schedule: nodes are
 * functions, and each channel has one writer, one reader and room for the one value it carries (Kahn 1974; Lee &
 * Messerschmitt 1987). Tasks share this thread; ops above the threshold are cut up over their outputs and computed
 * by worker threads, with the same bits as here.
 */
export class GoMachine extends PlannedMachine {
  private readonly capacity: number;
  private readonly pause: GoMachineOptions["pause"];
  private readonly placement: Placement | undefined;
  private readonly runs = new Set<GoRun>();
  /** Copies of leaves' values in shared memory: written over by the next value when nothing runs. */
  private readonly adopted = new WeakSet<Data>();

  /** @throws UsageError when `capacity`, `workers` or `threshold` are out of range. */
  constructor(graph: Graph, options: GoMachineOptions = {}) {
    super(graph, options);
    const { capacity = 1, workers = 0, threshold = THRESHOLD_NS } = options;
    if (!(capacity >= 1) || !Number.isInteger(capacity)) {
      throw new UsageError(`capacity is an integer of 1 or more, got ${capacity}`);
    }
    if (!(workers >= 0) || !Number.isInteger(workers)) {
      throw new UsageError(`workers is an integer of 0 or more, got ${workers}`);
    }
    if (!(threshold >= 0)) throw new UsageError(`threshold is 0 or more, got ${threshold}`);
    this.capacity = capacity;
    this.pause = options.pause;
    this.placement = workers === 0 ? undefined : place(this.plan.steps, workers, threshold);
    this.startLeaves();
  }

  /** The number of runs under way. */
  get running(): number {
    return this.runs.size;
  }

  /** The number of worker threads that have been started. */
  get workersAlive(): number {
    return this.placement?.pool.alive ?? 0;
  }

  runAll(options: RunOptions = {}): Promise<Run> {
    let run: GoRun;
    try {
      this.checkOpen();
      run = new GoRun(this.plan, this.lendLeaves(), {
        capacity: this.capacity,
        pause: this.pause,
        placement: this.placement,
        recorder: this.traced ? new Recorder(this.plan) : undefined,
        signal: options.signal,
      });
    } catch (error) {
      return Promise.reject(error);
    }
    this.runs.add(run);
    return run.start().then(
      () => {
        this.runs.delete(run);
        return new FinishedRun(this.plan, run.outputs, run.recorder);
      },
      (error) => {
        this.runs.delete(run);
        throw error;
      },
    );
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const run of this.runs) run.cancel(new MachineClosedError());
    await Promise.allSettled([...this.runs].map((run) => run.ended()));
    await this.placement?.pool.close();
    this.placement?.memory.clear();
  }

  protected override adopt(step: Step, data: Data, former: Data | undefined): Data {
    const { placement } = this;
    if (placement === undefined || !placement.shared[step.index] || isShared(data)) return data;
    const own = former !== undefined && this.adopted.has(former) && this.runs.size === 0;
    const copy = own ? former : placement.memory.take(step.node.dtype, step.size);
    copy.set(data);
    this.adopted.add(copy);
    return copy;
  }
}

/** Decides which steps go to the workers, and which values have to lie in shared memory for that. */
function place(steps: readonly Step[], workers: number, threshold: number): Placement {
  const heavy = new Uint8Array(steps.length);
  const shared = new Uint8Array(steps.length);
  for (const { index, node, kernel, inputs } of steps) {
    if (kernel === undefined || typeof node.op === "string" || !node.op.portable) continue;
    if (kernel.units === 0 || kernel.cost < threshold) continue;
    heavy[index] = 1;
    shared[index] = 1;
    for (const input of inputs) shared[input] = 1;
  }
  const pool = new WorkerPool<Shard, ShardDone>(ENTRY, { threads: workers });
  return { heavy, shared, pool, memory: new SharedMemory() };
}
