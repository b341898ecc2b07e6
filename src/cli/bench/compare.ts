import { DataError } from "../../errors.js";
import type { BenchDocument } from "./document.js";
import type { GroupResult } from "./results.js";

/** A case whose ratio to its yardstick of the same run has grown. */
export interface Slowdown {
  group: string;
  name: string;
  against: string;
  before: number;
  now: number;
  /** now / before. */
  slowdown: number;
}

/** What a comparison with an earlier run found. */
export interface Comparison {
  /** Cases measured in both runs. */
  compared: number;
  slower: Slowdown[];
}

/**
 * Compares the ratios of two runs, never their times: what is slower against its yardstick in the same run is slower,
 * on whatever machine; a slower machine is not.
 *
 * @throws DataError where the runs have no case in common
 */
export function compareRuns(
  previous: BenchDocument,
  results: readonly GroupResult[],
  maxSlowdown: number,
): Comparison {
  const ratios = new Map<string, number>();
  for (const group of previous.results)
    for (const one of group.cases) if (one.against !== null) ratios.set(keyOf(group, one.name), one.ratio);
  const slower: Slowdown[] = [];
  let compared = 0;
  for (const group of results)
    for (const { name, against, ratio: now } of group.cases) {
      const before = ratios.get(keyOf(group, name));
      if (before === undefined || against === null) continue;
      compared++;
      // Written so that a ratio that is not a number fails.
      if (!(now / before <= maxSlowdown))
        slower.push({ group: group.name, name, against, before, now, slowdown: now / before });
    }
  if (compared === 0)
    throw new DataError("the runs have no case in common", {
      hint: "compare runs on the same data: the names of the cases tell the rows",
    });
  return { compared, slower };
}

function keyOf(group: GroupResult, name: string): string {
  return `${group.suite}/${group.name}/${name}`;
}

/** One slowdown in words. */
export function slowdownText({ group, name, against, before, now, slowdown }: Slowdown): string {
  return (
    `${group}, ${name}: ${slowdown.toPrecision(3)} times as slow against ${against} ` +
    `(ratio ${now.toPrecision(3)}, was ${before.toPrecision(3)})`
  );
}
