import { UsageError } from "../errors.js";
import { Clock } from "./clock.js";
import { MachineClosedError } from "./errors.js";
import type { Graph } from "./graph.js";
import {
  FinishedRun,
  type MachineOptions,
  opError,
  PlannedMachine,
  type Run,
  type RunOptions,
} from "./machine.js";
import type { Plan } from "./plan.js";
import { allocate, type Data } from "./tensor.js";
import { Recorder } from "./trace.js";

/**
 * Runs a graph one node after the other, on this thread.
 *
 * The order and the buffers are worked out once: a buffer is used again, by this run and the next, once the last
 * consumer of its value is done. Outputs get fresh memory in each run. One run at a time.
 */
export class TapeMachine extends PlannedMachine {
  /** For each step its buffer's number, or −1 for leaves and outputs. */
  private readonly bufferOf: Int32Array;
  private readonly buffers: Data[];
  private running: Promise<unknown> | undefined = undefined;

  constructor(graph: Graph, options: MachineOptions = {}) {
    super(graph, options);
    const { bufferOf, buffers } = assignBuffers(this.plan);
    this.bufferOf = bufferOf;
    this.buffers = buffers;
    this.startLeaves();
  }

  /** The number of buffers that hold the intermediate values. */
  get bufferCount(): number {
    return this.buffers.length;
  }

  async runAll(options: RunOptions = {}): Promise<Run> {
    this.checkOpen();
    if (this.running !== undefined) {
      throw new UsageError("the tape machine is running; one run at a time", {
        hint: "wait for the run, or use a GoMachine, whose runs may overlap",
      });
    }
    options.signal?.throwIfAborted();
    const run = this.run(this.lendLeaves(), options.signal);
    this.running = run;
    try {
      return await run;
    } finally {
      this.running = undefined;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.running?.catch(() => undefined);
    this.buffers.length = 0;
  }

  private async run(leaves: readonly Data[], signal: AbortSignal | undefined): Promise<Run> {
    const { plan, bufferOf, buffers } = this;
    const recorder = this.traced ? new Recorder(plan) : undefined;
    const clock = signal === undefined ? undefined : new Clock();
    const values = new Array<Data>(plan.steps.length);
    const outputs = new Array<Data>(plan.outputs.length);
    for (const step of plan.steps) {
      const { index, node, kernel } = step;
      recorder?.markSpawned(index);
      let value: Data;
      if (kernel === undefined) value = leaves[step.leaf]!;
      else {
        const buffer = bufferOf[index]!;
        value = buffer < 0 ? allocate(node.dtype, step.size) : buffers[buffer]!;
        const inputs = new Array<Data>(step.inputs.length);
        for (let i = 0; i < inputs.length; i++) inputs[i] = values[step.inputs[i]!]!;
        try {
          const running = kernel.run(inputs, value, 0, kernel.units);
          if (running !== undefined) await running;
        } catch (error) {
          throw opError(step, error);
        }
        const turn = clock?.due();
        if (turn !== undefined) await turn;
        signal?.throwIfAborted();
        if (this.closed) throw new MachineClosedError();
      }
      values[index] = value;
      if (step.output >= 0) outputs[step.output] = value;
      recorder?.markEnded(index);
    }
    return new FinishedRun(plan, outputs, recorder);
  }
}

/** Gives each value between leaves and outputs a buffer of its type and size, free again after its last consumer. */
function assignBuffers(plan: Plan): { bufferOf: Int32Array; buffers: Data[] } {
  const { steps } = plan;
  const lastUse = new Int32Array(steps.length);
  for (const step of steps) for (const input of step.inputs) lastUse[input] = step.index;
  const bufferOf = new Int32Array(steps.length).fill(-1);
  const buffers: Data[] = [];
  const free = new Map<string, number[]>();
  const listFor = (index: number): number[] => {
    const { node, size } = steps[index]!;
    const key = `${node.dtype} ${size}`;
    const list = free.get(key);
    if (list !== undefined) return list;
    const fresh: number[] = [];
    free.set(key, fresh);
    return fresh;
  };
  for (const step of steps) {
    if (step.kernel !== undefined && step.output < 0) {
      const buffer = listFor(step.index).pop() ?? buffers.length;
      if (buffer === buffers.length) buffers.push(allocate(step.node.dtype, step.size));
      bufferOf[step.index] = buffer;
    }
    // After the output has its buffer: an op never writes over its inputs.
    for (const input of new Set(step.inputs)) {
      if (lastUse[input] === step.index && bufferOf[input]! >= 0) listFor(input).push(bufferOf[input]!);
    }
  }
  return { bufferOf, buffers };
}
