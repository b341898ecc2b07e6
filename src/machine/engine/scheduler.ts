import type { Bell } from "./bell.js";
import { ENDED, FAILED, type FrameLayout, LEFT, RUNNING, STATUS } from "./frame.js";
import { ANYONE, type Network } from "./network.js";
import { NOTHING, type ReadyRing } from "./ready-ring.js";

/** What threads share beside the frames. */
export interface Shared {
  readonly network: Network;
  readonly layout: FrameLayout;
  /** Tasks that any thread may take. */
  readonly ready: ReadyRing;
  /** Tasks for the caller. */
  readonly forCaller: ReadyRing;
  /** Wakes workers: the bell of the crew that works for this machine. */
  bell: Bell;
  /** Wakes the caller: tasks for it, or a run that has ended. */
  readonly callerBell: Bell;
  /** Whether the caller computes what any thread may. */
  readonly callerWorks: boolean;
}

/** What a thread does with a task. */
export interface Hands {
  /** The words of a frame. */
  words(frame: number): Int32Array;
  /** Computes the units `from` to `to` of a step's output. */
  compute(frame: number, step: number, from: number, to: number): void;
  /** Told of the error that made a run fail: the first of that run. */
  failed(frame: number, step: number, error: unknown): void;
  /** Whether this thread may take another piece of a task, or should first do something else. */
  mayStay(): boolean;
}

/**
 * One thread's part in running frames: it takes tasks that are ready, computes them, and sends their values on.
 *
 * A task is a number, frame · steps + step. All state that threads share is in the ring and in the frames' words, and
 * each step on it is atomic.
 */
export class Scheduler {
  /** Cheap tasks that this thread made ready and runs next, the last first. */
  local: number[] = [];
  /** What they cost, together. */
  localCost = 0;
  /** A costly task that this thread made ready and runs after them. */
  kept = NOTHING;
  private readonly shared: Shared;
  private readonly hands: Hands;
  /** Whether this thread keeps tasks; else it gives all away. */
  private readonly keeps: boolean;

  constructor(shared: Shared, hands: Hands, keeps: boolean) {
    this.shared = shared;
    this.hands = hands;
    this.keeps = keeps;
  }

  /** Takes a task and computes it; false where none is ready. */
  turn(): boolean {
    let task = this.local.pop();
    if (task !== undefined) this.localCost -= this.shared.network.cost[task % this.shared.network.steps]!;
    else if (this.kept !== NOTHING) {
      task = this.kept;
      this.kept = NOTHING;
    } else {
      task = this.shared.ready.pop();
      if (task === NOTHING) return false;
    }
    this.run(task);
    return true;
  }

  /** Whether `turn` would find a task. */
  hasTask(): boolean {
    return this.local.length > 0 || this.kept !== NOTHING || this.shared.ready.ready();
  }

  /**
   * Starts a run in a frame whose counts are clean: makes the tasks ready that wait for nothing. What is ready of runs
   * begun before goes first, for they are waited for first.
   */
  start(frame: number): void {
    const { network, ready } = this.shared;
    const words = this.hands.words(frame);
    Atomics.store(words, LEFT, network.sinks);
    const last = this.local.length > 0 || this.kept !== NOTHING || ready.ready();
    for (let i = 0; i < network.starters.length; i++)
      this.offer(frame * network.steps + network.starters[i]!, this.keeps && !last);
  }

  /** Computes a task that any thread may have, or its share of it, and sends its value when it is whole. */
  run(task: number): void {
    const { network, layout } = this.shared;
    const step = task % network.steps;
    const frame = (task - step) / network.steps;
    const words = this.hands.words(frame);
    const cut = network.cutOf[step]!;
    try {
      if (cut < 0) {
        if (Atomics.load(words, STATUS) === RUNNING) this.hands.compute(frame, step, 0, network.units[step]!);
      } else if (!this.runPieces(words, frame, step, cut)) {
        // There is more: this thread's entry goes back for whoever finds it.
        this.share(task, 1);
        return;
      }
    } catch (error) {
      this.fail(task, error);
    }
    if (cut >= 0) {
      // The last to leave finds all pieces done.
      if (Atomics.sub(words, layout.left + cut, 1) !== 1) return;
      Atomics.store(words, layout.left + cut, network.entries[step]!);
      Atomics.store(words, layout.next + cut, 0);
    }
    this.send(task);
  }

  /** Makes the run of `task` fail with `error`, unless it has failed or was aborted before. */
  fail(task: number, error: unknown): void {
    const step = task % this.shared.network.steps;
    const frame = (task - step) / this.shared.network.steps;
    const words = this.hands.words(frame);
    if (Atomics.compareExchange(words, STATUS, RUNNING, FAILED + step) === RUNNING)
      this.hands.failed(frame, step, error);
  }

  /** Sends the value of `task` to its consumers: their counts go down, and who has all inputs becomes ready. */
  send(task: number): void {
    const { network, layout, callerBell } = this.shared;
    const { consumerStart, consumers, steps } = network;
    const step = task % steps;
    const first = task - step;
    const words = this.hands.words(first / steps);
    // The count for the frame's next run, which cannot begin before this task has sent.
    Atomics.store(words, layout.missing + step, network.missing[step]!);
    const end = consumerStart[step + 1]!;
    let edge = consumerStart[step]!;
    if (edge === end) {
      if (Atomics.sub(words, LEFT, 1) === 1) {
        Atomics.store(words, ENDED, 1);
        callerBell.ring();
      }
      return;
    }
    for (; edge < end; edge++) {
      const consumer = consumers[edge]!;
      if (Atomics.sub(words, layout.missing + consumer, 1) === 1) this.offer(first + consumer);
    }
  }

  /** A task has become ready: keeps it, or puts it where its owner finds it. */
  private offer(task: number, keeps = this.keeps): void {
    const { network, forCaller, callerBell } = this.shared;
    const step = task % network.steps;
    if (network.owner[step] !== ANYONE) {
      forCaller.push(task);
      callerBell.ring();
      return;
    }
    const cost = network.cost[step]!;
    if (keeps) {
      if (cost < network.threshold && this.localCost + cost <= network.threshold) {
        this.local.push(task);
        this.localCost += cost;
        return;
      }
      if (this.kept === NOTHING) {
        this.kept = task;
        // The others' entries.
        this.share(task, network.entries[step]! - 1);
        return;
      }
    }
    this.share(task, network.entries[step]!);
  }

  /** Puts what this thread keeps into the ready ring, because it will be away for a while. */
  giveAway(): void {
    if (this.kept !== NOTHING) this.share(this.kept, 1);
    for (const task of this.local) this.share(task, 1);
    this.kept = NOTHING;
    this.local.length = 0;
    this.localCost = 0;
  }

  /** Puts a task into the ready ring for `entries` threads to find. */
  share(task: number, entries: number): void {
    const { ready, bell, callerBell, callerWorks } = this.shared;
    for (let i = 0; i < entries; i++) {
      ready.push(task);
      if (!bell.ring() && callerWorks) callerBell.ring();
    }
  }

  /** Computes pieces of a task until all are taken, then gives true; false where this thread left before. */
  private runPieces(words: Int32Array, frame: number, step: number, cut: number): boolean {
    const { network, layout } = this.shared;
    const units = network.units[step]!;
    const grain = network.grain[step]!;
    while (Atomics.load(words, STATUS) === RUNNING) {
      const from = Atomics.add(words, layout.next + cut, grain);
      if (from >= units) return true;
      this.hands.compute(frame, step, from, Math.min(from + grain, units));
      if (!this.hands.mayStay()) return false;
    }
    return true;
  }
}
