import { UsageError } from "../errors.js";
import { DeviceError } from "./device/device-error.js";
import { OpError } from "./errors.js";
import type { Graph, Node } from "./graph.js";
import { type Kernel, Result } from "./op.js";
import { sizeOf } from "./shape.js";
import { allocate, type Data } from "./tensor.js";

/** A node of a plan. Nodes of a plan are numbered anew, without those that no output needs. */
export interface Step {
  readonly index: number;
  readonly node: Node;
  readonly size: number;
  /** The value that the node has in every run, for what depends on constants alone. */
  readonly fixed: Data | undefined;
  /** Undefined for leaves, also for those that a constant expression has become. */
  readonly kernel: Kernel | undefined;
  /** How many results its op has; those after the first are the steps that come next. */
  readonly results: number;
  /** The inputs' numbers. */
  readonly inputs: readonly number[];
  /** The edges on which the inputs come are `firstEdge`, `firstEdge + 1`, …: one per input, also for `x * x`. */
  readonly firstEdge: number;
  /** The edges on which the value goes out. */
  readonly edgesOut: number[];
  /** The leaf's number among the leaves, or −1. */
  readonly leaf: number;
  /** The output's number among the outputs, or −1. */
  readonly output: number;
}

/** What a machine runs: the nodes that the outputs need, in topological order, each with its kernel. */
export interface Plan {
  readonly steps: readonly Step[];
  readonly edges: number;
  readonly leaves: readonly Step[];
  /** The numbers of the steps that are no leaves, in order. */
  readonly tasks: Int32Array;
  readonly outputs: readonly Step[];
  /** Whether leaves should be copied into the machine's memory, for kernels that are fastest there. */
  readonly inMemory: boolean;
  /** For each node of the graph its number in the plan, or −1. */
  readonly indexOf: Int32Array;
}

/**
 * Compiles what `graph` holds now; nodes added later are not run.
 *
 * `outputs` defaults to all nodes that nothing consumes. What depends on constants alone is computed here,
 * once. Time and memory are linear in nodes and edges.
 *
 * @throws UsageError when an output belongs to another graph.
 */
export function compile(graph: Graph, outputs: readonly Node[] | undefined): Plan {
  const { nodes } = graph;
  const needed = new Uint8Array(nodes.length);
  const kept = new Uint8Array(nodes.length);
  const consumed = new Uint8Array(nodes.length);
  for (const node of nodes) for (const input of node.inputs) consumed[input.id] = 1;
  for (const node of outputs ?? nodes.filter((own) => consumed[own.id] === 0)) {
    if (node.graph !== graph) throw new UsageError(`output ${node.label} belongs to another graph`);
    needed[node.id] = 1;
    kept[node.id] = 1;
  }
  for (let id = nodes.length - 1; id >= 0; id--) {
    if (needed[id] === 1) for (const input of nodes[id]!.inputs) needed[input.id] = 1;
  }
  // An op writes all of its results, whichever are read.
  for (const { id, results } of nodes)
    if (needed[id] === 1 && results !== undefined) for (const result of results) needed[result.id] = 1;
  const fixed = foldConstants(graph, needed);
  // Of what is fixed only that remains which others read.
  const visible = kept.slice();
  for (const node of nodes) {
    if (needed[node.id] === 0 || fixed[node.id] !== undefined) continue;
    visible[node.id] = 1;
    for (const input of node.inputs) visible[input.id] = 1;
    if (node.results !== undefined) for (const result of node.results) visible[result.id] = 1;
  }
  const indexOf = new Int32Array(nodes.length).fill(-1);
  const steps: Step[] = [];
  const leaves: Step[] = [];
  const results: Step[] = [];
  let edges = 0;
  for (const node of nodes) {
    if (visible[node.id] === 0) continue;
    const op = typeof node.op === "string" || fixed[node.id] !== undefined ? undefined : node.op;
    const inputs = op === undefined ? [] : node.inputs.map((input) => indexOf[input.id]!);
    const firstEdge = edges;
    for (const input of inputs) steps[input]!.edgesOut.push(edges++);
    indexOf[node.id] = steps.length;
    const step: Step = {
      index: steps.length,
      node,
      size: sizeOf(node.shape),
      fixed: fixed[node.id],
      kernel: op?.make(node.inputs, node.results ?? [node]),
      results: op === undefined ? 1 : (node.results?.length ?? 1),
      inputs,
      firstEdge,
      edgesOut: [],
      leaf: op === undefined ? leaves.length : -1,
      output: kept[node.id] === 1 ? results.length : -1,
    };
    steps.push(step);
    if (op === undefined) leaves.push(step);
    if (kept[node.id] === 1) results.push(step);
  }
  const tasks = Int32Array.from(
    steps.filter((step) => step.leaf < 0),
    (step) => step.index,
  );
  const inMemory = steps.some(({ kernel }) => kernel?.inMemory === true);
  return { steps, edges, leaves, tasks, outputs: results, inMemory, indexOf };
}

/** The values of the needed nodes that depend on constants alone, at the nodes' ids. */
export function foldConstants(graph: Graph, needed: Uint8Array): (Data | undefined)[] {
  const values = new Array<Data | undefined>(graph.nodes.length);
  for (const node of graph.nodes) {
    const { id, op, inputs, initial } = node;
    // A result after the first has its value with the first.
    if (needed[id] === 0 || values[id] !== undefined || op instanceof Result) continue;
    if (op === "constant") values[id] = initial!.data;
    // An op of a user's own may take its time, or fail: it waits for a run.
    if (typeof op === "string" || !op.portable) continue;
    const data = inputs.map((input) => values[input.id]);
    if (!data.every((value) => value !== undefined)) continue;
    const results = node.results ?? [node];
    const kernel = op.make(inputs, results);
    const outputs = results.map(({ dtype, shape }) => allocate(dtype, sizeOf(shape)));
    kernel.run(data, outputs[0]!, 0, kernel.units, outputs);
    for (const [i, result] of results.entries()) values[result.id] = outputs[i];
  }
  return values;
}

/**
 * What an op threw, with the node, the op and the shapes; an error that has them already stays as it is, and one of a device,
 * which is no op's fault.
 */
export function opError(step: Step, cause: unknown): OpError | DeviceError {
  if (cause instanceof OpError || cause instanceof DeviceError) return cause;
  const { node } = step;
  const name = typeof node.op === "string" ? node.op : node.op.name;
  return new OpError(
    node.label,
    name,
    node.inputs.map((input) => input.shape),
    cause,
  );
}
