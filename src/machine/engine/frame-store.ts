import { ROOM_BYTES } from "../kernels/tensor-kernels.js";
import type { Plan } from "../plan.js";
import type { Data } from "../tensor.js";
import type { Recorder } from "../trace.js";
import { Bell } from "./bell.js";
import { CallerFrame, type Leaves } from "./caller-frame.js";
import { type Control, controlOf, takeControl, takeFrame } from "./control.js";
import { clearFrame, MOVED } from "./frame.js";
import { LeafCopies } from "./leaf-copies.js";
import type { MemoryShare, SharedPages } from "./memory.js";
import type { Network } from "./network.js";
import { assignPlaces, type Places } from "./places.js";

/** A frame, as the engine keeps it. */
export interface Frame {
  readonly index: number;
  readonly words: Int32Array;
  /** The times of its tasks, where they are traced. */
  readonly times: Data | undefined;
  readonly own: CallerFrame;
  recorder: Recorder | undefined;
  /** Why its run failed; undefined also while a worker's word of it is on its way. */
  error: { readonly reason: unknown } | undefined;
}

interface FrameStoreOptions {
  /** Frames there may be. */
  readonly capacity: number;
  readonly callerWorks: boolean;
  /** Whether leaves must lie in memory: other threads read them, or kernels want them there. */
  readonly inMemory: boolean;
  readonly workers: number;
  /** Threads whose times are traced, 0 for none. */
  readonly lanes: number;
  /** Errors in place of kernels, for steps that have none. */
  readonly unknown: Map<number, unknown> | undefined;
}

/** A machine's memory: the control words, the frames, made when first needed, and the leaves' values. */
export class FrameStore {
  readonly places: Places;
  readonly control: Control;
  /** Where the control words begin. */
  readonly controlAt: number;
  readonly frames: Frame[] = [];
  /** Where the workers' rooms for kernels begin, one behind the other, or −1. */
  readonly rooms: number;
  private readonly plan: Plan;
  private readonly network: Network;
  private readonly options: FrameStoreOptions;
  private readonly memory: MemoryShare;
  private readonly free: Frame[] = [];
  private readonly copies: LeafCopies;

  constructor(plan: Plan, network: Network, memory: MemoryShare, options: FrameStoreOptions) {
    this.memory = memory;
    this.plan = plan;
    this.network = network;
    this.options = options;
    this.places = assignPlaces(plan, "any");
    this.copies = new LeafCopies(this.memory, plan);
    const { capacity, callerWorks, workers } = options;
    this.controlAt = takeControl(memory, network, capacity);
    this.rooms = plan.inMemory ? memory.take(workers * ROOM_BYTES) : -1;
    if (plan.inMemory) memory.allowKernels();
    this.control = controlOf(
      memory.pages,
      this.controlAt,
      network,
      capacity,
      plan.leaves.length,
      callerWorks,
      // Nobody sleeps there: the machine has no crew yet.
      new Bell(new Int32Array(2), 0, 1),
    );
  }

  get pages(): SharedPages {
    return this.memory.pages;
  }

  /** A frame that no run has, or undefined where all are taken. */
  take(): Frame | undefined {
    return this.free.pop() ?? this.open();
  }

  giveBack(frame: Frame): void {
    this.free.push(frame);
  }

  /** Lets a frame's next run see the leaves' values. */
  bindLeaves({ own, words }: Frame, leaves: Leaves): void {
    if (!own.takeLeaves(leaves) || !this.options.inMemory) return;
    const at = this.control.shared.layout.leaves;
    for (let leaf = 0; leaf < leaves.values.length; leaf++)
      words[at + leaf] = leaves.values[leaf]!.byteOffset / 16;
    Atomics.add(words, MOVED, 1);
  }

  /**
   * A leaf's value where all threads and kernels see it: a copy in memory, where that is needed. One that `isRead` says no run needs is
   * written over.
   */
  adopt(leaf: number, data: Data, isRead: (copy: Data) => boolean): Data {
    return this.options.inMemory ? this.copies.adopt(leaf, data, isRead) : data;
  }

  private open(): Frame | undefined {
    const index = this.frames.length;
    const { capacity, lanes, unknown } = this.options;
    if (index === capacity) return undefined;
    const { memory, control, plan, places } = this;
    const { words, times, values } = takeFrame(memory, control, index, lanes, places.bytes);
    clearFrame(words, this.network, control.shared.layout);
    const own = new CallerFrame(plan, memory.pages, values, places, unknown);
    const frame: Frame = { index, words, times, own, recorder: undefined, error: undefined };
    this.frames.push(frame);
    return frame;
  }
}
