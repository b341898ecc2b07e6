import { UsageError } from "../errors.js";
import type { DeviceOptions } from "./device/device-part.js";
import type { Leaves } from "./engine/caller-frame.js";
import type { Memory } from "./engine/memory.js";
import { MachineClosedError } from "./errors.js";
import { type Graph, type Node, type Value, valueFor } from "./graph.js";
import { compile, type Plan, type Step } from "./plan.js";
import { type Data, Tensor } from "./tensor.js";
import type { Trace } from "./trace.js";

export interface RunOptions {
  /** Stops the run: `runAll` rejects with the signal's reason once nothing of the run is left. */
  signal?: AbortSignal | undefined;
  /**
   * Gives the outputs as views of the machine's memory, which hold until the machine's next run begins, and saves
   * their copies. Default: false.
   */
  views?: boolean | undefined;
}

/** The result of one run. */
export interface Run {
  /** The value that an output had in this run. @throws UsageError for a node that is no output. */
  value(node: Node): Tensor;
  /** When each node waited and ran; with the option `trace` only. */
  readonly trace: Trace | undefined;
}

/** Runs a graph. All machines give the same bits. */
export interface Machine {
  readonly graph: Graph;
  /**
   * Gives an input or a parameter its value for the runs that start from now on. Tensors and typed arrays are not
   * copied: do not write to them while the machine may read them.
   */
  let(node: Node, value: Value): void;
  /** Runs the whole graph; then outputs have their values, in the result and in `node.value`. */
  runAll(options?: RunOptions): Promise<Run>;
  /** Forgets all values given by `let` and those in the outputs' `node.value`. */
  reset(): void;
  /** Stops what runs, and lets go of memory and threads; any later use is an error. Again: no effect. */
  close(): Promise<void>;
}

export interface MachineOptions extends DeviceOptions {
  /** The nodes whose values are wanted; only what they need is run. Default: the nodes that nothing consumes. */
  outputs?: readonly Node[] | undefined;
  /** Records when each node waited and ran. */
  trace?: boolean | undefined;
  /**
   * The memory in which values lie. Machines that share one keep constants that they have in common once, also folded
   * ones; each gives its own part back when it is closed. Default: one of its own.
   */
  memory?: Memory | undefined;
}

/** A part of a graph as a graph of its own. */
export interface GraphPart {
  readonly graph: Graph;
  /** The node that has a node's value, where there is one. */
  of(node: Node): Node | undefined;
}

/** What the machines share: the plan, and the leaves' values. */
export abstract class PlannedMachine implements Machine {
  readonly graph: Graph;
  protected readonly plan: Plan;
  protected readonly traced: boolean;
  protected closed = false;
  protected readonly leaves: Leaves;
  /** Whether views of this machine's memory were handed out, and leaves are read where they are given. */
  protected lentViews = false;
  private readonly part: GraphPart | undefined;
  /** The version of the leaves that were last found complete. */
  private complete = -1;

  /** @param part the part of the graph that is run, with nodes of its own; default: all of it */
  constructor(graph: Graph, options: MachineOptions, part?: GraphPart) {
    this.graph = graph;
    this.part = part;
    this.plan = compile(part?.graph ?? graph, options.outputs);
    this.traced = options.trace ?? false;
    this.leaves = { values: new Array(this.plan.leaves.length).fill(undefined), version: 0 };
  }

  abstract runAll(options?: RunOptions): Promise<Run>;
  abstract close(): Promise<void>;

  let(node: Node, value: Value): void {
    this.checkOpen();
    const own = node.graph === this.part?.graph;
    if (node.graph !== this.graph && !own)
      throw new UsageError(`let: ${node.label} belongs to another graph`);
    if (node.op !== "input" && node.op !== "parameter") {
      throw new UsageError(`let: ${node.label} is neither an input nor a parameter`);
    }
    const data = valueFor(node, value);
    const here = this.part === undefined || own ? node : this.part.of(node);
    const step = this.plan.steps[this.plan.indexOf[here?.id ?? -1] ?? -1];
    if (step === undefined || step.kernel !== undefined) return;
    // A view of a machine's memory is written over by its next run, which should read it.
    this.setLeaf(step, this.lentViews && data.buffer instanceof SharedArrayBuffer ? data.slice() : data);
  }

  reset(): void {
    this.checkOpen();
    this.startLeaves();
    for (const step of this.plan.outputs) step.node.value = undefined;
    // A part has nodes of its own.
    if (this.part !== undefined)
      for (const node of this.graph.nodes) if (this.part.of(node) !== undefined) node.value = undefined;
  }

  /** Gives a leaf the value that runs starting from now on see. */
  protected setLeaf(step: Step, data: Data | undefined): void {
    this.leaves.values[step.leaf] = data;
    this.leaves.version++;
  }

  /** Sets the leaves to their starting values. */
  protected startLeaves(): void {
    for (const step of this.plan.leaves) this.setLeaf(step, step.fixed ?? step.node.initial?.data);
  }

  /** @throws UsageError when an input has no value. */
  protected checkLeaves(): void {
    const { values, version } = this.leaves;
    if (this.complete === version) return;
    for (let i = 0; i < values.length; i++) {
      if (values[i] === undefined) {
        const { label } = this.plan.leaves[i]!.node;
        throw new UsageError(`input ${label} has no value`, {
          hint: `machine.let(${label}, value) gives it one`,
        });
      }
    }
    this.complete = version;
  }

  protected checkOpen(): void {
    if (this.closed) throw new MachineClosedError();
  }
}

/** A finished run; sets the outputs' `node.value`. */
export class FinishedRun implements Run {
  readonly trace: Trace | undefined;
  private readonly plan: Plan;
  private readonly tensors: readonly Tensor[];

  constructor(plan: Plan, values: readonly Data[], trace: Trace | undefined) {
    this.plan = plan;
    this.trace = trace;
    const tensors = new Array<Tensor>(values.length);
    for (let i = 0; i < values.length; i++) {
      const { node } = plan.outputs[i]!;
      tensors[i] = node.value = new Tensor(values[i]!, node.shape, node.dtype);
    }
    this.tensors = tensors;
  }

  value(node: Node): Tensor {
    const step = this.plan.steps[this.plan.indexOf[node.id] ?? -1];
    const tensor = step?.node === node ? this.tensors[step.output] : undefined;
    if (tensor === undefined) {
      throw new UsageError(`${node.label} is no output of this machine`, {
        hint: "list it among the machine's outputs",
      });
    }
    return tensor;
  }
}

/** A run of a part by the nodes of the whole graph; sets the outputs' `node.value`. */
export class PartRun implements Run {
  readonly trace: Trace | undefined;
  private readonly run: Run;
  private readonly part: GraphPart;

  /** @param trace default: that of the run */
  constructor(run: Run, part: GraphPart, outputs: readonly Node[], trace: Trace | undefined = run.trace) {
    this.run = run;
    this.part = part;
    this.trace = trace;
    for (const node of outputs) node.value = this.value(node);
  }

  value(node: Node): Tensor {
    return this.run.value(this.part.of(node) ?? node);
  }
}
