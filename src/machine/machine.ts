import { UsageError } from "../errors.js";
import { MachineClosedError, OpError } from "./errors.js";
import { type Graph, type Node, type Value, valueFor } from "./graph.js";
import { compile, type Plan, type Step } from "./plan.js";
import { type Data, Tensor } from "./tensor.js";
import type { Recorder, Trace } from "./trace.js";

export interface RunOptions {
  /** Stops the run: `runAll` rejects with the signal's reason once nothing of the run is left. */
  signal?: AbortSignal | undefined;
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

export interface MachineOptions {
  /** The nodes whose values are wanted; only what they need is run. Default: the nodes that nothing consumes. */
  outputs?: readonly Node[] | undefined;
  /** Records when each node waited and ran. */
  trace?: boolean | undefined;
}

/** What the machines share: the plan, and the leaves' values. */
export abstract class PlannedMachine implements Machine {
  readonly graph: Graph;
  protected readonly plan: Plan;
  protected readonly traced: boolean;
  protected closed = false;
  private leaves: (Data | undefined)[] = [];
  private leavesLent = false;

  constructor(graph: Graph, options: MachineOptions) {
    this.graph = graph;
    this.plan = compile(graph, options.outputs);
    this.traced = options.trace ?? false;
  }

  abstract runAll(options?: RunOptions): Promise<Run>;
  abstract close(): Promise<void>;

  let(node: Node, value: Value): void {
    this.checkOpen();
    if (node.graph !== this.graph) throw new UsageError(`let: ${node.label} belongs to another graph`);
    if (node.op !== "input" && node.op !== "parameter") {
      throw new UsageError(`let: ${node.label} is neither an input nor a parameter`);
    }
    const data = valueFor(node, value);
    const step = this.plan.steps[this.plan.indexOf[node.id] ?? -1];
    if (step === undefined) return;
    if (this.leavesLent) {
      // Runs that have started keep the values they started with.
      this.leaves = this.leaves.slice();
      this.leavesLent = false;
    }
    this.leaves[step.leaf] = this.adopt(step, data, this.leaves[step.leaf]);
  }

  reset(): void {
    this.checkOpen();
    this.startLeaves();
    for (const step of this.plan.outputs) step.node.value = undefined;
  }

  /** Where a machine keeps a leaf's value; `former` is the one it replaces. */
  protected adopt(_step: Step, data: Data, _former: Data | undefined): Data {
    return data;
  }

  /** Sets the leaves to their starting values. */
  protected startLeaves(): void {
    this.leaves = this.plan.leaves.map((step) => {
      const starting = step.fixed ?? step.node.initial?.data;
      return starting === undefined ? undefined : this.adopt(step, starting, undefined);
    });
    this.leavesLent = false;
  }

  /** The leaves' values for a run. @throws UsageError when an input has none. */
  protected lendLeaves(): readonly Data[] {
    const { leaves } = this;
    for (let i = 0; i < leaves.length; i++) {
      if (leaves[i] === undefined) {
        const { label } = this.plan.leaves[i]!.node;
        throw new UsageError(`input ${label} has no value`, {
          hint: `machine.let(${label}, value) gives it one`,
        });
      }
    }
    this.leavesLent = true;
    return leaves as readonly Data[];
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

  constructor(plan: Plan, values: readonly Data[], recorder: Recorder | undefined) {
    this.plan = plan;
    this.trace = recorder?.finish();
    const tensors = new Array<Tensor>(values.length);
    for (let i = 0; i < values.length; i++) {
      const { node } = plan.outputs[i]!;
      tensors[i] = node.value = new Tensor(values[i]!, node.shape);
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

/** What an op threw, with the node, the op and the shapes; an error that has them already stays as it is. */
export function opError(step: Step, cause: unknown): OpError {
  if (cause instanceof OpError) return cause;
  const { node } = step;
  const name = typeof node.op === "string" ? node.op : node.op.name;
  return new OpError(
    node.label,
    name,
    node.inputs.map((input) => input.shape),
    cause,
  );
}
