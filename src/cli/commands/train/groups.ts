import { ModelError, UsageError } from "../../../errors.js";
import { MOST_BYTES } from "../../../linear/model/model-file.js";
import { writeJson } from "../../../linear/model/write-json.js";
import { fitGroupsCsv } from "../../../training/fit-groups-csv.js";
import { version } from "../../../version.js";
import { modelOptions } from "../../program/model-options.js";
import { progressBar } from "../../program/progress.js";
import { groupsDocument, renderGroups } from "../../render/group-report.js";
import { MOST_LINES } from "../../render/present-groups.js";
import { print } from "../../render/print.js";
import type { TrainOptions } from "./options.js";

/** `goml train --group-by`: fits a model per group, writes them to one file, prints a line per group. */
export async function trainGroups(
  data: readonly string[],
  options: TrainOptions & { groupBy: string },
  signal: AbortSignal,
): Promise<number> {
  const { solver, vcov } = options;
  if (solver === "qr" || solver === "gd")
    throw new UsageError(`--group-by goes with solvers that work from moments, not with ${solver}`, {
      hint: "leave --solver out",
    });
  if (vcov !== "iid")
    throw new UsageError(`--vcov ${vcov} does not go with --group-by`, {
      hint: "train the group that needs it on its own rows",
    });
  if (options.effects !== undefined)
    throw new UsageError("--effects writes those of one model, and --group-by fits many", {
      hint: "the model file has them: goml inspect --group NAME -m one.json gives one",
    });
  const progress = progressBar("reading");
  const fitted = await fitGroupsCsv(data, {
    ...modelOptions(options),
    groupBy: options.groupBy,
    testSize: options.testSize,
    firstRow: options.firstRow,
    shard: options.shardId,
    solver,
    threads: options.threads,
    fileBytes: MOST_BYTES,
    callerWorks: true,
    signal,
    onProgress: progress.update,
  }).finally(progress.end);
  const { models, rows, dropped, excluded, test, notes, timing } = fitted;
  if (options.strict)
    for (const [group, { aliased }] of models.models)
      if (aliased.length > 0)
        throw new ModelError(
          `group ${group}: these terms depend linearly on terms before them: ${aliased.join(", ")}`,
          { hint: "leave them out with --exclude, or train without --strict" },
        );
  await writeJson(options.model, models.document(), signal);
  if (options.quiet) return 0;
  const report = { models, rows, dropped, excluded, test, notes, timing };
  if (options.json) {
    const document = groupsDocument(report, {
      path: options.model,
      data: data.join(" "),
      level: options.level,
    });
    print(`${JSON.stringify({ goml: version, command: "train", ...document }, null, 2)}\n`);
  } else print(renderGroups(report, { path: options.model, written: true, most: MOST_LINES }));
  return 0;
}
