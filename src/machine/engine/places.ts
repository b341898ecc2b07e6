import type { Plan } from "../plan.js";
import { bytesOf as bytesOfType } from "../tensor.js";
import { aligned } from "./memory.js";

/** Where the values of a plan lie in a frame. */
export interface Places {
  /** For each step the byte offset of its value from the start of a frame, or −1 for leaves. */
  readonly offsets: Float64Array;
  /** Bytes that a frame's values take. */
  readonly bytes: number;
  /** How many places the values between leaves and outputs share. */
  readonly shared: number;
}

/** In what order the steps of a run may be computed: one after the other, or as their inputs allow. */
export type Schedule = "sequential" | "any";

/** Up to this many steps it is known of any two whether one comes before the other; beyond, of neighbours only. */
const FULL_ORDER = 4096;

/**
 * Gives every value a place, and several values one place where no schedule has two of them alive at a time.
 *
 * A value may take the place of another once all who read that one have ended. In a sequence that is so after its
 * last reader; in any order, where all its readers come before the new value's op in the graph. Outputs share with
 * none: they live to the end of the run. A place is as large as the largest of its values.
 *
 * @param fullOrder for plans of at most this many steps it is worked out which of any two come one after the other;
 *   in larger ones a value's place goes to readers of its readers at most
 */
export function assignPlaces(plan: Plan, schedule: Schedule, fullOrder = FULL_ORDER): Places {
  const { steps } = plan;
  const bytesOf = (index: number) => steps[index]!.size * bytesOfType(steps[index]!.node.dtype);
  const placeOf = new Int32Array(steps.length).fill(-1);
  const sizes: number[] = [];
  const sharing: boolean[] = [];
  const open = (index: number, shared: boolean) => {
    placeOf[index] = sizes.length;
    sizes.push(bytesOf(index));
    sharing.push(shared);
  };
  const free = schedule === "sequential" ? freeInSequence(plan) : freeInAnyOrder(plan, fullOrder);
  for (const { index: first, kernel, results } of steps) {
    if (kernel === undefined) continue;
    // An op's results are all written when it is computed: those after the first have their places then.
    for (let index = first; index < first + results; index++) {
      if (placeOf[index] !== -1) continue;
      const { output } = steps[index]!;
      const found = output >= 0 ? undefined : bestOf(free.before(first), bytesOf(index));
      if (found === undefined) open(index, output < 0);
      else {
        const place = placeOf[found]!;
        free.taken(found);
        placeOf[index] = place;
        sizes[place] = Math.max(sizes[place]!, bytesOf(index));
      }
    }
    free.computed(first);
  }
  const starts = new Float64Array(sizes.length);
  let bytes = 0;
  for (let place = 0; place < sizes.length; place++) {
    // A large value starts at a cache line of its own.
    const size = aligned(sizes[place]!);
    if (size % 64 === 0) bytes = Math.ceil(bytes / 64) * 64;
    starts[place] = bytes;
    bytes += size;
  }
  const offsets = Float64Array.from(placeOf, (place) => (place < 0 ? -1 : starts[place]!));
  return { offsets, bytes, shared: sharing.filter(Boolean).length };

  /** Of values whose place is free, the one whose place fits best: the smallest that is large enough, else the largest. */
  function bestOf(candidates: Iterable<number>, wanted: number): number | undefined {
    let best: number | undefined;
    let own = 0;
    for (const index of candidates) {
      const size = sizes[placeOf[index]!]!;
      const better = own >= wanted ? size >= wanted && size < own : size > own;
      if (best === undefined || better) {
        best = index;
        own = size;
      }
      if (own === wanted) break;
    }
    return best;
  }
}

/** Which values are dead, and their places not taken yet. */
interface Free {
  /** Those whose place step `index` may take. */
  before(index: number): Iterable<number>;
  /** The value of step `index` lies in its place now. */
  computed(index: number): void;
  /** The place of the dead value of step `index` has been given away. */
  taken(index: number): void;
}

function freeInSequence({ steps }: Plan): Free {
  const lastUse = new Int32Array(steps.length);
  for (const { index, inputs } of steps) for (const input of inputs) lastUse[input] = index;
  const free = new Set<number>();
  return {
    before: () => free,
    computed(index) {
      // After the op has its place: an op never writes over its inputs.
      for (const input of steps[index]!.inputs)
        if (lastUse[input] === index && isBetween(steps[input]!)) free.add(input);
    },
    taken: (index) => free.delete(index),
  };
}

function freeInAnyOrder(plan: Plan, fullOrder: number): Free {
  const { steps } = plan;
  const readers = steps.map((): number[] => []);
  for (const { index, inputs } of steps) for (const input of inputs) readers[input]!.push(index);
  // What nobody reads could be overwritten before it is written: its place is not used again.
  const dies = (index: number) => isBetween(steps[index]!) && readers[index]!.length > 0;
  const dead = new Set<number>();
  const before = steps.length <= fullOrder ? orderOf(plan) : undefined;
  if (before !== undefined) {
    return {
      *before(index) {
        for (const value of dead) if (readers[value]!.every((reader) => before(reader, index))) yield value;
      },
      computed(index) {
        if (dies(index)) dead.add(index);
      },
      taken: (index) => dead.delete(index),
    };
  }
  return {
    *before(index) {
      const { inputs } = steps[index]!;
      for (const input of inputs)
        for (const value of steps[input]!.inputs)
          if (dead.has(value) && readers[value]!.every((reader) => inputs.includes(reader))) yield value;
    },
    computed(index) {
      if (dies(index)) dead.add(index);
    },
    taken: (index) => dead.delete(index),
  };
}

function isBetween(step: Plan["steps"][number]): boolean {
  return step.kernel !== undefined && step.output < 0;
}

/** Tells whether one step comes before another on some path: a set of bits for each, of those before it. */
function orderOf({ steps }: Plan): (first: number, second: number) => boolean {
  const words = Math.ceil(steps.length / 32);
  const bits = new Uint32Array(steps.length * words);
  for (const { index, inputs } of steps) {
    for (const input of inputs) {
      for (let w = 0; w < words; w++) bits[index * words + w]! |= bits[input * words + w]!;
      bits[index * words + (input >>> 5)]! |= 1 << (input & 31);
    }
  }
  return (first, second) => (bits[second * words + (first >>> 5)]! & (1 << (first & 31))) !== 0;
}
