import type { Network } from "./network.js";

/** The words of a frame; those that threads write to stand in cache lines of their own. */
export const STATUS = 0;
/** The number of the run that has the frame. */
export const RUN = 1;
/** Counts how often leaves were moved, so that threads look where they lie now. */
export const MOVED = 2;
/** How many tasks that nothing consumes have not ended. */
export const LEFT = 16;
/** 1 once the run has ended. */
export const ENDED = 32;
const FIRST = 48;

/** The status of a run that computes; any other passes its tasks through. */
export const RUNNING = 0;
/** The status of an aborted run. */
export const ABORTED = 1;
/** The status of a run in which step s failed is this plus s. */
export const FAILED = 2;

/** Where what stands in a frame's words, for a network and a number of leaves. */
export interface FrameLayout {
  /** For each task how many inputs are missing. */
  readonly missing: number;
  /** For each task that is cut up the first unit that no thread has taken. */
  readonly next: number;
  /** For each task that is cut up how many of its entries have not been taken and left again. */
  readonly left: number;
  /** For each leaf where its value lies, in units of 16 bytes. */
  readonly leaves: number;
  /** All words. */
  readonly words: number;
}

export function frameLayout(network: Network, leaves: number): FrameLayout {
  const next = FIRST + network.steps;
  const left = next + network.cuts;
  const firstLeaf = left + network.cuts;
  return { missing: FIRST, next, left, leaves: firstLeaf, words: firstLeaf + leaves };
}

/** Sets the counts of a frame as they are between two runs. */
export function clearFrame(words: Int32Array, network: Network, layout: FrameLayout): void {
  words.set(network.missing, layout.missing);
  for (let step = 0; step < network.steps; step++) {
    const cut = network.cutOf[step]!;
    if (cut >= 0) words[layout.left + cut] = network.entries[step]!;
  }
}
