import type { Graph, Node, Value } from "../graph.js";
import { type Machine, PartRun, type Run } from "../machine.js";
import { type DeviceOptions, DevicePart } from "./device-part.js";

/**
 * The runs of a machine with a device: by its part of ops and regions while the device is well, afterwards by a machine on
 * the CPU alone.
 */
export class DeviceRuns<Own extends Machine> {
  readonly part: DevicePart;
  private readonly onCpu: () => Own;
  private cpu: Own | undefined;
  /** What leaves were given, for the machine on the CPU. */
  private readonly given = new Map<Node, Value>();

  /** @param onCpu makes the machine on the CPU, once it is needed */
  constructor(part: DevicePart, onCpu: () => Own) {
    this.part = part;
    this.onCpu = onCpu;
  }

  let(node: Node, value: Value): void {
    this.given.set(node, value);
    this.cpu?.let(node, value);
  }

  reset(): void {
    this.given.clear();
    this.cpu?.reset();
  }

  /** The machine on the CPU, where the device has failed. */
  fallback(): Own | undefined {
    if (this.part.failed === undefined) return undefined;
    if (this.cpu === undefined) {
      this.cpu = this.onCpu();
      for (const [node, value] of this.given) this.cpu.let(node, value);
    }
    return this.cpu;
  }

  /** The machine on the CPU, where there is one already. */
  get standby(): Own | undefined {
    return this.cpu;
  }

  /** What run `number` of the part comes to. */
  async follow(number: number, running: Promise<Run>): Promise<Run> {
    const { part } = this;
    try {
      const run = await running;
      const trace = run.trace && part.traceOf(number, run.trace);
      return new PartRun(run, part, part.wanted, trace);
    } finally {
      part.forget(number);
    }
  }

  /** No run of the part may be under way. */
  async close(): Promise<void> {
    await this.cpu?.close();
    this.part.close();
  }
}

/** A graph's part for a device; undefined where there is none that can be used. */
export function devicePart(
  graph: Graph,
  options: DeviceOptions & { outputs?: readonly Node[] | undefined; trace?: boolean | undefined },
  threads: number,
): DevicePart | undefined {
  const { device, placement, outputs, trace = false } = options;
  if (device === undefined || device.failure !== undefined) return undefined;
  return new DevicePart(graph, outputs, { device, placement }, threads, trace);
}
