import type { Data } from "../tensor.js";
import { Bell } from "./bell.js";
import { type FrameLayout, frameLayout } from "./frame.js";
import { LINE, type MemoryShare, type SharedPages, viewOf, wordsOf } from "./memory.js";
import type { Network } from "./network.js";
import { ReadyRing, ringSize } from "./ready-ring.js";
import type { Shared } from "./scheduler.js";

// What several threads write to stands in cache lines of its own.
const READY_HEAD = 16;
const READY_TAIL = 32;
const CALLER_HEAD = 48;
const CALLER_TAIL = 64;
const CALLER_SLEEPERS = 80;
const CALLER_BELL = 96;
/** From here on where each frame begins, in units of 64 bytes; 0 where there is none yet. */
const FRAMES = 112;

/** The part of a machine's memory by which its threads work together. */
export interface Control {
  readonly words: Int32Array;
  readonly shared: Shared;
}

/** How many frames a machine has at most, whatever its capacity. */
export const MOST_FRAMES = 64;

function sizesOf(network: Network, capacity: number): { control: number; ready: number; caller: number } {
  return {
    control: FRAMES + capacity,
    ready: ringSize(Math.max(1, network.allEntries) * capacity),
    caller: ringSize(network.steps * capacity),
  };
}

/** Takes the room for the control words, and gives the byte offset. */
export function takeControl(memory: MemoryShare, network: Network, capacity: number): number {
  const { control, ready, caller } = sizesOf(network, capacity);
  return memory.take(4 * (Math.ceil(control / 16) * 16 + ready + caller));
}

/** The control words that begin at `at`, where `takeControl` took room for them. */
export function controlOf(
  pages: SharedPages,
  at: number,
  network: Network,
  capacity: number,
  leaves: number,
  callerWorks: boolean,
  bell: Bell,
): Control {
  const sizes = sizesOf(network, capacity);
  const first = Math.ceil(sizes.control / 16) * 16;
  const words = wordsOf(pages, at, sizes.control);
  const readyCells = wordsOf(pages, at + 4 * first, sizes.ready);
  const callerCells = wordsOf(pages, at + 4 * (first + sizes.ready), sizes.caller);
  return {
    words,
    shared: {
      network,
      layout: frameLayout(network, leaves),
      ready: new ReadyRing(words, READY_HEAD, READY_TAIL, readyCells),
      forCaller: new ReadyRing(words, CALLER_HEAD, CALLER_TAIL, callerCells),
      bell,
      callerBell: new Bell(words, CALLER_SLEEPERS, CALLER_BELL),
      callerWorks,
    },
  };
}

/** The parts of a frame in memory: its words, the times of its tasks where they are traced, its values. */
export interface FrameParts {
  readonly words: Int32Array;
  /** For each task and lane when it began and ended; see `markTime`. */
  readonly times: Data | undefined;
  /** The byte offset of the values. */
  readonly values: number;
}

/** Takes the room for frame number `frame`, with `bytes` of values, and publishes where it is. */
export function takeFrame(
  memory: MemoryShare,
  { words, shared }: Control,
  frame: number,
  lanes: number,
  bytes: number,
): FrameParts {
  const { timesAt, valuesAt } = offsetsOf(shared.layout, shared.network, lanes);
  const base = memory.take(valuesAt + bytes);
  Atomics.store(words, FRAMES + frame, base / LINE);
  return partsOf(memory.pages, base, shared, lanes, timesAt, valuesAt);
}

/** The parts of a frame that the caller has taken. */
export function frameOf(
  pages: SharedPages,
  { words, shared }: Control,
  frame: number,
  lanes: number,
): FrameParts {
  const { timesAt, valuesAt } = offsetsOf(shared.layout, shared.network, lanes);
  return partsOf(pages, Atomics.load(words, FRAMES + frame) * LINE, shared, lanes, timesAt, valuesAt);
}

function offsetsOf(layout: FrameLayout, network: Network, lanes: number) {
  const line = (bytes: number) => Math.ceil(bytes / LINE) * LINE;
  const timesAt = line(4 * layout.words);
  return { timesAt, valuesAt: line(timesAt + 16 * lanes * network.steps) };
}

function partsOf(
  pages: SharedPages,
  base: number,
  { layout, network }: Shared,
  lanes: number,
  timesAt: number,
  valuesAt: number,
): FrameParts {
  const words = wordsOf(pages, base, layout.words);
  const times = lanes === 0 ? undefined : viewOf(pages, "float64", base + timesAt, 2 * lanes * network.steps);
  return { words, times, values: base + valuesAt };
}
