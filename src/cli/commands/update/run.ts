import { readModel } from "../../../linear/model/model-file.js";
import { withPauses } from "../../../parallel/steps.js";
import { updateCsv } from "../../../training/update-csv.js";
import { progressBar } from "../../program/progress.js";
import { type ReadingFlags, readingOptions } from "../../program/reading-options.js";
import { reportSteps } from "../../render/model-report.js";
import { count } from "../../render/numbers.js";
import { type PresentOptions, presentModel } from "../../render/present-model.js";

/** The options of `goml update`, as commander gives them. */
export interface UpdateOptions extends ReadingFlags, PresentOptions {
  na: "omit" | "fail";
  threads?: number;
}

/** `goml update`: adds the rows of a CSV to a model, reading only those. */
export async function update(
  path: string,
  options: UpdateOptions,
  signal: AbortSignal,
  [, data]: readonly string[],
): Promise<number> {
  const model = await readModel(path);
  const progress = progressBar("reading");
  const updated = await updateCsv(model, data!, {
    ...readingOptions(options),
    na: options.na,
    threads: options.threads,
    callerWorks: true,
    signal,
    onProgress: progress.update,
  }).finally(progress.end);
  const { rows, dropped, excluded } = updated;
  const name = data === "-" ? "standard input" : data;
  const written = { ...options, model: options.model ?? options.output ?? path };
  const report = await withPauses(reportSteps(updated.model, updated.notes), { signal });
  await presentModel("update", report, written, {
    path: data,
    before: `${count(rows - dropped - excluded)} rows of ${name} added to ${count(model.n)}\n\n`,
    extra: {
      added: { path: data, rows, dropped, ...(excluded > 0 ? { excluded } : {}) },
      before: { path, n: model.n },
    },
  });
  return 0;
}
