import type { Node } from "../graph.js";
import { sizeOf } from "../shape.js";
import { bytesOf } from "../tensor.js";
import type { Device, DeviceLimits, DeviceSpeed } from "./device.js";
import type { DeviceKernel } from "./device-kernel.js";

/** Which ops run on a device: all that it has a kernel for, or those where that is faster, copies included. */
export type Placement = "auto" | "gpu";

/** What is known of an op that a device has a kernel for. */
interface Candidate {
  readonly kernel: DeviceKernel;
  /** How long it takes on the CPU and on the device, in nanoseconds; not worked out for placement `gpu`. */
  readonly cpu: number;
  readonly device: number;
}

/** What placement must be told of a graph. */
export interface PlacedGraph {
  /** The nodes that the outputs need, in order, without results after the first and without what is fixed. */
  readonly nodes: readonly Node[];
  /** What has the same value in each run: it lies on the device from the start. */
  isFixed(node: Node): boolean;
  isOutput(node: Node): boolean;
}

/** A convex set of nodes on a device. */
export interface Region {
  readonly nodes: readonly Node[];
  /** What it reads of others, in order, without what is fixed. */
  readonly inputs: readonly Node[];
  /** Which of its values others read, or are outputs. */
  readonly outputs: readonly Node[];
}

export interface Regions {
  readonly regions: readonly Region[];
  readonly kernels: ReadonlyMap<Node, DeviceKernel>;
  /**
   * Of each node how often a path to it changes sides at most. A region's nodes have the same; what it reads has less, and
   * what reads it more: so sorted by it, a region can stand as one op.
   */
  depthOf(node: Node): number;
}

/**
 * Places the nodes of a graph on a device, and joins those that are there into regions.
 *
 * By `auto` a node is there where the time that it saves is more than what its copies take, and a region where all that
 * it saves is more than its copies and one latency of the device. It starts from all nodes that there are kernels for and
 * takes them back while that makes the estimate less, so it is deterministic; it is no search over all placements.
 *
 * @param threads how many share the CPU's work
 */
export function placeOnDevice(
  graph: PlacedGraph,
  device: Pick<Device, "kernels" | "limits" | "speed" | "software">,
  placement: Placement,
  threads: number,
): Regions {
  const { speed } = device;
  const none = placement === "auto" && (device.software || speed === undefined);
  const candidates = none ? new Map<Node, Candidate>() : candidatesOf(graph, device, placement, threads);
  if (placement === "auto" && speed !== undefined) {
    takeBack(graph, candidates, speed);
    for (;;) {
      const { regions } = regionsOf(graph, candidates);
      const losing = regions.filter((region) => savedBy(region, candidates, speed) <= 0);
      if (losing.length === 0) break;
      for (const { nodes } of losing) for (const node of nodes) candidates.delete(node);
    }
  }
  return regionsOf(graph, candidates);
}

function candidatesOf(
  { nodes }: PlacedGraph,
  { kernels, limits, speed }: Pick<Device, "kernels" | "limits" | "speed">,
  placement: Placement,
  threads: number,
): Map<Node, Candidate> {
  const candidates = new Map<Node, Candidate>();
  for (const node of nodes) {
    const { op, inputs } = node;
    // What is not portable is an op of a user's own, whatever its name.
    if (typeof op === "string" || !op.portable) continue;
    const results = resultsOf(node);
    const kernel = kernels(op, inputs, results);
    if (kernel === undefined || !fits(kernel, [...inputs, ...results], limits)) continue;
    if (placement === "gpu") candidates.set(node, { kernel, cpu: 0, device: 0 });
    else {
      const { cost, units } = op.make(inputs, results);
      const cpu = cost / Math.max(1, Math.min(threads, units));
      candidates.set(node, { kernel, cpu, device: kernel.cost * (speed?.work ?? 1) });
    }
  }
  return candidates;
}

function fits(kernel: DeviceKernel, values: readonly Node[], limits: DeviceLimits): boolean {
  const { bufferBytes, buffers, workgroups } = limits;
  return (
    values.every((node) => sizeInBytes(node) <= bufferBytes) &&
    kernel.scratch.every((bytes) => bytes <= bufferBytes) &&
    kernel.passes.every(
      (pass) => pass.buffers.length <= buffers && pass.workgroups.every((groups) => groups <= workgroups),
    )
  );
}

/** All values of a node's op. */
export function resultsOf(node: Node): readonly Node[] {
  return node.results ?? [node];
}

/** The bytes that a value takes on a device. */
export function sizeInBytes({ shape, dtype }: Node): number {
  return Math.ceil((sizeOf(shape) * bytesOf(dtype)) / 4) * 4;
}

/** The node whose op computes a value: of a result after the first, the first. */
function sourceOf(node: Node): Node {
  const { op, inputs } = node;
  return typeof op !== "string" && op.name === "result" ? inputs[0]! : node;
}

/** Who reads each value, once for each reader. */
function readersIn({ nodes }: PlacedGraph): Map<Node, Node[]> {
  const readers = new Map<Node, Node[]>();
  for (const node of nodes) {
    for (const input of new Set(node.inputs)) {
      const own = readers.get(input);
      if (own === undefined) readers.set(input, [node]);
      else own.push(node);
    }
  }
  return readers;
}

/** Passes over the nodes until none is taken back; each pass peels regions from one side. */
const MOST_PASSES = 20;

/** Takes back single nodes at the edges of regions, whose copies take longer than what they save. */
function takeBack(graph: PlacedGraph, candidates: Map<Node, Candidate>, speed: DeviceSpeed): void {
  const readers = readersIn(graph);
  const here = (node: Node) => candidates.has(sourceOf(node));
  /** What the copies of a value take, as things are placed. */
  const copies = (value: Node): number => {
    if (graph.isFixed(value)) return 0;
    const own = readers.get(value) ?? [];
    const bytes = sizeInBytes(value);
    if (here(value))
      return graph.isOutput(value) || own.some((reader) => !here(reader)) ? bytes / speed.download : 0;
    return own.some(here) ? bytes / speed.upload : 0;
  };
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    let changed = false;
    const nodes = pass % 2 === 0 ? graph.nodes : graph.nodes.toReversed();
    for (const node of nodes) {
      const own = candidates.get(node);
      if (own === undefined) continue;
      const values = new Set([...node.inputs, ...resultsOf(node)]);
      const cost = () => [...values].reduce((sum, value) => sum + copies(value), 0);
      const before = own.device + cost();
      candidates.delete(node);
      if (own.cpu + cost() < before) changed = true;
      else candidates.set(node, own);
    }
    if (!changed) return;
  }
}

/** How many nanoseconds a region saves; less than 0 where it costs some. */
function savedBy(
  { nodes, inputs, outputs }: Region,
  candidates: ReadonlyMap<Node, Candidate>,
  { latency, upload, download }: DeviceSpeed,
): number {
  const bytes = (values: readonly Node[]) => values.reduce((sum, value) => sum + sizeInBytes(value), 0);
  const work = nodes.reduce((sum, node) => {
    const { cpu, device } = candidates.get(node)!;
    return sum + cpu - device;
  }, 0);
  return work - latency - bytes(inputs) / upload - bytes(outputs) / download;
}

/**
 * Joins placed nodes into regions: those of one depth that read each other's values, or the same value of others.
 *
 * They are convex, and no two wait for each other, because a path that leaves a depth for the other side never comes back
 * to it.
 */
function regionsOf(graph: PlacedGraph, candidates: ReadonlyMap<Node, Candidate>): Regions {
  const { nodes } = graph;
  const here = (node: Node) => candidates.has(sourceOf(node));
  const depths = new Map<Node, number>();
  const depthOf = (node: Node) => depths.get(sourceOf(node)) ?? 0;
  for (const node of nodes) {
    let depth = here(node) ? 1 : 0;
    for (const input of node.inputs) {
      if (graph.isFixed(input)) continue;
      depth = Math.max(depth, depthOf(input) + (here(input) === here(node) ? 0 : 1));
    }
    depths.set(node, depth);
  }
  const joined = new Map<Node, Node>();
  const leader = (node: Node): Node => {
    let own = node;
    for (let next = joined.get(own)!; next !== own; next = joined.get(own)!) {
      joined.set(own, joined.get(next)!);
      own = next;
    }
    return own;
  };
  /** By depth and value of others, who read it first. */
  const firstReaders = new Map<string, Node>();
  for (const node of nodes) {
    if (!here(node)) continue;
    joined.set(node, node);
    const join = (other: Node) => joined.set(leader(node), leader(other));
    for (const input of node.inputs) {
      if (graph.isFixed(input)) continue;
      const depth = depthOf(node);
      if (here(input) && depthOf(input) === depth) join(sourceOf(input));
      else {
        const key = `${depth}:${input.id}`;
        const first = firstReaders.get(key);
        if (first === undefined) firstReaders.set(key, node);
        else join(first);
      }
    }
  }
  const members = new Map<Node, Node[]>();
  for (const node of joined.keys()) {
    const own = members.get(leader(node));
    if (own === undefined) members.set(leader(node), [node]);
    else own.push(node);
  }
  const readers = readersIn(graph);
  const regions = [...members.values()].map((own) => regionOf(own, graph, readers));
  const kernels = new Map([...candidates].map(([node, { kernel }]) => [node, kernel]));
  return { regions, kernels, depthOf };
}

function regionOf(nodes: readonly Node[], graph: PlacedGraph, readers: ReadonlyMap<Node, Node[]>): Region {
  const own = new Set(nodes);
  const inputs = new Set<Node>();
  const outputs: Node[] = [];
  for (const node of nodes) {
    for (const input of node.inputs)
      if (!own.has(sourceOf(input)) && !graph.isFixed(input)) inputs.add(input);
    for (const value of resultsOf(node))
      if (graph.isOutput(value) || (readers.get(value) ?? []).some((reader) => !own.has(reader)))
        outputs.push(value);
  }
  return { nodes, inputs: [...inputs], outputs };
}
