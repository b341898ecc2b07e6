import { UsageError } from "../errors.js";
import type { Placed } from "./device/device-part.js";
import { DeviceRuns, devicePart } from "./device/device-runs.js";
import { CallerFrame } from "./engine/caller-frame.js";
import { Clock } from "./engine/clock.js";
import { LeafCopies } from "./engine/leaf-copies.js";
import { Memory, type MemoryShare } from "./engine/memory.js";
import { assignPlaces } from "./engine/places.js";
import { type Pause, type SweepControl, sweep } from "./engine/sweep.js";
import { MachineClosedError } from "./errors.js";
import type { Graph, Node, Value } from "./graph.js";
import { FinishedRun, type MachineOptions, PlannedMachine, type Run, type RunOptions } from "./machine.js";
import { opError, type Step } from "./plan.js";
import type { Data } from "./tensor.js";
import { Recorder } from "./trace.js";

/**
 * Runs a graph one node after the other, on this thread.
 *
 * The order and the places of the values are worked out once: a place is used again, by this run and the next, once
 * the last consumer of its value is done. Outputs get fresh memory in each run. One run at a time.
 */
export class TapeMachine extends PlannedMachine {
  /** The number of places that the intermediate values share. */
  readonly bufferCount: number;
  /** Leaves' values in the machine's memory, where kernels want them there; else they are read where they are given. */
  private copies: LeafCopies | undefined = undefined;
  private readonly memory: MemoryShare;
  private frame: CallerFrame | undefined;
  private running: Promise<unknown> | undefined = undefined;
  private readonly device: DeviceRuns<TapeMachine> | undefined;

  constructor(graph: Graph, options: MachineOptions = {}) {
    const part = devicePart(graph, options, 1);
    super(graph, part === undefined ? options : { ...options, outputs: part.outputs }, part);
    const onCpu = () => new TapeMachine(graph, { ...options, device: undefined });
    this.device = part && new DeviceRuns(part, onCpu);
    const places = assignPlaces(this.plan, "sequential");
    const memory = (options.memory ?? new Memory()).share();
    this.memory = memory;
    this.bufferCount = places.shared;
    const { plan } = this;
    if (plan.inMemory) {
      memory.allowKernels();
      this.copies = new LeafCopies(memory, plan);
    }
    this.frame = new CallerFrame(plan, memory.pages, memory.take(places.bytes), places);
    this.startLeaves();
  }

  /** Where ops run; undefined without a device. */
  get placed(): Placed | undefined {
    return this.device?.part.placed;
  }

  async runAll(options: RunOptions = {}): Promise<Run> {
    this.checkOpen();
    if (this.running !== undefined) {
      throw new UsageError("the tape machine is running; one run at a time", {
        hint: "wait for the run, or use a GoMachine, whose runs may overlap",
      });
    }
    options.signal?.throwIfAborted();
    const { device } = this;
    const cpu = device?.fallback();
    if (cpu !== undefined) return cpu.runAll(options);
    this.checkLeaves();
    const run = device === undefined ? this.run(options) : this.runPart(device, options);
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
    this.frame = undefined;
    await this.device?.close();
    this.memory.close();
  }

  override let(node: Node, value: Value): void {
    super.let(node, value);
    this.device?.let(node, value);
  }

  override reset(): void {
    super.reset();
    this.device?.reset();
  }

  protected override setLeaf(step: Step, data: Data | undefined): void {
    const { frame, running, copies } = this;
    const isRead = (copy: Data) => running !== undefined && frame?.leaf(step.leaf) === copy;
    super.setLeaf(step, data && (copies?.adopt(step.leaf, data, isRead) ?? data));
  }

  private runPart(device: DeviceRuns<TapeMachine>, options: RunOptions): Promise<Run> {
    const { part } = device;
    const number = part.begin();
    if (part.run !== undefined) super.let(part.run, number);
    return device.follow(number, this.run(options));
  }

  private async run({ signal, views }: RunOptions): Promise<Run> {
    const { plan } = this;
    const frame = this.frame!;
    const recorder = this.traced ? new Recorder(plan) : undefined;
    const control = { recorder, signal, clock: signal === undefined ? undefined : new Clock() };
    const inMemory = this.copies !== undefined;
    if (views === true) this.lentViews = !inMemory;
    frame.takeLeaves(this.leaves);
    frame.takeOutputs(!inMemory && views !== true);
    const pause = sweep(plan, frame, 0, control);
    if (pause !== undefined) await this.goOn(frame, pause, control);
    return new FinishedRun(plan, frame.results(views === true, inMemory), recorder?.finish());
  }

  /** Waits and goes on, until the end. */
  private async goOn(frame: CallerFrame, first: Pause, control: SweepControl): Promise<void> {
    for (let pause: Pause | undefined = first; pause !== undefined; ) {
      const { at, begun } = pause;
      try {
        await pause.wait;
      } catch (error) {
        throw opError(this.plan.steps[this.plan.tasks[at]!]!, error);
      }
      control.signal?.throwIfAborted();
      if (this.closed) throw new MachineClosedError();
      pause = sweep(this.plan, frame, begun ? at + 1 : at, control);
    }
  }
}
