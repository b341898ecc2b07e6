import { UsageError } from "../../errors.js";
import type { Graph, Node } from "../graph.js";
import { sizeOf } from "../shape.js";
import { bytesOf } from "../tensor.js";

/** The site of what every site has by itself: leaves that are placed nowhere, and what depends on constants alone. */
export const EVERYWHERE = -1;

/** The nodes that the outputs need, in order, and where each is. */
export interface Placed {
  readonly needed: readonly Node[];
  siteOf(node: Node): number;
}

/**
 * Where the nodes of a graph are: where their `site` says; the others are divided among the sites.
 *
 * Leaves without a site are everywhere: each site gives them their values. A leaf with one gets its value there, and
 * crosses. An op that depends on constants alone is everywhere, too.
 *
 * Ops are divided in their order, each site a stretch of it, so that runs that follow each other go through the sites as
 * through a pipeline: the most work that a site has is the least that there can be, or up to a tenth more, where that cuts
 * fewer bytes.
 *
 * @throws UsageError for a site that there is not
 */
export function sitesOf(graph: Graph, outputs: readonly Node[], size: number): Placed {
  const needed = neededBy(graph, outputs);
  const site = new Int32Array(graph.nodes.length);
  const open: Node[] = [];
  for (const node of needed) {
    const { op, site: own } = node;
    if (own !== undefined && !(Number.isInteger(own) && own >= 0 && own < size))
      throw new UsageError(`node ${node.label} is placed at site ${own}, of ${size} (counted from 0)`);
    if (typeof op !== "string" && op.name === "result") continue;
    const constant =
      typeof op === "string"
        ? own === undefined
        : op.portable && node.inputs.every((input) => isConstant(input, site));
    if (constant) site[node.id] = EVERYWHERE;
    else if (own !== undefined) site[node.id] = own;
    else open.push(node);
  }
  const parts = divide(open, needed, size);
  for (const [i, node] of open.entries()) site[node.id] = parts[i]!;
  const siteOf = (node: Node): number => {
    const { op, inputs } = node;
    return typeof op !== "string" && op.name === "result" ? siteOf(inputs[0]!) : site[node.id]!;
  };
  return { needed, siteOf };
}

/**
 * Gives each node that the outputs need and that has no site one, as `GoMachine` does by itself; leaves stay without, and
 * are everywhere.
 *
 * @throws UsageError for a site that there is not
 * @example
 * ```js
 * import { Graph, place, square } from "goml/machine";
 *
 * const graph = new Graph();
 * const first = square(graph.input("x", [1000]));
 * const second = square(first);
 * place(graph, 2);
 * console.log(first.site, second.site); // 0 1
 * ```
 */
export function place(graph: Graph, size: number, outputs?: readonly Node[]): void {
  const { needed, siteOf } = sitesOf(graph, outputs ?? sinksOf(graph), size);
  for (const node of needed) {
    const site = siteOf(node);
    if (site !== EVERYWHERE) node.site = site;
  }
}

/** The nodes that nothing consumes. */
export function sinksOf({ nodes }: Graph): Node[] {
  const consumed = new Set(nodes.flatMap((node) => node.inputs));
  return nodes.filter((node) => !consumed.has(node));
}

function isConstant(node: Node, site: Int32Array): boolean {
  const { op, inputs } = node;
  if (typeof op === "string") return op === "constant" && site[node.id] === EVERYWHERE;
  return op.name === "result" ? isConstant(inputs[0]!, site) : site[node.id] === EVERYWHERE;
}

function neededBy(graph: Graph, outputs: readonly Node[]): Node[] {
  const needed = new Uint8Array(graph.nodes.length);
  for (const node of outputs) {
    if (node.graph !== graph) throw new UsageError(`output ${node.label} belongs to another graph`);
    needed[node.id] = 1;
  }
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    const { inputs, results } = graph.nodes[id]!;
    if (needed[id] === 1) for (const input of inputs) needed[input.id] = 1;
    if (results?.some((result) => needed[result.id] === 1))
      for (const result of [graph.nodes[id]!, ...results]) needed[result.id] = 1;
    if (needed[id] === 1) for (const input of inputs) needed[input.id] = 1;
  }
  return graph.nodes.filter(({ id }) => needed[id] === 1);
}

/** How much more than the least a site's work may be, where that cuts fewer bytes. */
const SLACK = 1.1;

/** Divides nodes in their order among `size` sites. */
function divide(open: readonly Node[], needed: readonly Node[], size: number): Int32Array {
  const parts = new Int32Array(open.length);
  if (size === 1 || open.length === 0) return parts;
  const cost = open.map(costOf);
  const crossing = crossingBytes(open, needed);
  const most = leastOfMost(cost, size) * SLACK;
  // best[i]: the fewest bytes cut where the first i nodes are divided among the sites so far.
  const sums = new Float64Array(open.length + 1);
  for (const [i, own] of cost.entries()) sums[i + 1] = sums[i]! + own;
  let best = new Float64Array(open.length + 1).fill(Number.POSITIVE_INFINITY);
  best[0] = 0;
  const starts: Int32Array[] = [];
  for (let part = 0; part < size; part++) {
    const next = new Float64Array(open.length + 1).fill(Number.POSITIVE_INFINITY);
    const start = new Int32Array(open.length + 1);
    // Places at which the part may begin, the best first, those too far back dropped.
    const line: number[] = [];
    let head = 0;
    const value = (at: number) => best[at]! + (at === 0 ? 0 : crossing[at]!);
    for (let end = 0; end <= open.length; end++) {
      while (line.length > head && value(line.at(-1)!) >= value(end)) line.pop();
      line.push(end);
      while (sums[end]! - sums[line[head]!]! > most && head < line.length - 1) head++;
      next[end] = value(line[head]!);
      start[end] = line[head]!;
    }
    starts.push(start);
    best = next;
  }
  for (let part = size - 1, end = open.length; part >= 0; part--) {
    const begin = starts[part]![end]!;
    parts.fill(part, begin, end);
    end = begin;
  }
  return parts;
}

/** About how long a node takes, in nanoseconds; never 0, so that even a graph of trifles is divided. */
function costOf({ op, inputs, results, dtype, shape }: Node): number {
  if (typeof op === "string") return 0;
  return 1 + op.make(inputs, results ?? [{ dtype, shape }]).cost;
}

/** The least that the most costly of `size` stretches can cost. */
function leastOfMost(cost: readonly number[], size: number): number {
  let low = Math.max(...cost.slice(0, 1), ...[cost.reduce((most, own) => Math.max(most, own), 0)]);
  let high = cost.reduce((sum, own) => sum + own, 0);
  for (let i = 0; i < 60 && high - low > 1e-6 * high; i++) {
    const middle = (low + high) / 2;
    let parts = 1;
    let sum = 0;
    for (const own of cost) {
      if (sum + own > middle) {
        parts++;
        sum = 0;
      }
      sum += own;
    }
    if (parts <= size) high = middle;
    else low = middle;
  }
  return high;
}

/** How many bytes cross where the order is cut before each node. */
function crossingBytes(open: readonly Node[], needed: readonly Node[]): Float64Array {
  const place = new Map(open.map((node, i) => [node, i]));
  const last = new Map<Node, number>();
  for (const node of needed) {
    const at = place.get(node);
    if (at !== undefined) for (const input of node.inputs) last.set(input, at);
  }
  const changes = new Float64Array(open.length + 2);
  for (const node of needed) {
    const { op, inputs, shape, dtype } = node;
    const maker = typeof op !== "string" && op.name === "result" ? inputs[0]! : node;
    const from = place.get(maker);
    const to = last.get(node);
    if (from === undefined || to === undefined || to <= from) continue;
    const bytes = sizeOf(shape) * bytesOf(dtype);
    changes[from + 1]! += bytes;
    changes[to + 1]! -= bytes;
  }
  for (let i = 1; i < changes.length; i++) changes[i]! += changes[i - 1]!;
  return changes;
}
