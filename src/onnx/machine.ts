import { UsageError } from "../errors.js";
import { fuse, GoMachine, type Machine, Memory, type Node, TapeMachine, Tensor } from "../machine/index.js";
import { Sequence, type Value, ValuesNeeded } from "./builder.js";
import { isOperand } from "./call.js";
import { StringTensor } from "./elements.js";
import type { OnnxInput, OnnxModel } from "./model.js";

/** What a model takes and gives: numbers, text, a list, or nothing where that is allowed. */
export type OnnxTensor = Tensor | StringTensor | Sequence | undefined;

export interface OnnxMachineOptions {
  /** What runs the graph: one node after another, or by tasks and channels. Default: go. */
  machine?: "tape" | "go" | undefined;
  /** Worker threads of the go machine. Default 0. */
  workers?: number | undefined;
  /** Whether this thread computes too while workers do. Default: true. */
  callerWorks?: boolean | undefined;
  /** The estimated cost, in nanoseconds, from which a task is shared between threads; see `GoMachineOptions`. */
  threshold?: number | undefined;
  /** Plans that are kept, those longest unused making room for others. Default 4. */
  plans?: number | undefined;
  /** Whether ops are joined where that saves passes over memory, and weights folded; see `fuse`. Default: true. */
  fusion?: boolean | undefined;
  /** Records when each node ran. */
  trace?: boolean | undefined;
}

const PLANS = 4;

/** The values of a model's outputs in one run. */
export interface OnnxRun {
  readonly outputs: ReadonlyMap<string, OnnxTensor>;
  readonly trace: import("../machine/index.js").Trace | undefined;
}

/** A plan for inputs of certain shapes, and values of those that decide shapes. */
interface Plan {
  /** Undefined where every output is known already. */
  readonly machine: Machine | undefined;
  readonly inputs: ReadonlyMap<string, Node>;
  readonly outputs: ReadonlyMap<string, Value>;
  /** The machine's node of an output's. */
  nodeOf(node: Node): Node;
  /** Runs under way; a plan that was put away is closed after the last of them. */
  running: number;
  stale: boolean;
  /** The end of the last run: a tape machine runs one at a time. */
  last: Promise<unknown>;
}

/**
 * Runs a model for inputs of any shapes: a plan is made for each combination of shapes, and of values that decide
 * shapes, and kept for the next run that has the same.
 */
export class OnnxMachine {
  readonly model: OnnxModel;
  private readonly options: OnnxMachineOptions;
  /** The plans by what they are for, the one used last at the end. */
  private readonly plans = new Map<string, Plan>();
  /** The inputs whose values decide shapes, as far as is known. */
  private readonly deciding = new Set<string>();
  /** That of all plans: weights lie there once. */
  private readonly memory = new Memory();
  private closed = false;

  constructor(model: OnnxModel, options: OnnxMachineOptions = {}) {
    const { plans = PLANS } = options;
    if (!(plans >= 1)) throw new UsageError(`plans is 1 or more, got ${plans}`);
    this.model = model;
    this.options = options;
  }

  /** The number of plans that are kept. */
  get planned(): number {
    return this.plans.size;
  }

  /** The bytes of weights and values in memory. */
  get memoryBytes(): number {
    return this.memory.size;
  }

  /**
   * Runs the model.
   *
   * @throws UsageError for inputs that it does not have or that are missing; DataError where they do not fit
   */
  async run(
    inputs: ReadonlyMap<string, OnnxTensor>,
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<OnnxRun> {
    if (this.closed) throw new UsageError("the machine is closed");
    this.check(inputs);
    const plan = this.planFor(inputs);
    plan.running++;
    try {
      return await this.runIn(plan, inputs, options.signal);
    } finally {
      plan.running--;
      if (plan.stale && plan.running === 0) await plan.machine?.close();
    }
  }

  /** Stops what runs and lets go of memory and threads. */
  async close(): Promise<void> {
    this.closed = true;
    const plans = [...this.plans.values()];
    this.plans.clear();
    for (const plan of plans) await plan.machine?.close();
  }

  private check(inputs: ReadonlyMap<string, OnnxTensor>): void {
    const known = new Map(this.model.inputs.map((input) => [input.name, input]));
    for (const [name, value] of inputs) {
      const input = known.get(name);
      if (input === undefined) {
        throw new UsageError(`the model has no input ${JSON.stringify(name)}`, {
          hint: `its inputs are ${[...known.keys()].join(", ")}`,
        });
      }
      if (value === undefined || value instanceof Sequence || input.kind !== "tensor") continue;
      if (input.dtype !== undefined && input.dtype !== value.dtype)
        throw new UsageError(`input ${name} is ${input.dtype}, the tensor given is ${value.dtype}`);
      const fits =
        input.shape === undefined ||
        (input.shape.length === value.shape.length &&
          input.shape.every((length, axis) => typeof length !== "number" || length === value.shape[axis]));
      if (!fits) {
        throw new UsageError(
          `input ${name} has the shape [${input.shape!.map((length) => length ?? "?").join(", ")}], ` +
            `the tensor given [${value.shape.join(", ")}]`,
        );
      }
    }
  }

  private planFor(inputs: ReadonlyMap<string, OnnxTensor>): Plan {
    for (;;) {
      const key = this.keyOf(inputs);
      const known = this.plans.get(key);
      if (known !== undefined) {
        this.plans.delete(key);
        this.plans.set(key, known);
        return known;
      }
      try {
        const plan = this.make(inputs);
        this.plans.set(key, plan);
        this.putAway();
        return plan;
      } catch (error) {
        if (!(error instanceof ValuesNeeded)) throw error;
        // From now on these inputs' values are part of what a plan is for.
        const before = this.deciding.size;
        for (const { name } of error.inputs) this.deciding.add(name!);
        if (this.deciding.size === before) throw error;
      }
    }
  }

  private make(inputs: ReadonlyMap<string, OnnxTensor>): Plan {
    const given = new Map<string, OnnxInput>();
    for (const [name, value] of inputs) {
      const open = value instanceof Tensor && !this.deciding.has(name);
      given.set(name, open ? { dtype: value.dtype, shape: value.shape } : value);
    }
    const planned = this.model.graph(given);
    const wanted = new Set<Node>();
    const collect = (value: Value): void => {
      if (value instanceof Sequence) for (const item of value.items) collect(item);
      else if (isOperand(value) && !(value instanceof Tensor)) wanted.add(value);
    };
    for (const value of planned.outputs.values()) collect(value);
    const { machine = "go", workers, callerWorks, threshold, trace, fusion = true } = this.options;
    const fused = fusion
      ? fuse(planned.graph, [...wanted])
      : { graph: planned.graph, nodeOf: (node: Node) => node };
    const { graph } = fused;
    const settings = { outputs: [...wanted].map((node) => fused.nodeOf(node)!), trace, memory: this.memory };
    // An input that no output needs takes no value.
    const nodes = [...planned.inputs].flatMap(([name, node]): [string, Node][] => {
      const own = fused.nodeOf(node);
      return own === undefined ? [] : [[name, own]];
    });
    return {
      machine:
        wanted.size === 0
          ? undefined
          : machine === "tape"
            ? new TapeMachine(graph, settings)
            : new GoMachine(graph, { ...settings, workers, callerWorks, threshold }),
      inputs: new Map(nodes),
      outputs: planned.outputs,
      nodeOf: (node) => fused.nodeOf(node)!,
      running: 0,
      stale: false,
      last: Promise.resolve(),
    };
  }

  private putAway(): void {
    for (const [key, plan] of this.plans) {
      if (this.plans.size <= (this.options.plans ?? PLANS)) return;
      this.plans.delete(key);
      plan.stale = true;
      if (plan.running === 0) void plan.machine?.close();
    }
  }

  private async runIn(
    plan: Plan,
    inputs: ReadonlyMap<string, OnnxTensor>,
    signal: AbortSignal | undefined,
  ): Promise<OnnxRun> {
    const { machine } = plan;
    if (machine === undefined)
      return { outputs: plan.outputs as ReadonlyMap<string, OnnxTensor>, trace: undefined };
    const start = () => {
      for (const [name, node] of plan.inputs) machine.let(node, inputs.get(name) as Tensor);
      return machine.runAll({ signal });
    };
    const alone = machine instanceof TapeMachine;
    const running = alone ? plan.last.then(start, start) : start();
    if (alone) plan.last = running;
    const run = await running;
    const inRun = (value: Value): OnnxTensor => {
      if (value instanceof Sequence) return new Sequence(value.items.map(inRun));
      return isOperand(value) && !(value instanceof Tensor) ? run.value(plan.nodeOf(value)) : value;
    };
    return {
      outputs: new Map([...plan.outputs].map(([name, value]) => [name, inRun(value)])),
      trace: run.trace,
    };
  }

  /** What a plan for these inputs is kept under. */
  private keyOf(inputs: ReadonlyMap<string, OnnxTensor>): string {
    const parts: string[] = [];
    for (const [name, value] of inputs) {
      const open = value instanceof Tensor && !this.deciding.has(name);
      parts.push(`${name}:${open ? `${value.dtype}[${value.shape.join()}]` : wholeKey(value)}`);
    }
    return parts.sort().join(";");
  }
}

/** Up to so many elements a value is written out in the name of its plan. */
const WRITTEN = 64;

/** What names a value: itself, or its bytes' SHA-256 where it is long. */
function wholeKey(value: OnnxTensor): string {
  if (value === undefined) return "none";
  if (value instanceof Sequence) return `(${value.items.map((item) => wholeKey(item as OnnxTensor)).join()})`;
  if (value instanceof StringTensor) return `[${value.shape.join()}]${JSON.stringify(value.strings)}`;
  const { dtype, shape, data } = value;
  if (data.length <= WRITTEN)
    return `${dtype}[${shape.join()}]=${Array.from(data as ArrayLike<number | bigint>, text).join()}`;
  const { createHash } = process.getBuiltinModule("node:crypto");
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return `${dtype}[${shape.join()}]#${createHash("sha256").update(bytes).digest("base64")}`;
}

/** −0 is not 0: their reciprocals differ. */
function text(element: number | bigint): string {
  return Object.is(element, -0) ? "-0" : String(element);
}
