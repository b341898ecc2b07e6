import { writeJson } from "../../linear/model/write-json.js";
import { version } from "../../version.js";
import type { CollinearityOptions } from "./collinearity.js";
import type { ModelReport } from "./model-report.js";
import { renderSummary } from "./summary.js";
import { summaryDocument } from "./summary-document.js";

/** How a model that a command made is written and shown. */
export interface PresentOptions extends CollinearityOptions {
  /** Where to write it, if anywhere. */
  model?: string | undefined;
  /** The same. */
  output?: string | undefined;
  level: number;
  json?: boolean | undefined;
  quiet?: boolean | undefined;
}

/** Writes the model where it is to be written, then prints its summary, or the document of it with `extra` parts. */
export async function presentModel(
  command: string,
  report: ModelReport,
  options: PresentOptions,
  details: { path?: string | undefined; before?: string; extra?: object } = {},
): Promise<void> {
  const model = options.model ?? options.output;
  if (model !== undefined) await writeJson(model, report.model.document());
  if (options.quiet) return;
  const { path, before = "", extra } = details;
  if (options.json) {
    const parts = { ...options, model, path };
    const document = { goml: version, command, ...extra, ...summaryDocument(report, parts) };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  } else {
    const summary = renderSummary(report, { ...options, model }, process.stdout.columns ?? Infinity);
    process.stdout.write(`${before}${summary}`);
  }
}
