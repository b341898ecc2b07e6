import { UsageError } from "../errors.js";
import { builtFile } from "../files/built-file.js";
import type { Placed } from "./device/device-part.js";
import { DeviceRuns, devicePart } from "./device/device-runs.js";
import { Clock } from "./engine/clock.js";
import { Engine, type EngineRun } from "./engine/engine.js";
import type { Frame } from "./engine/frame-store.js";
import { Memory } from "./engine/memory.js";
import { Pace } from "./engine/pace.js";
import { type Pause, type SweepControl, sweep } from "./engine/sweep.js";
import { MachineClosedError } from "./errors.js";
import type { Graph, Node, Value } from "./graph.js";
import { FinishedRun, type MachineOptions, PlannedMachine, type Run, type RunOptions } from "./machine.js";
import type { Step } from "./plan.js";
import { Site } from "./sites/site.js";
import type { Sites } from "./sites/sites.js";
import { streamRuns } from "./stream.js";
import type { Data } from "./tensor.js";
import type { Recorder } from "./trace.js";

const ENTRY = builtFile("bundle/machine-worker.js");

/**
 * The cost, in nanoseconds, from which a task is shared by default: a hop to a thread that looks for tasks takes some
 * 0.5 µs, and a task of 3 µs is worth that (`goml bench --suite machine`).
 */
const THRESHOLD_NS = 3_000;
const CAPACITY = 4;
/** A run that takes longer lets the event loop turn, in nanoseconds. */
const SLICE_NS = 8_000_000;
/**
 * A run of so much work, at a nanosecond for a byte that crosses, is computed beside the thread that sends to other processes: to
 * hand it over takes 0.3 ms.
 */
const BESIDE_NS = 2_000_000;
/** Runs that take less are tried on several threads and on one, in nanoseconds. */
const TRIED_NS = 20_000_000;

export interface GoMachineOptions extends MachineOptions {
  /** Values that fit into a channel, which is how many runs may be under way at a time: 1 to 64. Default 4. */
  capacity?: number | undefined;
  /**
   * Worker threads; they start when first needed. Default 0: all ops run on this thread. With `sites` that are other processes,
   * and more than 2 ms of work here (or 2 MB that cross), 1, and `callerWorks` false, because a thread that computes sends little meanwhile.
   */
  workers?: number | undefined;
  /**
   * Whether this thread computes too while workers do, and lets the event loop turn every 8 ms between ops; else it
   * only waits, and whoever else needs the event loop, as in a server, never waits for an op. Default: true, but see `workers`.
   */
  callerWorks?: boolean | undefined;
  /** The estimated cost, in nanoseconds, from which a task is shared between threads. Default 3,000; 0 shares all. */
  threshold?: number | undefined;
  /**
   * The sites that run the graph together, of which this machine is one: it computes the nodes that are placed there, what
   * crosses to another is sent, and each run gives all outputs at each site. All make the same machines of the same graph
   * in the same order, and start the same runs. See `Node.site`.
   */
  sites?: Sites | undefined;
  /** Called before each node; a promise it returns is waited for first. To delay or trace nodes. */
  pause?: ((node: Node) => Promise<void> | undefined) | undefined;
}

/** The values of a run's leaves: a map, or pairs. */
export type LeafValues = Iterable<readonly [Node, Value]>;

/**
 * Runs a graph with one task per node and one channel per edge: a task receives its inputs, computes, sends its
 * output to every consumer, and ends.
 *
 * Runs may overlap, as many as channels have room for. The result does not depend on the schedule: nodes are
 * functions, and each channel has one writer, one reader and room for the values it carries (Kahn 1974; Lee &
 * Messerschmitt 1987). With workers, threads take tasks that are ready from shared memory, large ones cut up over
 * their outputs, with the same bits as on one thread.
 */
export class GoMachine extends PlannedMachine {
  private readonly engine: Engine;
  private readonly capacity: number;
  /** Whether a run by itself goes to the engine's threads, and whether runs that overlap do; else this thread sweeps. */
  private readonly shared: boolean;
  private readonly overlapped: boolean;
  /** Whether a sweep lets the event loop turn: it takes long, of tasks that are worth looking at the clock. */
  private readonly letsTurn: boolean;
  /** Whether short runs by themselves go to the engine's threads; undefined where that is settled. */
  private readonly pace: Pace | undefined;
  /** Which part of the graph is here, where several sites run it. */
  private readonly site: Site | undefined;
  private readonly device: DeviceRuns<GoMachine> | undefined;
  /** The runs that have begun. */
  private begun = 0;
  /** The number of sweeps that wait for a promise. */
  private sweeping = 0;
  private onSwept: (() => void) | undefined = undefined;

  /** @throws UsageError when `capacity`, `workers` or `threshold` are out of range. */
  constructor(graph: Graph, options: GoMachineOptions = {}) {
    const { capacity = CAPACITY, sites } = options;
    checkCapacity(capacity);
    if (sites !== undefined && options.device !== undefined)
      throw new UsageError("a machine of several sites has no device of its own yet");
    const site = sites && new Site(graph, options.outputs, sites, capacity);
    const part = devicePart(graph, options, 1 + (options.workers ?? 0));
    const { outputs } = site ?? part ?? options;
    super(graph, { ...options, outputs }, site?.local ?? part);
    this.site = site;
    this.device = part && new DeviceRuns(part, () => new GoMachine(graph, { ...options, device: undefined }));
    const apart = options.workers === undefined && sites?.apart === true && sites.size > 1;
    const beside = apart && workOf(this.plan.steps) + site!.bytes >= BESIDE_NS;
    const { workers = beside ? 1 : 0, threshold = THRESHOLD_NS, callerWorks = !beside, pause } = options;
    if (!(workers >= 0) || !Number.isInteger(workers)) {
      throw new UsageError(`workers is an integer of 0 or more, got ${workers}`);
    }
    if (!(threshold >= 0)) throw new UsageError(`threshold is 0 or more, got ${threshold}`);
    this.capacity = capacity;
    const { plan } = this;
    this.engine = new Engine(plan, this.leaves, {
      capacity,
      workers,
      callerWorks,
      threshold,
      pause,
      traced: this.traced,
      memory: (options.memory ?? new Memory()).share(),
      entry: ENTRY,
      failing: site && ((error) => site.fail(error)),
    });
    const always = site !== undefined || pause !== undefined || (workers > 0 && threshold === 0);
    const worthwhile = workers > 0 && this.engine.work >= threshold;
    const empty = plan.tasks.length === 0 && (pause === undefined || plan.steps.length === 0);
    this.shared = !empty && (always || (callerWorks ? this.engine.pays : worthwhile));
    this.overlapped = !empty && (always || worthwhile);
    this.letsTurn = workers > 0 && this.engine.work > SLICE_NS && this.engine.work > 1000 * plan.tasks.length;
    // Who asks when nodes ran wants to see the threads.
    const settled = always || this.traced || !callerWorks || part !== undefined;
    const tried = !settled && this.shared && this.engine.work < TRIED_NS;
    this.pace = tried ? new Pace() : undefined;
    this.startLeaves();
  }

  /** The number of runs under way or in line. */
  get running(): number {
    return this.engine.running + this.sweeping + (this.device?.standby?.running ?? 0);
  }

  /** The number of worker threads that have been started and not ended. */
  get workersAlive(): number {
    return this.engine.workersAlive;
  }

  /** Where ops run; undefined without a device. */
  get placed(): Placed | undefined {
    return this.device?.part.placed;
  }

  runAll(options: RunOptions = {}): Promise<Run> {
    const { pace } = this;
    const own = ++this.begun;
    if (pace === undefined || this.running > 0) return this.start(options, this.shared);
    const began = performance.now();
    const run = this.start(options, pace.together);
    // Of a run that others have joined the time says nothing.
    return run.then((ended) => {
      if (this.begun === own) pace.took(performance.now() - began);
      return ended;
    });
  }

  /**
   * Runs the graph once for each of `inputs`, as many runs at a time as channels have room for, and yields the runs in
   * order. Leaves that an input does not name keep the values they have. Slow inputs and a slow consumer hold the
   * stream up, nothing piles up. Leaving the loop early aborts the runs that are under way.
   *
   * @throws what `let`, `runAll` and `inputs` throw, in its place in the order
   */
  stream(
    inputs: AsyncIterable<LeafValues> | Iterable<LeafValues>,
    options: { signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<Run, void, undefined> {
    const start = (values: LeafValues, signal: AbortSignal) => {
      for (const [node, value] of values) this.let(node, value);
      return this.start({ signal }, this.overlapped);
    };
    return streamRuns(inputs, options.signal, {
      capacity: this.capacity,
      start,
      running: (begins) => this.engine.stream(begins),
    });
  }

  override let(node: Node, value: Value): void {
    super.let(node, value);
    this.device?.let(node, value);
  }

  override reset(): void {
    super.reset();
    this.device?.reset();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.site?.close(new MachineClosedError(), this.running > 0);
    if (this.sweeping > 0) {
      await new Promise<void>((resolve) => {
        this.onSwept = resolve;
      });
    }
    await this.engine.close(new MachineClosedError());
    await this.device?.close();
  }

  protected override setLeaf(step: Step, data: Data | undefined): void {
    super.setLeaf(step, data && this.engine.adopt(step.leaf, data));
  }

  private start(options: RunOptions, shared: boolean): Promise<Run> {
    try {
      this.checkOpen();
      const { site, device } = this;
      const cpu = device?.fallback();
      if (cpu !== undefined) return cpu.runAll(options);
      this.checkLeaves();
      if (options.signal?.aborted) throw options.signal.reason;
      if (options.views === true) this.lentViews = !this.engine.inMemory;
      if (device !== undefined) return this.startPart(device, options, shared);
      if (site === undefined) return this.startFrame(options, shared);
      const number = site.begin();
      super.let(site.local.run, number);
      return site.follow(number, this.startFrame(options, shared), options.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private startPart(device: DeviceRuns<GoMachine>, options: RunOptions, shared: boolean): Promise<Run> {
    const { part } = device;
    const number = part.begin();
    if (part.run !== undefined) super.let(part.run, number);
    return device.follow(number, this.startFrame(options, shared));
  }

  private startFrame(options: RunOptions, shared: boolean): Promise<Run> {
    const frame = shared ? undefined : this.engine.borrow(options.views === true);
    return frame === undefined ? this.submit(options) : this.sweep(frame, options);
  }

  private submit(options: RunOptions): Promise<Run> {
    return new Promise((resolve, reject) => this.engine.submit(this.engineRun(options, resolve, reject)));
  }

  private engineRun(
    { signal, views }: RunOptions,
    resolve: (run: Run) => void,
    reject: (reason: unknown) => void,
  ): EngineRun {
    return {
      signal,
      views: views === true,
      done: (outputs, trace) => resolve(new FinishedRun(this.plan, outputs, trace)),
      failed: reject,
    };
  }

  /** Computes a run on this thread: at once, where no op gives a promise and no signal asks for turns between. */
  private sweep(frame: Frame, options: RunOptions): Promise<Run> {
    const { signal } = options;
    const { recorder } = frame;
    const clock = signal === undefined && !this.letsTurn ? undefined : new Clock();
    const control = { recorder, signal, clock };
    let pause: Pause | undefined;
    try {
      pause = sweep(this.plan, frame.own, 0, control);
    } catch (error) {
      this.engine.release(frame);
      throw error;
    }
    if (pause !== undefined) return this.sweepOn(frame, options, control, pause);
    return Promise.resolve(this.finish(frame, options, recorder));
  }

  /** Goes on with a sweep that lets the event loop turn, up to its end or to an op that gives a promise. */
  private async sweepOn(
    frame: Frame,
    options: RunOptions,
    control: SweepControl,
    first: Pause,
  ): Promise<Run> {
    let pause: Pause | undefined = first;
    this.sweeping++;
    try {
      while (pause !== undefined && !pause.begun) {
        await pause.wait;
        control.signal?.throwIfAborted();
        if (this.closed) throw new MachineClosedError();
        pause = sweep(this.plan, frame.own, pause.at, control);
      }
    } catch (error) {
      this.engine.release(frame);
      throw error;
    } finally {
      this.sweeping--;
      if (this.sweeping === 0) this.onSwept?.();
    }
    if (pause === undefined) return this.finish(frame, options, control.recorder);
    const { at, wait } = pause;
    return new Promise((resolve, reject) =>
      this.engine.takeOver(this.engineRun(options, resolve, reject), frame, at, wait),
    );
  }

  private finish(frame: Frame, { views }: RunOptions, recorder: Recorder | undefined): Run {
    const run = new FinishedRun(this.plan, this.engine.resultsOf(frame, views === true), recorder?.finish());
    this.engine.release(frame);
    return run;
  }
}

function checkCapacity(capacity: number): void {
  if (!(capacity >= 1) || !Number.isInteger(capacity)) {
    throw new UsageError(`capacity is an integer of 1 or more, got ${capacity}`);
  }
}

/** About how long steps take on one thread, in nanoseconds. */
function workOf(steps: readonly Step[]): number {
  return steps.reduce((sum, { kernel }) => sum + (kernel?.cost ?? 0), 0);
}
