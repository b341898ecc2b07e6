import type { ModelGroup } from "../../linear/model/model-group.js";
import { writeJson } from "../../linear/model/write-json.js";
import { version } from "../../version.js";
import { groupReportOf, groupsDocument, renderGroups } from "./group-report.js";
import { NOT_WRITTEN, type PresentOptions } from "./present-model.js";
import { print } from "./print.js";

/** `presentModel` of models by group: a line for each, or their documents. */
export async function presentGroups(
  command: string,
  models: ModelGroup,
  options: PresentOptions,
  details: {
    signal: AbortSignal;
    data?: string | undefined;
    notes?: string[];
    before?: string;
    extra?: object;
    /** See `writeJson`. */
    check?: (() => void) | undefined;
  },
): Promise<void> {
  const path = options.model ?? options.output;
  const { signal, check, data, notes = [], before = "", extra } = details;
  if (path !== undefined) await writeJson(path, models.document(), { signal, check });
  if (options.quiet) return;
  const report = { ...groupReportOf(models), notes };
  if (options.json) {
    const parts = groupsDocument(report, { path: path ?? "", data, level: options.level });
    print(`${JSON.stringify({ goml: version, command, ...extra, ...parts }, null, 2)}\n`);
  } else
    print(
      `${before}${renderGroups(report, { path: path ?? "", written: path !== undefined })}${
        path === undefined ? NOT_WRITTEN : ""
      }`,
    );
}
