import { UsageError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { shownPath } from "../../../files/shown-path.js";
import { MOST_BYTES, readAnyModel } from "../../../linear/model/model-file.js";
import { ModelGroup } from "../../../linear/model/model-group.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import { updateCsv } from "../../../training/update-csv.js";
import { updateGroupsCsv } from "../../../training/update-groups-csv.js";
import { changing } from "../../program/in-place.js";
import { keepRobust } from "../../program/keep-robust.js";
import { progressBar } from "../../program/progress.js";
import { type ReadingFlags, readingOptions } from "../../program/reading-options.js";
import { rowsOf } from "../../render/group-report.js";
import { reportSteps } from "../../render/model-report.js";
import { count } from "../../render/numbers.js";
import { presentGroups } from "../../render/present-groups.js";
import { type PresentOptions, presentModel } from "../../render/present-model.js";

/** The options of `goml update`, as commander gives them. */
export interface UpdateOptions extends ReadingFlags, PresentOptions {
  na: "omit" | "fail";
  threads?: number;
  again?: boolean;
  decay?: number;
  trust?: boolean;
  vcov?: "iid";
}

/** `goml update`: adds the rows of a CSV to a model, reading only those. */
export async function update(
  path: string,
  options: UpdateOptions,
  signal: AbortSignal,
  [, ...data]: readonly string[],
): Promise<number> {
  const asked = options.model ?? options.output;
  refuseOverwriting(
    [{ path: asked ?? path, what: "the updated model" }],
    data.map((path) => ({ path, what: "the data" })),
  );
  return changing(path, asked, signal, async ({ target, inPlace, check }) => {
    const model = await readAnyModel(path, { trust: options.trust, signal });
    if (model instanceof ModelGroup && options.decay !== undefined)
      throw new UsageError("--decay is for one model, and these are models by group");
    if (model instanceof ModelGroup) {
      await updateGroups(model, path, data, { ...options, model: target }, { signal, check });
      return 0;
    }
    if (inPlace) keepRobust(model, path, "update", options.vcov);
    const progress = progressBar("reading");
    const asked = options.vcov === "iid" ? model.withKeptMeat(undefined) : model;
    const updated = await updateCsv(asked, data, {
      ...readingOptions(options),
      na: options.na,
      threads: options.threads,
      again: options.again,
      decay: options.decay,
      fileBytes: MOST_BYTES,
      callerWorks: true,
      signal,
      onProgress: progress.update,
    }).finally(progress.end);
    if (inPlace) keepRobust(model, path, "update", options.vcov, updated.model);
    const { rows, dropped, excluded } = updated;
    const name = data.map((one) => (one === "-" ? "standard input" : shownPath(one))).join(", ");
    const report = await withPauses(reportSteps(updated.model, updated.notes), { signal });
    await presentModel(
      "update",
      report,
      { ...options, model: target },
      {
        signal,
        check,
        inPlace,
        path: data.map(shownPath).join(" "),
        before: `${count(rows - dropped - excluded)} rows of ${name} added to ${count(model.n)}\n\n`,
        extra: {
          added: {
            path: data.map(shownPath).join(" "),
            rows,
            dropped,
            ...(excluded > 0 ? { excluded } : {}),
          },
          before: { path, n: model.n },
        },
      },
    );
    return 0;
  });
}

/** The same of models by group. */
async function updateGroups(
  models: ModelGroup,
  path: string,
  data: readonly string[],
  options: UpdateOptions,
  { signal, check }: { signal: AbortSignal; check: (() => void) | undefined },
): Promise<void> {
  const progress = progressBar("reading");
  const updated = await updateGroupsCsv(models, data, {
    ...readingOptions(options),
    na: options.na,
    threads: options.threads,
    again: options.again,
    fileBytes: MOST_BYTES,
    callerWorks: true,
    signal,
    onProgress: progress.update,
  }).finally(progress.end);
  const { rows, dropped, excluded, notes } = updated;
  const name = data.map((one) => (one === "-" ? "standard input" : shownPath(one))).join(", ");
  const n = rowsOf(models);
  await presentGroups("update", updated.models, options, {
    signal,
    check,
    notes,
    data: data.map(shownPath).join(" "),
    before: `${count(rows - dropped - excluded)} rows of ${name} added to ${count(n)}\n\n`,
    extra: {
      added: { path: data.map(shownPath).join(" "), rows, dropped, ...(excluded > 0 ? { excluded } : {}) },
      before: { path, n },
    },
  });
}
