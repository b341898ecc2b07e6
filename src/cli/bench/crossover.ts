import type { GroupResult } from "./results.js";

/** From which batch size on threads pay, as measured. */
export interface Crossover {
  suite: string;
  /** Rows, values and bytes (where files were read) at which concurrent takes as long as serial. */
  rows: number;
  values: number;
  bytes: number | null;
  /** How many times as fast as serial the largest batch was, and on how many threads. */
  speedup: number;
  threads: number;
}

/** A gain below this counts as none: two measurements of the same thing differ by as much. */
const GAIN = 0.95;

/** The best case of several threads in a group, by its ratio to serial; one thread only where there is no other. */
export function bestConcurrent(group: GroupResult): { ratio: number; threads: number } | undefined {
  let best: { ratio: number; threads: number } | undefined;
  for (const { threads, ratio } of group.cases) {
    if (threads === null) continue;
    if (best === undefined || best.threads === 1 || ratio < best.ratio) best = { ratio, threads };
  }
  return best;
}

/**
 * Where the ratio of concurrent to serial falls below 1 for good, interpolated between the two batches around it
 * (linearly, over the logarithm of their rows); undefined where it never does.
 */
export function crossoverOf(suite: string, groups: readonly GroupResult[]): Crossover | undefined {
  const batches = groups
    .filter((group) => group.suite === suite)
    .map((group) => ({ group, best: bestConcurrent(group) }))
    .filter((batch) => batch.best !== undefined)
    .sort((a, b) => a.group.rows - b.group.rows);
  let first = batches.length;
  while (first > 0 && batches[first - 1]!.best!.ratio < GAIN) first--;
  const at = batches[first];
  const last = batches[batches.length - 1];
  if (at === undefined || last === undefined) return undefined;
  const before = batches[first - 1];
  let share = 1;
  if (before !== undefined && before.best!.ratio > 1)
    share = (before.best!.ratio - 1) / (before.best!.ratio - at.best!.ratio);
  const between = (from: number | undefined, to: number) =>
    from === undefined ? to : Math.round(from * (to / from) ** share);
  return {
    suite,
    rows: between(before?.group.rows, at.group.rows),
    values: between(before?.group.values, at.group.values),
    bytes: at.group.bytes === null ? null : between(before?.group.bytes ?? undefined, at.group.bytes),
    speedup: 1 / last.best!.ratio,
    threads: last.best!.threads,
  };
}
