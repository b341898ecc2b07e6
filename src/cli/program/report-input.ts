import { createHash } from "node:crypto";
import { UsageError } from "../../errors.js";
import { LinearModel } from "../../linear/model/model.js";
import { readAnyModel } from "../../linear/model/model-file.js";
import type { ModelGroup } from "../../linear/model/model-group.js";
import { withPauses } from "../../parallel/with-pauses.js";
import type { DiagnoseCsvOptions } from "../../prediction/diagnosed-rows.js";
import { type ReadRows, readRows } from "../../report/read-rows.js";
import type { Reported } from "../../report/report.js";
import { version } from "../../version.js";
import { crossValidationSteps } from "../render/model-report.js";
import { readNamed } from "./model-option.js";
import { type GroupOption, groupsOrOne } from "./one-of-groups.js";
import { progressBar } from "./progress.js";
import { type ReadingFlags, readingOptions } from "./reading-options.js";

/** The options that commands of reports have in common. */
export interface ReportFlags extends ReadingFlags, GroupOption {
  model: string;
  threads?: number;
  unseen: "fail" | "na";
  trust?: boolean;
}

/** Refuses what has no coefficients to report of. @throws UsageError */
export function refuseOnnx(model: string, command: string): void {
  if (/\.onnx$/i.test(model))
    throw new UsageError(`goml ${command} takes models of goml, and ${model} is an ONNX model`, {
      hint: `goml graph ${model} draws it`,
    });
}

/** Reads the model, and the rows where data are named, and cross-validates from the folds. */
export async function gather(
  path: string,
  data: readonly string[],
  options: ReportFlags,
  signal: AbortSignal,
): Promise<Reported> {
  const found = await readNamed(path, readAnyModel, { trust: options.trust, signal });
  return gatherOf(groupsOrOne(found, path, options.group), { path, data, options, signal });
}

/** The same of a model that is there. */
async function gatherOf(
  model: LinearModel | ModelGroup,
  of: { path: string; data: readonly string[]; options: Omit<ReportFlags, "model">; signal: AbortSignal },
): Promise<Reported> {
  const { path, data, options, signal } = of;
  const progress = progressBar("reading");
  const how: DiagnoseCsvOptions = {
    ...readingOptions(options),
    threads: options.threads,
    callerWorks: true,
    unseen: options.unseen,
    signal,
    onProgress: progress.update,
  };
  let rows: ReadRows | undefined;
  if (data.length > 0) rows = await readRows(model, data, how).finally(progress.end);
  const cv =
    model instanceof LinearModel ? await withPauses(crossValidationSteps(model), { signal }) : undefined;
  return {
    model,
    path,
    rows,
    data: data.length === 0 ? undefined : data.join(" "),
    cv,
    made: [
      ["fingerprint of θ", fingerprint(model)],
      ["goml", version],
    ],
  };
}

/** SHA-256 of the bits of all coefficients: what two machines compare. */
function fingerprint(model: LinearModel | ModelGroup): string {
  const hash = createHash("sha256");
  const add = (theta: Float64Array) => {
    const view = new DataView(new ArrayBuffer(8));
    for (const value of theta) {
      // Little-endian on any machine, and one NaN.
      view.setFloat64(0, Number.isNaN(value) ? Number.NaN : value, true);
      hash.update(new Uint8Array(view.buffer));
    }
  };
  if (model instanceof LinearModel) add(model.coefficients);
  else for (const one of model.models.values()) add(one.coefficients);
  return `${hash.digest("hex").slice(0, 32)}, the same for any number of threads`;
}
