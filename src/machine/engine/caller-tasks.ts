import type { Node } from "../graph.js";
import { opError, type Plan } from "../plan.js";
import { type Recorder, wallClock } from "../trace.js";
import type { CallerFrame } from "./caller-frame.js";
import { RUNNING, STATUS } from "./frame.js";
import { isPortable, type Network } from "./network.js";
import type { Scheduler } from "./scheduler.js";

/** A frame that the caller computes in. */
export interface ComputingFrame {
  readonly words: Int32Array;
  readonly own: CallerFrame;
  readonly recorder: Recorder | undefined;
}

interface CallerTasksOptions {
  /** Whether tasks that workers can compute are handed on to the ring. */
  readonly handsOn: boolean;
  readonly pause: ((node: Node) => Promise<void> | undefined) | undefined;
  frame(index: number): ComputingFrame;
  /** Called when a task has ended after a promise. */
  progressed(): void;
}

/** The tasks that only the caller may take: ops of a user's own, which may give promises, and what is paused before. */
export class CallerTasks {
  private readonly plan: Plan;
  private readonly network: Network;
  private readonly scheduler: Scheduler;
  private readonly options: CallerTasksOptions;

  constructor(plan: Plan, network: Network, scheduler: Scheduler, options: CallerTasksOptions) {
    this.plan = plan;
    this.network = network;
    this.scheduler = scheduler;
    this.options = options;
  }

  /** Waits before a task where it should, then computes it or hands it on. */
  perform(task: number): void {
    const { pause } = this.options;
    let pausing: Promise<void> | undefined;
    try {
      pausing = pause?.(this.plan.steps[task % this.network.steps]!.node);
    } catch (error) {
      this.scheduler.fail(task, error);
    }
    if (pausing === undefined) {
      this.compute(task);
      return;
    }
    pausing
      .then(
        () => this.compute(task),
        (error) => {
          this.scheduler.fail(task, error);
          this.scheduler.send(task);
        },
      )
      .then(() => this.options.progressed());
  }

  /** Sends the value of a task once `running` has settled. */
  follow(task: number, running: Promise<void>, started?: number): void {
    const index = task % this.network.steps;
    running
      .then(
        () => {
          if (started !== undefined) this.frameOf(task).recorder?.mark(index, started, wallClock());
        },
        (error) => this.scheduler.fail(task, opError(this.plan.steps[index]!, error)),
      )
      .then(() => {
        this.scheduler.send(task);
        this.options.progressed();
      });
  }

  private frameOf(task: number): ComputingFrame {
    return this.options.frame(Math.floor(task / this.network.steps));
  }

  private compute(task: number): void {
    const index = task % this.network.steps;
    const step = this.plan.steps[index]!;
    const { words, own, recorder } = this.frameOf(task);
    if (step.kernel === undefined || Atomics.load(words, STATUS) !== RUNNING) {
      this.scheduler.send(task);
      return;
    }
    if (this.options.handsOn && isPortable(step)) {
      this.scheduler.share(task, this.network.entries[index]!);
      return;
    }
    const started = recorder === undefined ? 0 : wallClock();
    let running: Promise<void> | undefined;
    try {
      const { kernel, inputs, output, results } = own.bound.step(index);
      running = kernel.run(inputs, output, 0, kernel.units, results) as Promise<void> | undefined;
    } catch (error) {
      this.scheduler.fail(task, opError(step, error));
    }
    if (running !== undefined) {
      this.follow(task, running, started);
      return;
    }
    recorder?.mark(index, started, wallClock());
    this.scheduler.send(task);
  }
}
