import type { Kernel } from "../op.js";
import type { Plan, Step } from "../plan.js";

/** Who may compute a step. */
export const ANYONE = 0;
const CALLER = 1;

/**
 * A plan as the scheduler sees it: tasks, who reads whom, and how tasks are shared. Plain data that goes to every
 * thread once. Leaves are no tasks, unless each should be paused before: their values are there when a run begins.
 */
export interface Network {
  /** The number of the plan's steps, leaves included; tasks go by their step's number. */
  readonly steps: number;
  /** The consumers of step s, one for each edge, are `consumers[consumerStart[s]]` to before `[consumerStart[s + 1]]`. */
  readonly consumerStart: Int32Array;
  readonly consumers: Int32Array;
  /** How many edges must have a value before a task is ready. */
  readonly missing: Int32Array;
  /** The tasks that are ready when a run begins. */
  readonly starters: Int32Array;
  /** How many tasks nothing consumes: when they have ended the run has. */
  readonly sinks: number;
  /** `ANYONE` or `CALLER`. */
  readonly owner: Uint8Array;
  /** About how long a task takes, in nanoseconds. */
  readonly cost: Float64Array;
  /** A task that costs less is run where it became ready. */
  readonly threshold: number;
  /** For a task whose output is cut up its number among those, else −1. */
  readonly cutOf: Int32Array;
  readonly cuts: number;
  /** Into how many units a task's output can be cut, and how many a thread takes at a time. */
  readonly units: Float64Array;
  readonly grain: Float64Array;
  /** How many threads may share a task: its entries in the ready ring. */
  readonly entries: Int32Array;
  /** The sum of all entries. */
  readonly allEntries: number;
}

export interface NetworkOptions {
  /** The threads that compute, the caller's included if it does. */
  readonly threads: number;
  /** The cost, in nanoseconds, from which a task is shared. */
  readonly threshold: number;
  /** Whether all tasks go to the caller, who then may hand them on. */
  readonly throughCaller: boolean;
  /** Whether leaves are tasks too. */
  readonly leaves: boolean;
}

/** The longest that one piece of an op may take, in nanoseconds, about: an abort waits for pieces that have begun. */
const PIECE_NS = 10_000_000;
/** Pieces per thread, so that one that lags behind takes fewer. */
const PIECES_PER_THREAD = 4;
/** What all pieces repeat is at most this share of them. */
const REPEATED_SHARE = 0.125;

export function networkOf(plan: Plan, options: NetworkOptions): Network {
  const { steps } = plan;
  const { length } = steps;
  const isTask = (step: Step) => step.kernel !== undefined || options.leaves;
  const consumerStart = new Int32Array(length + 1);
  const consumers = new Int32Array(plan.edges);
  const missing = new Int32Array(length);
  const owner = new Uint8Array(length);
  const cost = new Float64Array(length);
  const cutOf = new Int32Array(length).fill(-1);
  const units = new Float64Array(length).fill(1);
  const grain = new Float64Array(length).fill(1);
  const entries = new Int32Array(length);
  const starters: number[] = [];
  let cuts = 0;
  let sinks = 0;
  let allEntries = 0;
  const consumerOf = new Int32Array(plan.edges);
  for (const { index, firstEdge, inputs } of steps)
    for (let i = 0; i < inputs.length; i++) consumerOf[firstEdge + i] = index;
  let at = 0;
  for (const step of steps) {
    const { index, kernel } = step;
    consumerStart[index] = at;
    for (const edge of step.edgesOut) consumers[at++] = consumerOf[edge]!;
    if (!isTask(step)) continue;
    if (step.edgesOut.length === 0) sinks++;
    missing[index] = step.inputs.filter((input) => isTask(steps[input]!)).length;
    if (missing[index] === 0) starters.push(index);
    owner[index] = options.throughCaller || !isPortable(step) ? CALLER : ANYONE;
    cost[index] = kernel?.cost ?? 0;
    units[index] = grain[index] = kernel?.units ?? 1;
    const shares = isPortable(step) ? sharesOf(step, options) : 1;
    if (shares > 1) {
      cutOf[index] = cuts++;
      const wanted = Math.min(
        PIECES_PER_THREAD,
        Math.floor(cost[index]! / leastOf(kernel!, options) / shares),
      );
      // As many for each thread, else the others wait for one.
      const pieces = shares * Math.max(1, wanted, Math.ceil(cost[index]! / PIECE_NS / shares));
      grain[index] = Math.ceil(kernel!.units / pieces);
    }
    entries[index] = shares;
    allEntries += shares;
  }
  consumerStart[length] = at;
  return {
    steps: length,
    consumerStart,
    consumers,
    missing,
    starters: Int32Array.from(starters),
    sinks,
    owner,
    cost,
    threshold: options.threshold,
    cutOf,
    cuts,
    units,
    grain,
    entries,
    allEntries,
  };
}

/** What a piece should cost at least, in nanoseconds: something that is worth a hop, and more than it repeats. */
function leastOf({ repeated = 0 }: Kernel, { threshold }: NetworkOptions): number {
  return Math.max(1, threshold, threshold === 0 ? 0 : repeated / REPEATED_SHARE);
}

/** How many threads should share a step's output: each of them something that is worth a hop. */
function sharesOf({ kernel }: Step, { threads, threshold }: NetworkOptions): number {
  if (kernel === undefined || kernel.units < 2) return 1;
  const { cost, repeated = 0 } = kernel;
  const worth = threshold === 0 ? kernel.units : Math.floor(cost / (threshold + repeated));
  return Math.max(1, Math.min(threads, kernel.units, worth));
}

/** Whether a worker thread can compute a step. */
export function isPortable({ node, kernel }: Step): boolean {
  return kernel !== undefined && typeof node.op !== "string" && node.op.portable;
}

/** What a shared task costs beside its own work, in nanoseconds: counts, ring, a cold cache. */
const TASK_NS = 500;
/** What a thread's share of a task that is cut up costs beside its work: that of its operands the other thread made. */
const SHARE_NS = 5_000;
/** What a run on several threads costs in addition. */
const RUN_NS = 2_000;
/** The share of a run that threads must save: what is less is lost when one of them has been asleep. */
const GAIN = 0.1;

/**
 * Whether several threads end a run of `plan` sooner than one: its work against the longest path through it, in which
 * a task that is cut up counts by its share. Tasks below the threshold stay where they become ready.
 */
export function threadsPay(plan: Plan, network: Network, threads: number): boolean {
  const { threshold, cost, entries } = network;
  const finish = new Float64Array(network.steps);
  let work = 0;
  let costly = 0;
  let longest = 0;
  let handing = 0;
  for (const { index, inputs, kernel } of plan.steps) {
    if (kernel === undefined) continue;
    let start = 0;
    for (const input of inputs) start = Math.max(start, finish[input]!);
    work += cost[index]!;
    if (cost[index]! >= threshold) {
      costly += cost[index]!;
      handing += entries[index]! > 1 ? entries[index]! * SHARE_NS : TASK_NS;
    }
    finish[index] = start + cost[index]! / entries[index]!;
    longest = Math.max(longest, finish[index]!);
  }
  const shared = Math.max(longest, work - costly + costly / threads);
  return shared + RUN_NS + handing / threads < (1 - GAIN) * work;
}
