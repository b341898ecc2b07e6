import { UsageError } from "../../errors.js";
import { Rewriting, usesOf } from "../fusion/rewriting.js";
import type { Graph, Node } from "../graph.js";
import { foldConstants } from "../plan.js";
import { sinksOf } from "../sites/placement.js";
import { type Data, Tensor } from "../tensor.js";
import { DEVICE_LANES, type Span, Trace } from "../trace.js";
import type { Device, DeviceSpan, LoadedProgram } from "./device.js";
import { DeviceError } from "./device-error.js";
import { type Placement, placeOnDevice, type Region, type Regions } from "./placement.js";
import { REGION, RegionOp } from "./region-op.js";
import { programOf } from "./region-program.js";

/** What a machine is told of a device. */
export interface DeviceOptions {
  /**
   * A device that runs a part of the graph, such as a GPU; `openGpu` of `goml/webgpu` gives one, and who opened it closes
   * it. Default: none. Where it fails in mid-run, that run does, and the machine's next ones are computed by the CPU.
   */
  device?: Device | undefined;
  /**
   * What of the graph is there: `auto`, what that makes faster by the device's measured speed, copies included; `gpu`,
   * all that it has kernels for. Default: auto.
   */
  placement?: Placement | undefined;
}

/** Where the ops of a graph run, without those that depend on constants alone. */
export interface Placed {
  /** How many run on the device. */
  readonly ops: number;
  /** How many run on the CPU, by the names of their ops. */
  readonly others: ReadonlyMap<string, number>;
}

/** The name of the leaf that takes a run's number. */
const RUN = "(run)";

/** A graph whose regions on a device are single ops: what a machine with a device runs. */
export class DevicePart {
  readonly graph: Graph;
  /** The outputs by nodes of the whole graph, and by those of this one. */
  readonly wanted: readonly Node[];
  readonly outputs: readonly Node[];
  /** Takes the number of a run, by which overlapping ones are told apart; there where times are wanted. */
  readonly run: Node | undefined;
  readonly placed: Placed;
  private readonly device: Device;
  private readonly rewriting = new Rewriting();
  private readonly names = new Set<string>();
  private readonly programs: LoadedProgram[] = [];
  private readonly spans = new Map<number, DeviceSpan[]>();
  private failure: unknown;
  private runs = 0;

  /** @param threads how many the machine has */
  constructor(
    graph: Graph,
    outputs: readonly Node[] | undefined,
    { device, placement = "auto" }: DeviceOptions & { device: Device },
    threads: number,
    traced: boolean,
  ) {
    this.device = device;
    this.wanted = outputs ?? sinksOf(graph);
    const odd = this.wanted.find((node) => node.graph !== graph);
    if (odd !== undefined) throw new UsageError(`output ${odd.label} belongs to another graph`);
    const uses = usesOf(graph, this.wanted);
    const fixed = foldConstants(graph, markedIn(graph, uses.needed));
    const placed = {
      nodes: uses.needed.filter(({ id }) => fixed[id] === undefined),
      isFixed: ({ id }: Node) => fixed[id] !== undefined,
      isOutput: uses.isOutput,
    };
    const regions = placeOnDevice(placed, device, placement, threads);
    this.placed = countsOf(placed.nodes, regions);
    this.graph = this.rewriting.graph;
    this.run = traced ? this.graph.parameter(RUN, 0) : undefined;
    this.writeFixed(graph, fixed);
    this.write(placed.nodes, regions, fixed);
    this.outputs = this.wanted.map((node) => this.rewriting.of(node));
  }

  /** The node here that has a node's value, where there is one. */
  of(node: Node): Node | undefined {
    return this.rewriting.has(node) ? this.rewriting.of(node) : undefined;
  }

  /** Why the device has failed, so that runs from now on are the CPU's; else undefined. */
  get failed(): unknown {
    return this.failure ?? this.device.failure;
  }

  /** The number of a run that begins. */
  begin(): number {
    return ++this.runs;
  }

  /** A run's trace, in which copies and the device's work stand instead of the regions. */
  traceOf(run: number, { spans, began }: Trace): Trace {
    const others = spans.filter(
      ({ label, op }) => label !== RUN && !(op === REGION && this.names.has(label)),
    );
    const own = (this.spans.get(run) ?? []).map(({ what, started, ended, ...span }): Span => {
      const from = started - began;
      const times = { spawned: from, ready: from, started: from, ended: ended - began };
      return { ...span, ...times, lane: DEVICE_LANES[what] };
    });
    return new Trace([...others, ...own], began);
  }

  /** Nothing is wanted of a run any more. */
  forget(run: number): void {
    this.spans.delete(run);
  }

  /** Gives the device's memory back. No run may be under way. */
  close(): void {
    for (const program of this.programs.splice(0)) program.close();
  }

  private writeFixed(graph: Graph, fixed: readonly (Data | undefined)[]): void {
    for (const node of graph.nodes) {
      const data = fixed[node.id];
      if (data === undefined) continue;
      const { shape, dtype, name, label } = node;
      const constant = node.initial ?? new Tensor(data, shape, dtype);
      this.rewriting.stand(node, this.graph.constant(constant, undefined, name ?? label));
    }
  }

  /** Writes nodes and regions by their depth, so that what a region reads stands before it. */
  private write(
    nodes: readonly Node[],
    { regions, kernels, depthOf }: Regions,
    fixed: readonly (Data | undefined)[],
  ): void {
    const regionOf = new Map(
      regions.flatMap((region) => region.nodes.map((node) => [node, region] as const)),
    );
    const written = new Set<Region>();
    const order = nodes.map((node, at) => ({ node, at, depth: depthOf(node) }));
    order.sort((a, b) => a.depth - b.depth || a.at - b.at);
    for (const { node } of order) {
      const region = regionOf.get(node);
      if (region === undefined) {
        this.rewriting.copy(node);
        this.rewriting.of(node).name ??= node.label;
      } else if (!written.has(region)) {
        written.add(region);
        const program = programOf(region, kernels, fixed);
        const op = new RegionOp(this.device, program, region.outputs, {
          loaded: (own) => this.programs.push(own),
          failed: (error) => this.fail(error),
          record: this.run && ((run, span) => this.record(run, span)),
        });
        const inputs = region.inputs.map((input) => this.rewriting.of(input));
        if (this.run !== undefined) inputs.push(this.run);
        this.names.add(program.name);
        const own = this.graph.apply(op, inputs, program.name);
        for (const [i, output] of region.outputs.entries())
          this.rewriting.stand(output, own.results?.[i] ?? own);
      }
    }
  }

  private fail(error: unknown): void {
    this.failure ??= error ?? new DeviceError("the device failed");
  }

  private record(run: number, span: DeviceSpan): void {
    const own = this.spans.get(run);
    if (own === undefined) this.spans.set(run, [span]);
    else own.push(span);
  }
}

function countsOf(nodes: readonly Node[], { kernels }: Regions): Placed {
  const others = new Map<string, number>();
  for (const node of nodes) {
    const { op } = node;
    if (typeof op !== "string" && !kernels.has(node)) others.set(op.name, (others.get(op.name) ?? 0) + 1);
  }
  return { ops: kernels.size, others };
}

function markedIn(graph: Graph, nodes: readonly Node[]): Uint8Array {
  const marks = new Uint8Array(graph.nodes.length);
  for (const { id, results } of nodes) {
    marks[id] = 1;
    for (const result of results ?? []) marks[result.id] = 1;
  }
  return marks;
}
