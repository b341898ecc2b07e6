import { errorOf } from "../../parallel/answer.js";
import type { Node } from "../graph.js";
import { opError, type Plan } from "../plan.js";
import type { Data } from "../tensor.js";
import { Recorder, type Trace, wallClock } from "../trace.js";
import type { Leaves } from "./caller-frame.js";
import { CallerLoop } from "./caller-loop.js";
import { CallerTasks } from "./caller-tasks.js";
import { MOST_FRAMES } from "./control.js";
import { joinCrew, type Membership } from "./crew.js";
import { ABORTED, ENDED, FAILED, LEFT, RUN, RUNNING, STATUS } from "./frame.js";
import { type Frame, FrameStore } from "./frame-store.js";
import type { MemoryShare } from "./memory.js";
import { type Network, networkOf, threadsPay } from "./network.js";
import { type PortableStep, placedValues, portableSteps, unknownSteps } from "./program.js";
import { Scheduler } from "./scheduler.js";
import type { WorkerFailure } from "./worker-failure.js";

export interface EngineOptions {
  readonly capacity: number;
  readonly workers: number;
  readonly callerWorks: boolean;
  readonly threshold: number;
  readonly pause: ((node: Node) => Promise<void> | undefined) | undefined;
  readonly traced: boolean;
  readonly memory: MemoryShare;
  /** Told at once why a run fails, which settles only when all ops under way have ended. */
  readonly failing?: ((reason: unknown) => void) | undefined;
  /** The worker threads' built entry file. */
  readonly entry: URL;
}

/** A run that an engine has been asked for. */
export interface EngineRun {
  readonly signal: AbortSignal | undefined;
  /** Whether outputs are left in the engine's memory. */
  readonly views: boolean;
  done(outputs: Data[], trace: Trace | undefined): void;
  failed(reason: unknown): void;
}

/** A run in line for a frame, or in one. */
interface Entered {
  readonly run: EngineRun;
  /** The leaves' values when it was submitted, while it stands in line. */
  leaves: Leaves | undefined;
  frame: Frame | undefined;
  /** Why it was aborted. */
  reason: unknown;
  readonly onAbort: (() => void) | undefined;
}

/**
 * Runs a plan's tasks on the caller's thread and on workers, each run in a frame of its own: see "The engine room" in
 * docs/ARCHITECTURE.md.
 */
export class Engine {
  /** Whether one run at a time ends sooner on several threads. */
  readonly pays: boolean;
  /** About how long a run takes on one thread, in nanoseconds. */
  readonly work: number;
  private readonly plan: Plan;
  private readonly options: EngineOptions;
  private readonly leaves: Leaves;
  private readonly network: Network;
  private readonly store: FrameStore;
  private readonly scheduler: Scheduler;
  private readonly tasks: CallerTasks;
  private readonly loop: CallerLoop;
  private readonly steps: readonly (PortableStep | undefined)[];
  private readonly lanes: number;
  /** Whether all values lie in memory, so that leaves are copied in and outputs out. */
  readonly inMemory: boolean;
  /** The runs that have a frame, and those that wait for one. */
  private active: Entered[] = [];
  private line: Entered[] = [];
  private crew: Membership | undefined = undefined;
  private runs = 0;
  private streams = 0;
  private broken: { readonly reason: unknown } | undefined = undefined;
  private onIdle: (() => void) | undefined = undefined;

  constructor(plan: Plan, leaves: Leaves, options: EngineOptions) {
    const { workers, callerWorks, pause } = options;
    const capacity = Math.min(options.capacity, MOST_FRAMES);
    const threads = workers + (callerWorks ? 1 : 0);
    this.plan = plan;
    this.options = { ...options, capacity };
    this.leaves = leaves;
    this.network = networkOf(plan, {
      threads: Math.max(1, threads),
      threshold: options.threshold,
      throughCaller: workers === 0 || pause !== undefined,
      leaves: pause !== undefined,
    });
    this.pays = workers > 0 && threadsPay(plan, this.network, threads);
    this.work = this.network.cost.reduce((sum, cost) => sum + cost, 0);
    this.steps = workers === 0 ? [] : portableSteps(plan);
    this.inMemory = workers > 0 || plan.inMemory;
    this.lanes = options.traced ? workers + 1 : 0;
    this.store = new FrameStore(plan, this.network, options.memory, {
      capacity,
      callerWorks: callerWorks && workers > 0,
      inMemory: this.inMemory,
      workers,
      lanes: this.lanes,
      unknown: workers === 0 ? undefined : unknownSteps(this.steps),
    });
    const { control, frames } = this.store;
    this.scheduler = new Scheduler(
      control.shared,
      {
        words: (frame) => frames[frame]!.words,
        compute: (frame, step, from, to) => this.compute(frames[frame]!, step, from, to),
        failed(frame, _step, reason) {
          frames[frame]!.error = { reason };
          options.failing?.(reason);
        },
        mayStay: () => this.loop.mayStay(),
      },
      callerWorks,
    );
    this.tasks = new CallerTasks(plan, this.network, this.scheduler, {
      handsOn: workers > 0,
      pause,
      frame: (index) => frames[index]!,
      progressed: () => this.loop.turn(),
    });
    this.loop = new CallerLoop(control.shared, this.scheduler, {
      collect: () => this.collect(),
      over: () => this.active.some(({ frame }) => isOver(frame!)),
      busy: () => this.active.length,
      expectsMore: () => this.streams > 0 && this.active.length < capacity,
      perform: (task) => this.tasks.perform(task),
      accompanied: () => this.crew !== undefined,
      wait: (waiting) => this.crew?.hold(waiting),
    });
  }

  /** The number of runs under way and in line. */
  get running(): number {
    return this.active.length + this.line.length;
  }

  get workersAlive(): number {
    return this.crew?.size ?? 0;
  }

  /** Where a leaf's value lies for the runs submitted from now on. */
  adopt(leaf: number, data: Data): Data {
    return this.store.adopt(leaf, data, (copy) =>
      [...this.active, ...this.line].some(
        ({ frame, leaves }) => (frame?.own.leaf(leaf) ?? leaves?.values[leaf]) === copy,
      ),
    );
  }

  /** Enters a run; it begins when there is a frame for it, with the leaves' values of now. */
  submit(run: EngineRun): void {
    if (this.broken !== undefined) {
      run.failed(this.broken.reason);
      return;
    }
    const frame = this.store.take();
    const entered = this.enter(run);
    if (frame === undefined) {
      entered.leaves = { values: this.leaves.values.slice(), version: this.leaves.version };
      this.line.push(entered);
      return;
    }
    this.begin(entered, frame);
    this.loop.turnSoon();
  }

  /** A frame for a sweep on this thread, or undefined where all are taken; `release` gives it back. */
  borrow(views: boolean): Frame | undefined {
    const frame = this.store.take();
    if (frame === undefined) return undefined;
    this.store.bindLeaves(frame, this.leaves);
    frame.own.takeOutputs(!this.inMemory && !views);
    this.record(frame);
    return frame;
  }

  /** The outputs of the run that has ended in a frame. */
  resultsOf(frame: Frame, views: boolean): Data[] {
    return frame.own.results(views, this.inMemory);
  }

  /** Gives a frame back, or to the next in line. */
  release(frame: Frame): void {
    const next = this.line.shift();
    if (next === undefined) this.store.giveBack(frame);
    else {
      this.begin(next, frame);
      this.loop.turnSoon();
    }
  }

  /**
   * Goes on with a run that a sweep has begun in a borrowed frame, by counts: the tasks before number `at` of the plan
   * have ended, that one is under way.
   */
  takeOver(run: EngineRun, frame: Frame, at: number, underWay: Promise<void>): void {
    this.occupy(this.enter(run), frame);
    const { words } = frame;
    const { tasks, steps } = this.plan;
    const { layout, forCaller } = this.store.control.shared;
    const first = tasks[at]!;
    let sinks = 0;
    for (let i = at; i < tasks.length; i++) {
      const { index, inputs, edgesOut } = steps[tasks[i]!]!;
      if (edgesOut.length === 0) sinks++;
      const missing = inputs.filter((input) => input >= first && steps[input]!.leaf < 0).length;
      words[layout.missing + index] = missing;
      if (missing === 0 && index !== first) forCaller.push(this.taskOf(frame, index));
    }
    Atomics.store(words, LEFT, sinks);
    this.startCrew();
    this.tasks.follow(this.taskOf(frame, first), underWay);
    this.loop.turnSoon();
  }

  /** A stream of runs begins, or ends: while there is one, this thread stops between tasks for others to be submitted. */
  stream(begins: boolean): void {
    this.streams += begins ? 1 : -1;
  }

  /** Aborts all runs with `reason`, waits until they have ended, and lets the workers go. */
  async close(reason: unknown): Promise<void> {
    for (const entered of [...this.line, ...this.active]) this.abort(entered, reason);
    if (this.active.length > 0) {
      await new Promise<void>((resolve) => {
        this.onIdle = resolve;
        this.loop.turnSoon();
      });
    }
    // Nobody waits for the caller's bell any more, but a promise may be left over.
    this.store.control.shared.callerBell.ringAll();
    await this.crew?.leave();
    this.crew = undefined;
    this.options.memory.close();
  }

  private taskOf(frame: Frame, step: number): number {
    return frame.index * this.network.steps + step;
  }

  /** Listens for the run's abort. */
  private enter(run: EngineRun): Entered {
    const { signal } = run;
    const entered: Entered = {
      run,
      leaves: undefined,
      frame: undefined,
      reason: undefined,
      onAbort: signal && (() => this.abort(entered, signal.reason)),
    };
    if (entered.onAbort !== undefined) signal?.addEventListener("abort", entered.onAbort);
    return entered;
  }

  private leave({ run, onAbort }: Entered): void {
    if (onAbort !== undefined) run.signal?.removeEventListener("abort", onAbort);
  }

  private record(frame: Frame): void {
    if (this.options.traced) frame.recorder = new Recorder(this.plan, this.lanes, frame.times!);
  }

  private begin(entered: Entered, frame: Frame): void {
    this.store.bindLeaves(frame, entered.leaves ?? this.leaves);
    frame.own.takeOutputs(!this.inMemory && !entered.run.views);
    this.record(frame);
    this.occupy(entered, frame);
    this.startCrew();
    this.scheduler.start(frame.index);
  }

  private occupy(entered: Entered, frame: Frame): void {
    entered.frame = frame;
    frame.error = undefined;
    this.active.push(entered);
    Atomics.store(frame.words, RUN, ++this.runs);
    Atomics.store(frame.words, ENDED, 0);
    Atomics.store(frame.words, STATUS, RUNNING);
  }

  private startCrew(): void {
    const { workers, entry, capacity, callerWorks } = this.options;
    if (workers === 0 || this.crew !== undefined) return;
    const program = {
      pages: this.store.pages,
      control: this.store.controlAt,
      rooms: this.store.rooms,
      network: this.network,
      callerWorks,
      capacity,
      leaves: this.plan.leaves.length,
      steps: this.steps,
      inputs: this.plan.steps.map((step) => step.inputs),
      values: placedValues(this.plan, this.store.places),
      lanes: this.lanes,
      workers,
    };
    this.crew = joinCrew(entry, program, workers, {
      failed: (failure) => this.workerFailed(failure),
      died: (error) => this.workerDied(error),
    });
    this.store.control.shared.bell = this.crew.bell;
  }

  /** Settles the runs that have ended; true where there was one. */
  private collect(): boolean {
    let some = false;
    for (let i = 0; i < this.active.length; i++) {
      const entered = this.active[i]!;
      if (!isOver(entered.frame!)) continue;
      this.active.splice(i--, 1);
      this.settle(entered, entered.frame!);
      some = true;
    }
    if (this.active.length === 0) {
      this.crew?.hold(false);
      this.onIdle?.();
    }
    return some;
  }

  private settle(entered: Entered, frame: Frame): void {
    const { run, reason } = entered;
    const { error } = frame;
    const status = Atomics.load(frame.words, STATUS);
    this.leave(entered);
    // Before the frame goes to the next run.
    const outputs = status === RUNNING ? this.resultsOf(frame, run.views) : undefined;
    const trace = outputs && frame.recorder?.finish();
    this.release(frame);
    if (outputs !== undefined) run.done(outputs, trace);
    else run.failed(status === ABORTED ? reason : error!.reason);
  }

  private abort(entered: Entered, reason: unknown): void {
    entered.reason ??= reason;
    const { frame, run } = entered;
    if (frame !== undefined) {
      Atomics.compareExchange(frame.words, STATUS, RUNNING, ABORTED);
      return;
    }
    const at = this.line.indexOf(entered);
    if (at < 0) return;
    this.line.splice(at, 1);
    this.leave(entered);
    run.failed(reason);
  }

  /** Computes units of a step on this thread. */
  private compute({ own, recorder }: Frame, step: number, from: number, to: number): void {
    const started = recorder === undefined ? 0 : wallClock();
    try {
      const { kernel, inputs, output, results } = own.bound.step(step);
      kernel.run(inputs, output, from, to, results);
    } catch (error) {
      throw opError(this.plan.steps[step]!, error);
    }
    recorder?.mark(step, started, wallClock());
  }

  private workerFailed({ run, step, failure }: WorkerFailure): void {
    const failed = this.active.find(({ frame }) => Atomics.load(frame!.words, RUN) === run);
    if (failed === undefined) return;
    failed.frame!.error = { reason: opError(this.plan.steps[step]!, errorOf(failure)) };
    this.options.failing?.(failed.frame!.error.reason);
    this.loop.turn();
  }

  /** A thread is gone, and with it the task it had: no run can end any more. */
  private workerDied(reason: unknown): void {
    if (this.broken !== undefined) return;
    this.broken = { reason };
    this.options.failing?.(reason);
    const left = [...this.active, ...this.line];
    this.active = [];
    this.line = [];
    for (const entered of left) {
      this.leave(entered);
      entered.run.failed(reason);
    }
    this.onIdle?.();
  }
}

/** Whether a frame's run has ended, and is known to be right, aborted or why it failed. */
function isOver({ words, error }: Frame): boolean {
  return Atomics.load(words, ENDED) === 1 && (Atomics.load(words, STATUS) < FAILED || error !== undefined);
}
