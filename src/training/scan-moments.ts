import type { Table } from "../csv/table.js";
import { momentsShape } from "../dataset/formula/moments-shape.js";
import { DataError } from "../errors.js";
import { builtFile } from "../files/built-file.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { RowLayout } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { scanTotal } from "../scan/scan-total.js";
import { countedByWeights } from "../stats/frequencies.js";
import { option, wording } from "../wording.js";
import type { MomentsPlan } from "./moments-job.js";
import { MomentsJob } from "./moments-job.js";
import {
  MomentsReader,
  type MomentsResult,
  type MomentsTotal,
  type ScannedMoments,
} from "./moments-result.js";
import type { TrainingPlan } from "./training-job.js";

/** The worker that knows the jobs of a `TrainingPlan`. */
export const ENTRY = builtFile("bundle/scan-worker.js");

/** The moments of a table's rows, fold by fold, merged in one fixed tree over its chunks. */
export async function scanMoments(
  table: Table,
  layout: RowLayout,
  plan: MomentsPlan,
  control: ScanControl,
): Promise<{ total: ScannedMoments; threads: number }> {
  const reader = new MomentsReader(momentsShape(plan.spec), {
    ...plan,
    weighted: layout.weight !== undefined,
    grouped: layout.group !== undefined,
  });
  const { total, threads, excluded } = await scanTotal<TrainingPlan, MomentsResult, MomentsTotal>(
    table,
    layout,
    {
      plan: { moments: plan },
      create: (view) => new MomentsJob(view, plan),
      entry: ENTRY,
      gather: (result) => reader.gather(result),
      total: (result) => reader.total(result),
    },
    control,
  );
  // A table without rows was refused when it was opened: this is a part of one.
  if (total === undefined) throw emptyPart(table);
  const finished = await withPauses(reader.finish(total, plan.spec), control);
  if (plan.frequencies) for (const fold of finished.folds) countedByWeights(fold);
  return { total: { ...finished, excluded }, threads };
}

/** The error for a shard that no row starts in. */
export function emptyPart(table: Table): DataError {
  return new DataError("no row starts in this shard's part of the data", {
    place: { file: table.source.name },
    hint: wording`cut it into fewer shards with ${option("shard")}`,
  });
}
