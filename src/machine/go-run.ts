import { Channel, EMPTY } from "../parallel/channel.js";
import { TaskGroup } from "../parallel/task-group.js";
import type { WorkerPool } from "../parallel/worker-pool.js";
import { Clock } from "./clock.js";
import type { Node } from "./graph.js";
import { opError } from "./machine.js";
import type { Op } from "./op.js";
import type { Plan, Step } from "./plan.js";
import { type Shard, type ShardDone, STOP } from "./shard.js";
import type { SharedMemory } from "./shared-memory.js";
import { allocate, type Data } from "./tensor.js";
import type { Recorder } from "./trace.js";

/** The longest that one piece of an op may take, in nanoseconds, about: an abort waits for pieces that have begun. */
const PIECE_NS = 20_000_000;

/** Which steps of a plan are computed by worker threads. */
export interface Placement {
  /** 1 for steps that go to the workers. */
  readonly heavy: Uint8Array;
  /** 1 for steps whose value lies in shared memory. */
  readonly shared: Uint8Array;
  readonly pool: WorkerPool<Shard, ShardDone>;
  readonly memory: SharedMemory;
}

interface GoRunOptions {
  readonly capacity: number;
  readonly pause: ((node: Node) => Promise<void> | undefined) | undefined;
  readonly placement: Placement | undefined;
  readonly recorder: Recorder | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * One run of a `GoMachine`: its channels and its tasks.
 *
 * A task runs until it has to wait. Tasks are started in topological order, so one whose inputs were computed on
 * this thread finds them in its channels and ends without a promise; only tasks that wait for a worker, or for one
 * that does, become asynchronous. On σ(w·x + b) that takes 0.7 µs a run; an async function per task that awaits
 * each receive and each send took 1.8 µs.
 */
export class GoRun {
  readonly outputs: Data[];
  readonly recorder: Recorder | undefined;
  private readonly plan: Plan;
  private readonly leaves: readonly Data[];
  private readonly channels: Channel<Data>[];
  private readonly group: TaskGroup;
  private readonly clock: Clock | undefined;
  private readonly pause: GoRunOptions["pause"];
  private readonly placement: Placement | undefined;
  /** The controls of the ops that the workers are at. */
  private readonly controls = new Set<Int32Array>();
  /** How many consumers have yet to read each value that lies in shared memory. */
  private readonly unread: Int32Array | undefined;

  constructor(plan: Plan, leaves: readonly Data[], options: GoRunOptions) {
    this.plan = plan;
    this.leaves = leaves;
    this.recorder = options.recorder;
    this.pause = options.pause;
    this.placement = options.placement;
    this.clock = options.signal === undefined ? undefined : new Clock();
    this.outputs = new Array(plan.outputs.length);
    const channels = new Array<Channel<Data>>(plan.edges);
    for (let edge = 0; edge < channels.length; edge++) channels[edge] = new Channel(options.capacity);
    this.channels = channels;
    this.unread = options.placement && Int32Array.from(plan.steps, (step) => step.edgesOut.length);
    this.group = new TaskGroup({
      signal: options.signal,
      onCancel: (reason) => {
        for (const channel of channels) channel.abort(reason);
        for (const control of this.controls) Atomics.store(control, STOP, 1);
      },
    });
  }

  /** Starts all tasks; resolves when all have ended, rejects then with the first error. */
  start(): Promise<void> {
    const { group } = this;
    for (const step of this.plan.steps) {
      if (group.cancelled) break;
      group.go(() => this.task(step));
    }
    return group.wait();
  }

  cancel(reason: unknown): void {
    this.group.cancel(reason);
  }

  ended(): Promise<void> {
    return this.group.wait();
  }

  private task(step: Step): void | Promise<void> {
    this.recorder?.markSpawned(step.index);
    const pausing = this.pause?.(step.node);
    if (pausing !== undefined) return pausing.then(() => this.receive(step));
    return this.receive(step);
  }

  private receive(step: Step): void | Promise<void> {
    if (step.kernel === undefined) {
      this.emit(step, this.leaves[step.leaf]!);
      return;
    }
    const { channels } = this;
    const arity = step.inputs.length;
    const inputs = new Array<Data>(arity);
    for (let i = 0; i < arity; i++) {
      const value = channels[step.firstEdge + i]!.tryReceive();
      if (value === EMPTY) return this.awaitInputs(step, inputs, i);
      inputs[i] = value;
    }
    return this.compute(step, inputs);
  }

  private async awaitInputs(step: Step, inputs: Data[], from: number): Promise<void> {
    for (let i = from; i < inputs.length; i++) inputs[i] = await this.channels[step.firstEdge + i]!.receive();
    return this.compute(step, inputs);
  }

  private compute(step: Step, inputs: Data[]): void | Promise<void> {
    if (this.group.cancelled) return;
    const turn = this.clock?.due();
    if (turn !== undefined) return turn.then(() => this.compute(step, inputs));
    this.recorder?.markReady(step.index);
    if (this.placement?.heavy[step.index] === 1) return this.computeShards(step, inputs, this.placement);
    const kernel = step.kernel!;
    const output =
      this.placement?.shared[step.index] === 1
        ? this.placement.memory.take(step.node.dtype, step.size)
        : allocate(step.node.dtype, step.size);
    let running: void | Promise<void>;
    try {
      running = kernel.run(inputs, output, 0, kernel.units);
    } catch (error) {
      throw opError(step, error);
    }
    if (running === undefined) {
      this.finish(step, inputs, output);
      return;
    }
    return running.then(
      () => this.finish(step, inputs, output),
      (error) => {
        throw opError(step, error);
      },
    );
  }

  /**
   * Cuts a heavy op up over its outputs, never across a sum, so that each element is computed as on one thread.
   * The workers take the pieces one by one, so that one that lags behind takes fewer.
   */
  private async computeShards(step: Step, inputs: Data[], { pool, memory }: Placement): Promise<void> {
    const { node, kernel } = step;
    const { units, cost } = kernel!;
    const { name, attributes } = node.op as Op;
    const output = memory.take(node.dtype, step.size);
    const pieces = Math.min(units, Math.max(2 * pool.threads, Math.ceil(cost / PIECE_NS)));
    const control = new Int32Array(new SharedArrayBuffer(8));
    const shard: Shard = {
      op: name,
      attributes,
      shapes: node.inputs.map((input) => input.shape),
      shape: node.shape,
      inputs,
      output,
      grain: Math.ceil(units / pieces),
      control,
    };
    this.controls.add(control);
    const shares = Array.from({ length: Math.min(pool.threads, pieces) }, async () => {
      try {
        const done = await pool.run(shard, this.group.signal);
        this.recorder?.addShard(step.index, done.thread, done.started, done.ended);
      } catch (error) {
        Atomics.store(control, STOP, 1);
        throw error;
      }
    });
    // All of them, also after a failure: none may write to shared memory once the run has ended.
    const failed = (await Promise.allSettled(shares)).find((share) => share.status === "rejected");
    this.controls.delete(control);
    if (failed !== undefined) throw opError(step, failed.reason);
    this.finish(step, inputs, output);
  }

  private finish(step: Step, inputs: readonly Data[], output: Data): void {
    const { placement, unread } = this;
    if (placement !== undefined && unread !== undefined) {
      for (let i = 0; i < inputs.length; i++) {
        const index = step.inputs[i]!;
        const last = --unread[index]! === 0;
        if (last && placement.shared[index] === 1 && this.plan.steps[index]!.leaf < 0) {
          placement.memory.give(inputs[i]!);
        }
      }
    }
    this.emit(step, output);
  }

  /** Fresh channels have room for the one value that each carries in a run: sending never waits. */
  private emit(step: Step, output: Data): void {
    const { channels, placement } = this;
    const { edgesOut } = step;
    if (step.output >= 0) {
      // The caller keeps a copy: shared memory is used again, and the engine would be late to free it.
      const shared = placement?.shared[step.index] === 1;
      this.outputs[step.output] = shared ? output.slice() : output;
      if (shared && edgesOut.length === 0 && step.leaf < 0) placement.memory.give(output);
    }
    for (let i = 0; i < edgesOut.length; i++) channels[edgesOut[i]!]!.trySend(output);
    this.recorder?.markEnded(step.index);
  }
}
