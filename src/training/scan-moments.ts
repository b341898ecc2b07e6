import type { ColumnChoice } from "../csv/column-block.js";
import type { Table } from "../csv/table.js";
import { ModelError } from "../errors.js";
import { scan } from "../scan/scan.js";
import type { ScanControl } from "../scan/scan-options.js";
import { MergeTree } from "../stats/merge-tree.js";
import { MomentsJob, type MomentsPlan } from "./moments-job.js";
import { type MomentsResult, MomentsTotal } from "./moments-result.js";
import type { TrainingPlan } from "./training-job.js";

/** The worker that knows the jobs of a `TrainingPlan`. */
export const ENTRY = new URL("../../dist/bundle/scan-worker.js", import.meta.url);

/** The moments of a table's rows, fold by fold, merged in one fixed tree over its chunks. */
export async function scanMoments(
  table: Table,
  choice: ColumnChoice,
  plan: MomentsPlan,
  control: ScanControl,
): Promise<{ total: MomentsTotal; threads: number }> {
  const tree = new MergeTree<MomentsTotal>();
  const { threads } = await scan<TrainingPlan, MomentsResult>({
    ...control,
    table,
    choice,
    plan: { moments: plan },
    create: (kernels, source) => new MomentsJob(kernels, source, plan),
    entry: ENTRY,
    collect: (result, chunk) => {
      tree.push(chunk, new MomentsTotal(result));
      return undefined;
    },
  });
  const total = tree.finish();
  if (total === undefined) throw new ModelError("there are no rows to fit");
  return { total, threads };
}
