import { refuseOverwriting } from "../../../files/same-file.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import { pageSteps, type Reported } from "../../../report/report.js";
import { expandPaths } from "../../../sources/paths.js";
import { gather, type ReportFlags, refuseOnnx } from "../../program/report-input.js";
import { sayWritten, writePage } from "../../program/write-page.js";

/** The options of `goml report`, as commander gives them. */
export interface ReportOptions extends ReportFlags {
  output: string;
  quiet?: boolean;
}

/** `goml report`: a page of a model, and of rows where data are named. */
export async function report(
  paths: readonly string[],
  options: ReportOptions,
  signal: AbortSignal,
): Promise<number> {
  const { output, quiet } = options;
  const path = options.model;
  refuseOnnx(path, "report");
  const data = expandPaths(paths);
  refuseOverwriting(
    [{ path: output, what: "the report" }],
    [...data.map((one) => ({ path: one, what: "the data" })), { path, what: "the model" }],
  );
  const size = await writeReport(output, await gather(path, data, options, signal), signal);
  if (!quiet) sayWritten(output, size);
  return 0;
}

/** Writes the page of a report; gives its bytes. */
export async function writeReport(output: string, of: Reported, signal: AbortSignal): Promise<number> {
  return writePage(output, await withPauses(pageSteps(of), { signal }));
}
