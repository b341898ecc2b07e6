import type { Table } from "../csv/table.js";
import { MergeTree } from "../stats/merge-tree.js";
import type { RowLayout } from "./row-layout.js";
import { type ScanEnd, scan } from "./scan.js";
import type { ScanControl, ScanJob } from "./scan-options.js";

/** A job whose results of chunks are summed up: `total` makes a sum of one result. */
export interface TotalJob<Plan, Result, Total> extends Omit<ScanJob<Plan, Result>, "collect"> {
  total: (result: Result) => Total;
}

/**
 * Scans a table and merges the results of its chunks in one fixed tree over their numbers, so that the total does not
 * depend on threads; undefined where there are none.
 */
export async function scanTotal<Plan, Result, Total extends { absorb(later: Total): Total }>(
  table: Table,
  layout: RowLayout,
  { total, ...job }: TotalJob<Plan, Result, Total>,
  control: ScanControl,
): Promise<ScanEnd & { total: Total | undefined }> {
  const tree = new MergeTree<Total>();
  const collect = (result: Result, chunk: number) => {
    tree.push(chunk, total(result));
    return undefined;
  };
  const end = await scan(table, layout, { ...job, collect }, control);
  return { ...end, total: tree.finish() };
}
