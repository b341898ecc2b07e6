import type { Table } from "../csv/table.js";
import type { Steps } from "../parallel/steps.js";
import { withPauses } from "../parallel/with-pauses.js";
import { MergeTree } from "../stats/merge-tree.js";
import { resting } from "./resting.js";
import type { RowLayout } from "./row-layout.js";
import { type ScanEnd, scan } from "./scan.js";
import type { ScanControl, ScanJob } from "./scan-options.js";

/** A job whose results of chunks are summed up: `total` makes a sum of one result. */
export interface TotalJob<Plan, Result, Total> extends Omit<ScanJob<Plan, Result>, "collect"> {
  total: (result: Result) => Total;
  /** What else to do with the result of each chunk, in their order, before it is summed up. */
  gather?: (result: Result) => Steps<void>;
}

/**
 * Scans a table and merges the results of its chunks in one fixed tree over their numbers, so that the total does not
 * depend on threads; undefined where there are none.
 */
export async function scanTotal<Plan, Result, Total extends { absorb(later: Total): Total }>(
  table: Table,
  layout: RowLayout,
  { total, gather, ...job }: TotalJob<Plan, Result, Total>,
  control: ScanControl,
): Promise<ScanEnd & { total: Total | undefined }> {
  const tree = new MergeTree<Total>();
  const rest = resting(() => control.signal?.throwIfAborted());
  /** Merges of wide designs take long: others run in between. */
  const goOn = async (merging: Iterator<unknown>, pausing: Promise<void>): Promise<true> => {
    for (let wait: Promise<void> | undefined = pausing; ; wait = rest()) {
      await wait;
      if (merging.next().done) return true;
    }
  };
  const collect = (result: Result, chunk: number) => {
    const merging = (function* () {
      if (gather !== undefined) yield* gather(result);
      yield* tree.pushing(chunk, total(result));
    })();
    while (!merging.next().done) {
      const pausing = rest();
      if (pausing !== undefined) return goOn(merging, pausing);
    }
    return undefined;
  };
  const end = await scan(table, layout, { ...job, collect }, control);
  return { ...end, total: await withPauses(tree.finishing(), control) };
}
