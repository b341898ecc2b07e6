import { setImmediate as nextTick } from "node:timers/promises";
import { openOutput } from "../../../csv/write.js";
import { InterruptedError, ModelError, UsageError } from "../../../errors.js";
import { shownPath } from "../../../files/shown-path.js";
import { MOST_BYTES } from "../../../linear/model/model-file.js";
import { writeJson } from "../../../linear/model/write-json.js";
import { fitGroupsCsv } from "../../../training/fit-groups-csv.js";
import { version } from "../../../version.js";
import { modelOptions } from "../../program/model-options.js";
import { progressBar } from "../../program/progress.js";
import { refuseCv } from "../../program/refuse-cv.js";
import { groupCoefficientsCsv, groupEffectsCsv } from "../../render/coefficients-csv.js";
import { groupsDocument, renderGroups } from "../../render/group-report.js";
import { printModelTable, refuseTooMany } from "../../render/model-table.js";
import { print } from "../../render/print.js";
import type { TrainOptions } from "./options.js";

/** What is printed of one model, by the flag that asks for it. */
const FLAGS = {
  vif: "vif",
  correlation: "correlation",
  importance: "importance",
  vcovMatrix: "vcov-matrix",
} as const;

/** Characters that are written at a time. */
const STRETCH = 1 << 16;

/** Writes a file line by line, as `openOutput` does, and hears signals. */
async function writeLines(path: string, lines: Iterable<string>, signal: AbortSignal): Promise<void> {
  const output = openOutput(path);
  try {
    let text = "";
    for (const line of lines) {
      text += line;
      if (text.length < STRETCH) continue;
      await output.write(text);
      text = "";
      await nextTick();
      signal.throwIfAborted();
    }
    await output.write(text);
    await output.commit();
  } catch (error) {
    output.abort();
    throw signal.aborted ? new InterruptedError(undefined, { cause: error }) : error;
  }
}

/** `goml train --group-by`: fits a model per group, writes them to one file, prints a line per group. */
export async function trainGroups(
  data: readonly string[],
  options: TrainOptions & { groupBy: string },
  signal: AbortSignal,
): Promise<number> {
  const { solver, vcov, groupBy } = options;
  if (solver === "qr" || solver === "gd")
    throw new UsageError(`--group-by goes with solvers that work from moments, not with ${solver}`, {
      hint: "leave --solver out",
    });
  if (vcov !== undefined && vcov !== "iid")
    throw new UsageError(`--vcov ${vcov} does not go with --group-by`, {
      hint: `train a group that needs it by itself: --where '${groupBy} == "…"' --vcov ${vcov}`,
    });
  if (options.conformal !== undefined)
    throw new UsageError("--conformal calibrates one model, and --group-by fits one for each group", {
      hint: `fit one, and calibrate by the groups: --conformal ${options.conformal} --conformal-by ${groupBy}`,
    });
  refuseCv(options.cv, groupBy);
  const { weightsKind, keepMeat } = options;
  for (const [flag, value] of [
    ["--weights-kind", weightsKind],
    ["--keep-meat", keepMeat],
  ])
    if (value !== undefined)
      throw new UsageError(`${flag} ${value} does not go with --group-by`, {
        hint: `train a group that needs it by itself: --where '${groupBy} == "…"' ${flag} ${value}`,
      });
  const ofOne = (Object.keys(FLAGS) as (keyof typeof FLAGS)[]).find((name) => options[name]);
  if (ofOne !== undefined)
    throw new UsageError(`--${FLAGS[ofOne]} is printed of one model, and --group-by fits many`, {
      hint: `goml inspect ${options.model} --group NAME --${FLAGS[ofOne]} prints it of one`,
    });
  const progress = progressBar("reading");
  const fitted = await fitGroupsCsv(data, {
    ...modelOptions(options),
    time: options.time,
    unit: options.unit,
    groupBy,
    testSize: options.testSize,
    firstRow: options.firstRow,
    shardId: options.shardId,
    shard: options.shard,
    quotedLines: options.quotedLines,
    inEngine: options.inEngine,
    iv: options.iv,
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
  if (options.effects !== undefined && models.spec.absorbed === undefined)
    throw new UsageError("--effects goes with --absorb, and no effects were absorbed");
  if (options.format !== undefined) refuseTooMany(models.models.size, options.format);
  await writeJson(options.model, models.document(), { signal, threads: options.threads });
  if (options.output !== undefined)
    await writeLines(options.output, groupCoefficientsCsv(models, options.level), signal);
  if (options.effects !== undefined) await writeLines(options.effects, groupEffectsCsv(models), signal);
  if (options.quiet) return 0;
  if (options.format !== undefined) {
    const all = [...models.models].map(([name, model]) => ({ name, model }));
    await printModelTable(all, options.format, { level: options.level, notes });
    return 0;
  }
  const report = { models, rows, dropped, excluded, test, notes, timing };
  if (options.json) {
    const document = groupsDocument(report, {
      path: options.model,
      data: data.map(shownPath).join(" "),
      level: options.level,
    });
    print(`${JSON.stringify({ goml: version, command: "train", ...document }, null, 2)}\n`);
  } else print(renderGroups(report, { path: options.model, written: true }));
  return 0;
}
