import { openStandardInput } from "../../../csv/standard-input.js";
import { UsageError } from "../../../errors.js";
import { predictUrl } from "../../../prediction/predict-url.js";
import { openAllData } from "../../../sources/open-data.js";
import { version } from "../../../version.js";
import { progressBar } from "../../program/progress.js";
import { readingOptions } from "../../program/reading-options.js";
import { count, milliseconds } from "../../render/numbers.js";
import { printError } from "../../render/print.js";
import type { PredictOptions } from "./options.js";
import { AS_SET, rowOfSet } from "./set-row.js";

/** `goml predict --url`: the same output, from a server's model. */
export async function predictByUrl(
  url: string,
  data: readonly string[],
  options: PredictOptions,
  signal: AbortSignal,
): Promise<number> {
  refuseLocal(options);
  const setting = Object.keys(options.set).length > 0;
  const input = data.length === 0 && !setting ? await openStandardInput(signal) : undefined;
  const sources = setting
    ? [rowOfSet(options.set, data)]
    : input !== undefined
      ? [input]
      : await openAllData(data, signal);
  if (sources.length === 0)
    throw new UsageError("there is nothing to predict: no file, and nothing on standard input", {
      hint: "name the file: goml predict data.csv --url …",
    });
  const progress = progressBar("predicting");
  try {
    const result = await predictUrl(url, sources, {
      ...readingOptions(options),
      ...(setting ? AS_SET : {}),
      output: options.output,
      append: options.append,
      excelSafe: options.excelSafe,
      token: process.env.GOML_TOKEN,
      timeout: options.timeout === undefined ? undefined : Math.max(1, Math.round(options.timeout * 1000)),
      window: typeof options.concurrent === "number" ? options.concurrent : undefined,
      signal,
      onProgress: progress.update,
    }).finally(progress.end);
    if (options.quiet) return 0;
    const { rows, missing, batches, retries, totalMs } = result;
    const path = sources.map(({ name }) => name).join(" ");
    if (options.json) {
      const document = {
        goml: version,
        command: "predict",
        data: { path, rows, missing },
        server: { url, batches, retries },
        timing: { totalMs },
      };
      printError(`${JSON.stringify(document, null, 2)}\n`);
      return 0;
    }
    const of = sources.length > 1 ? `${sources.length} files` : path;
    const parts = [`${count(rows)} ${rows === 1 ? "row" : "rows"} of ${of}`];
    if (missing > 0) parts.push(`${count(missing)} NA for missing cells`);
    parts.push(`${count(batches)} ${batches === 1 ? "batch" : "batches"}`);
    if (retries > 0) parts.push(`${count(retries)} sent again`);
    parts.push(milliseconds(totalMs));
    printError(`${parts.join(", ")}\n`);
    return 0;
  } finally {
    for (const source of sources) await source.close();
  }
}

/** What needs the model itself, and not only its predictions. */
function refuseLocal({ interval, se, terms, machine, where, id }: PredictOptions): void {
  const local = [
    ...(where !== undefined ? ["--where"] : []),
    ...(id !== undefined ? ["--id"] : []),
    ...(interval !== "none" ? ["--interval"] : []),
    ...(se ? ["--se"] : []),
    ...(terms ? ["--terms"] : []),
    ...(machine !== undefined ? ["--machine"] : []),
  ];
  if (local.length > 0)
    throw new UsageError(
      `${local.join(", ")} cannot be had from a server, only predictions of all rows can`,
      {
        hint: "leave --url out, and name the model with --model",
      },
    );
}
