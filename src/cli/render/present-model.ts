import { writeJson } from "../../linear/model/write-json.js";
import { version } from "../../version.js";
import type { CollinearityOptions } from "./collinearity.js";
import { screen } from "./colour.js";
import type { ModelReport } from "./model-report.js";
import { print } from "./print.js";
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

/** What a command says that made a model and was not told where to write it. */
export const NOT_WRITTEN = "the model is not written: -o FILE keeps it\n";

/** Writes the model where it is to be written, then prints its summary, or the document of it with `extra` parts. */
export async function presentModel(
  command: string,
  report: ModelReport,
  options: PresentOptions,
  details: {
    signal: AbortSignal;
    path?: string | undefined;
    before?: string;
    extra?: object;
    /** See `writeJson`. */
    check?: (() => void) | undefined;
    /** Whether the file that is written is one that was read. */
    inPlace?: boolean;
  },
): Promise<void> {
  const model = options.model ?? options.output;
  const { signal, check, inPlace = false } = details;
  if (model !== undefined) await writeJson(model, report.model.document(), { signal, check });
  if (options.quiet) return;
  const { path, before = "", extra } = details;
  if (options.json) {
    const parts = { ...options, model, path };
    const document = { goml: version, command, ...extra, ...summaryDocument(report, parts) };
    print(`${JSON.stringify(document, null, 2)}\n`);
  } else {
    const summary = renderSummary(report, { ...options, model, inPlace }, screen.columns);
    print(`${before}${summary}${model === undefined && command !== "inspect" ? NOT_WRITTEN : ""}`);
  }
}
