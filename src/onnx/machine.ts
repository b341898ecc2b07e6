import { DataError, UsageError } from "../errors.js";
import {
  type DeviceOptions,
  fuse,
  GoMachine,
  Memory,
  type Node,
  type Placed,
  type Run,
  type Sites,
  type Span,
  TapeMachine,
  Tensor,
} from "../machine/index.js";
import { Trace } from "../machine/trace.js";
import { Sequence, type Value } from "./builder.js";
import { isOperand } from "./call.js";
import { StringTensor } from "./elements.js";
import type { OnnxInput, OnnxModel } from "./model.js";
import { type OnnxStage, OpenText } from "./stage.js";

/** What a model takes and gives: numbers, text, a list, or nothing where that is allowed. */
export type OnnxTensor = Tensor | StringTensor | Sequence | undefined;

export interface OnnxMachineOptions extends DeviceOptions {
  /** What runs the graph: one node after another, or by tasks and channels. Default: go. */
  machine?: "tape" | "go" | undefined;
  /** Worker threads of the go machine. Default 0; see `GoMachineOptions` where there are sites. */
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
  /**
   * The sites that run the model together, of which this machine is one (with machine go); all start the same runs, one after
   * the other, and each has all outputs. See `GoMachineOptions`.
   */
  sites?: Sites | undefined;
}

const PLANS = 4;

/** The values of a model's outputs in one run. */
export interface OnnxRun {
  readonly outputs: ReadonlyMap<string, OnnxTensor>;
  readonly trace: import("../machine/index.js").Trace | undefined;
}

/** A plan of a stage, for inputs of certain shapes, and values of those that decide shapes. */
interface Plan {
  readonly key: string;
  /** Undefined where there is nothing to compute. */
  readonly machine: TapeMachine | GoMachine | undefined;
  readonly inputs: ReadonlyMap<string, Node>;
  readonly stage: OnnxStage;
  /** The machine's node of a stage's. */
  nodeOf(node: Node): Node;
  /** Runs under way; a plan that was put away is closed after the last of them. */
  running: number;
  stale: boolean;
  /** The end of the last run: a tape machine runs one at a time. */
  last: Promise<unknown>;
}

/** What is known between two stages of a run. */
interface Values {
  /** What this run has given. */
  readonly open: Map<string, OnnxTensor>;
  /** What follows from the plans so far, and stands in no name of a plan. */
  readonly fixed: Map<string, Value>;
}

/** Up to so many elements in all inputs are asked for their values, rather than cutting a graph into stages. */
const SMALL = 64;

/**
 * Runs a model for inputs of any shapes: a plan is made for each combination of shapes, and of values that decide
 * shapes, and kept for the next run that has the same.
 *
 * Where values that a run computes decide shapes, the model is cut into stages there, each with its plans. Results whose
 * shapes hang on values (`NonZero`, `NonMaxSuppression`, …) are worked out between stages, and the next one is planned for
 * their shapes.
 */
export class OnnxMachine {
  readonly model: OnnxModel;
  private readonly options: OnnxMachineOptions;
  /** The plans of the first stage, the second, … by what they are for, the one used last at the end. */
  private readonly plans: Map<string, Plan>[] = [];
  /** The inputs whose values decide shapes, as far as is known, of the stages that begin at nodes. */
  private readonly deciding = new Map<number, Set<string>>();
  /** That of all plans: weights lie there once. */
  private readonly memory = new Memory();
  private closed = false;

  constructor(model: OnnxModel, options: OnnxMachineOptions = {}) {
    const { plans = PLANS } = options;
    if (options.sites !== undefined && options.machine === "tape")
      throw new UsageError("the tape machine runs at one site", { hint: "take the go machine" });
    if (options.sites !== undefined && options.device !== undefined)
      throw new UsageError("a machine of several sites has no device of its own yet");
    if (!(plans >= 1)) throw new UsageError(`plans is 1 or more, got ${plans}`);
    this.model = model;
    this.options = options;
  }

  /** The number of plans that are kept. */
  get planned(): number {
    return this.plans.reduce((sum, { size }) => sum + size, 0);
  }

  /** Where the ops of the plans that are kept run; undefined without a device. */
  get placed(): Placed | undefined {
    const all = this.plans.flatMap((own) =>
      [...own.values()].flatMap(({ machine }) => machine?.placed ?? []),
    );
    if (all.length === 0) return undefined;
    const others = new Map<string, number>();
    for (const each of all)
      for (const [op, count] of each.others) others.set(op, (others.get(op) ?? 0) + count);
    return { ops: all.reduce((sum, { ops }) => sum + ops, 0), others };
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
    const { model } = this;
    let values: Values = { open: new Map(inputs), fixed: new Map() };
    for (const { name, kind } of model.inputs) {
      if (inputs.has(name)) continue;
      if (kind !== "optional") throw new DataError(`input ${name} is not given`);
      values.open.set(name, undefined);
    }
    const spans: Span[] = [];
    const began = performance.now();
    const day = performance.timeOrigin + began;
    for (let start = 0, level = 0, before = ""; ; level++) {
      options.signal?.throwIfAborted();
      const plan = this.planFor(level, start, before, values);
      const offset = performance.now() - began;
      plan.running++;
      try {
        const { trace, ...after } = await this.runIn(plan, values.open, options.signal);
        values = after;
        for (const span of trace?.spans ?? []) spans.push(later(span, offset));
      } finally {
        plan.running--;
        if (plan.stale && plan.running === 0) await plan.machine?.close();
      }
      const { end, byValue } = plan.stage;
      const all = new Map<string, Value>([...values.fixed, ...(values.open as Map<string, Value>)]);
      if (end === model.length) {
        const outputs = model.outputsOf(all) as ReadonlyMap<string, OnnxTensor>;
        return { outputs, trace: this.options.trace ? new Trace(spans, day) : undefined };
      }
      start = end;
      before = plan.key;
      if (!byValue) continue;
      for (const [name, value] of model.evaluate(end, all)) values.open.set(name, value as OnnxTensor);
      start++;
      const needed = model.neededFrom(start);
      for (const list of [values.open, values.fixed])
        for (const name of list.keys()) if (!needed.has(name)) list.delete(name);
    }
  }

  /** Stops what runs and lets go of memory and threads. */
  async close(): Promise<void> {
    this.closed = true;
    const plans = this.plans.flatMap((own) => [...own.values()]);
    this.plans.length = 0;
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

  private planFor(level: number, start: number, before: string, values: Values): Plan {
    this.plans[level] ??= new Map();
    const plans = this.plans[level];
    let deciding = this.deciding.get(start);
    if (deciding === undefined) {
      deciding = new Set();
      this.deciding.set(start, deciding);
    }
    for (;;) {
      const key = `${before}/${start}:${keyOf(values.open, deciding)}`;
      const known = plans.get(key);
      if (known !== undefined) {
        plans.delete(key);
        plans.set(key, known);
        return known;
      }
      const stage = this.model.stage(start, given(values, deciding));
      const { end, byValue, asked } = stage;
      const size = [...asked.values()].reduce((sum, own) => sum + own, 0);
      if (end < this.model.length && !byValue && (end === start || size <= SMALL)) {
        // From now on these inputs' values are part of what a plan is for.
        const count = deciding.size;
        for (const name of asked.keys()) deciding.add(name);
        if (deciding.size === count) throw new DataError("values that decide shapes are not to be had");
        continue;
      }
      const plan = this.make(key, stage);
      plans.set(key, plan);
      this.putAway(plans);
      return plan;
    }
  }

  private make(key: string, stage: OnnxStage): Plan {
    const wanted = new Set<Node>();
    const collect = (value: Value): void => {
      if (value instanceof Sequence) for (const item of value.items) collect(item);
      else if (isOperand(value) && !(value instanceof Tensor) && value.op !== "input") wanted.add(value);
    };
    for (const value of stage.live.values()) if (!(value instanceof OpenText)) collect(value);
    const { machine = "go", workers, callerWorks, threshold, trace, sites, fusion = true } = this.options;
    const { device, placement } = this.options;
    const fused = fusion
      ? fuse(stage.graph, [...wanted])
      : { graph: stage.graph, nodeOf: (node: Node) => node };
    const { graph } = fused;
    const settings = {
      outputs: [...wanted].map((node) => fused.nodeOf(node)!),
      trace,
      memory: this.memory,
      device,
      placement,
    };
    // An input that no output needs takes no value.
    const nodes = [...stage.inputs].flatMap(([name, node]): [string, Node][] => {
      const own = fused.nodeOf(node);
      return own === undefined ? [] : [[name, own]];
    });
    return {
      key,
      stage,
      machine:
        wanted.size === 0
          ? undefined
          : machine === "tape"
            ? new TapeMachine(graph, settings)
            : new GoMachine(graph, { ...settings, workers, callerWorks, threshold, sites }),
      inputs: new Map(nodes),
      nodeOf: (node) => fused.nodeOf(node)!,
      running: 0,
      stale: false,
      last: Promise.resolve(),
    };
  }

  private putAway(plans: Map<string, Plan>): void {
    for (const [key, plan] of plans) {
      if (plans.size <= (this.options.plans ?? PLANS)) return;
      plans.delete(key);
      plan.stale = true;
      if (plan.running === 0) void plan.machine?.close();
    }
  }

  /** Runs a stage; gives what is known after it. */
  private async runIn(
    plan: Plan,
    open: ReadonlyMap<string, OnnxTensor>,
    signal: AbortSignal | undefined,
  ): Promise<Values & { trace: Trace | undefined }> {
    const { machine, stage } = plan;
    let run: Run | undefined;
    if (machine !== undefined) {
      const start = () => {
        for (const [name, node] of plan.inputs) machine.let(node, open.get(name) as Tensor);
        return machine.runAll({ signal });
      };
      const alone = machine instanceof TapeMachine;
      const running = alone ? plan.last.then(start, start) : start();
      if (alone) plan.last = running;
      run = await running;
    }
    const inRun = (value: Value): OnnxTensor => {
      if (value instanceof Sequence) return new Sequence(value.items.map(inRun));
      if (!isOperand(value) || value instanceof Tensor) return value;
      return value.op === "input" ? open.get(value.name!) : run!.value(plan.nodeOf(value));
    };
    const after: Values = { open: new Map(), fixed: new Map() };
    for (const [name, value] of stage.live) {
      if (value instanceof OpenText) after.open.set(name, open.get(name));
      else if (isFixed(value)) after.fixed.set(name, value);
      else after.open.set(name, inRun(value));
    }
    return { ...after, trace: run?.trace };
  }
}

/** What a stage is given: types, but values where these decide shapes, or are fixed. */
function given({ open, fixed }: Values, deciding: ReadonlySet<string>): Map<string, OnnxInput | OpenText> {
  const all = new Map<string, OnnxInput | OpenText>(fixed as Map<string, OnnxInput>);
  for (const [name, value] of open) {
    if (deciding.has(name)) all.set(name, value);
    else if (value instanceof Tensor) all.set(name, { dtype: value.dtype, shape: value.shape });
    else all.set(name, value instanceof StringTensor ? new OpenText(value.shape) : value);
  }
  return all;
}

/** Whether a stage's value is the same in all of its runs. */
function isFixed(value: Value): boolean {
  if (value instanceof Sequence) return value.items.every(isFixed);
  return !isOperand(value) || value instanceof Tensor;
}

/** A span of a stage that began later than the run. */
function later(span: Span, ms: number): Span {
  const { spawned, ready, started, ended } = span;
  return { ...span, spawned: spawned + ms, ready: ready + ms, started: started + ms, ended: ended + ms };
}

/** What names what a run has given: types, and values where these decide shapes. */
function keyOf(open: ReadonlyMap<string, OnnxTensor>, deciding: ReadonlySet<string>): string {
  const parts: string[] = [];
  for (const [name, value] of open) {
    const typed = !deciding.has(name) && (value instanceof Tensor || value instanceof StringTensor);
    parts.push(`${name}:${typed ? `${value.dtype}[${value.shape.join()}]` : wholeKey(value)}`);
  }
  return parts.sort().join(";");
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
