import { fstatSync, type Stats, statSync } from "node:fs";
import { openSource } from "../../../csv/open-source.js";
import type { Source } from "../../../csv/source.js";
import { openStandardInput } from "../../../csv/standard-input.js";
import { DataError, UsageError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { isSurelyModelFile } from "../../../linear/model/is-model-file.js";
import type { LinearModel } from "../../../linear/model/model.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { ModelGroup } from "../../../linear/model/model-group.js";
import type { DataSource } from "../../../linear/model/model-parts.js";
import { isTrainedOn } from "../../../prediction/own-file.js";
import { defaultThreads, predictCsv } from "../../../prediction/predict-csv.js";
import { openAllData } from "../../../sources/open-data.js";
import { withSources } from "../../../sources/tables.js";
import { version } from "../../../version.js";
import { wording } from "../../../wording.js";
import { readNamed } from "../../program/model-option.js";
import { progressBar } from "../../program/progress.js";
import { readingOptions } from "../../program/reading-options.js";
import { count, milliseconds, significant } from "../../render/numbers.js";
import { printError } from "../../render/print.js";
import { predictByUrl } from "./by-url.js";
import { predictByEngine } from "./in-engine.js";
import { isOnnx, predictOnnx } from "./onnx.js";
import { AUTO_BYTES, type PredictOptions } from "./options.js";
import { AS_SET, checkSet, rowOfSet } from "./set-row.js";

/** `goml predict`: CSV to CSV; metrics and timing go to standard error, which leaves standard output to the data. */
export async function predict(
  given: readonly string[],
  options: PredictOptions,
  signal: AbortSignal,
): Promise<number> {
  const { data, others } = await withoutModels(given);
  if (others.length > 0 && (options.inEngine || options.url !== undefined || isOnnx(options.model)))
    throw new UsageError(`one model predicts here, and ${others.join(", ")} follows`, {
      hint: "name one",
    });
  if (options.inEngine) return predictByEngine(data, options, signal);
  refuseOverwriting(
    [{ path: options.output ?? "-", what: "the predictions" }],
    [
      ...(data.length > 0 ? data : ["-"]).map((path) => ({ path, what: "the data" })),
      ...(options.url === undefined ? [{ path: options.model, what: "the model" }] : []),
      ...others.map((path) => ({ path, what: "the model" })),
    ],
  );
  if (options.url !== undefined) return predictByUrl(options.url, data, options, signal);
  if (isOnnx(options.model)) {
    return withSources(data.length > 0 ? data : ["-"], signal, (sources) =>
      predictOnnx(sources, options, signal),
    );
  }
  const model = await readNamed(options.model, readAnyModel, { trust: options.trust, signal });
  const beside: LinearModel[] = [];
  for (const path of others) {
    const other = await readNamed(path, readAnyModel, { trust: options.trust, signal });
    if (other instanceof ModelGroup)
      throw new UsageError(`${path} holds models by group, which predict by themselves`);
    beside.push(other);
  }
  const setting = Object.keys(options.set).length > 0;
  if (setting) checkSet(options.set, model);
  const sources = setting
    ? [rowOfSet(options.set, data)]
    : data.length > 0
      ? await openAllData(data, signal)
      : [await openDefault(model, options, signal)];
  const progress = progressBar("predicting");
  try {
    const result = await predictCsv(model, sources, {
      ...readingOptions(options),
      ...(setting ? AS_SET : {}),
      beside,
      output: options.output,
      append: options.append,
      excelSafe: options.excelSafe,
      interval: options.interval,
      level: options.level,
      stdError: options.se,
      terms: options.terms,
      unseen: options.unseen,
      threads: threadsOf(options.concurrent, sources),
      machine: options.machine,
      callerWorks: true,
      signal,
      onProgress: progress.update,
    }).finally(progress.end);
    if (options.quiet) return 0;
    const { rows, missing, outside, excluded, notes, metrics, timing } = result;
    const path = sources.map(({ name }) => name).join(" ");
    if (options.json) {
      const document = {
        goml: version,
        command: "predict",
        data: {
          path,
          rows,
          missing,
          ...(outside > 0 ? { outside } : {}),
          ...(excluded > 0 ? { excluded } : {}),
        },
        ...(notes.length > 0 ? { notes } : {}),
        metrics,
        timing,
      };
      printError(`${JSON.stringify(document, null, 2)}\n`);
      return 0;
    }
    const of = sources.length > 1 ? `${sources.length} files` : path;
    const parts = [`${count(rows)} ${rows === 1 ? "row" : "rows"} of ${of}`];
    if (excluded > 0) parts.push(`${count(excluded)} left out by --where`);
    if (missing > 0) parts.push(`${count(missing)} NA for missing cells`);
    if (outside > 0) parts.push(`${count(outside)} NA outside what the training data determine`);
    if (metrics !== undefined)
      parts.push(`MSE ${significant(metrics.mse)}`, `extractAIC ${significant(metrics.aicExtract)}`);
    parts.push(
      `${milliseconds(timing.totalMs)} on ${timing.threads} ${timing.threads === 1 ? "thread" : "threads"}`,
    );
    printError(`${[parts.join(", "), ...notes.map((note) => `note: ${note}`)].join("\n")}\n`);
    return 0;
  } finally {
    for (const source of sources) await source.close();
  }
}

/** The data, and the models of further targets before them. */
async function withoutModels(words: readonly string[]): Promise<{ data: string[]; others: string[] }> {
  let count = 0;
  while (count < words.length && (await isSurelyModelFile(words[count]!))) count++;
  return { data: words.slice(count), others: words.slice(0, count) };
}

/** How long nothing may come through an open pipe or socket before something is said or done about it. */
const IDLE_MS = 2000;

/**
 * Standard input, where something is in it. Waiting for a pipe is said after a while, for it could look as if goml
 * hung. A socket, which only a program that started goml can have made (Node gives each child one, and often never
 * writes to it or closes it), counts as empty then.
 */
async function openWaitingInput(signal: AbortSignal): Promise<Source | undefined> {
  const idle = new AbortController();
  const timer = setTimeout(() => {
    if (fstatSync(0).isSocket()) idle.abort();
    else printError("note: waiting for standard input; name a file to predict that: goml predict data.csv\n");
  }, IDLE_MS);
  try {
    return await openStandardInput(AbortSignal.any([signal, idle.signal]));
  } catch (error) {
    if (!idle.signal.aborted || signal.aborted) throw error;
    printError("note: nothing came through standard input\n");
    process.stdin.destroy();
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function threadsOf(concurrent: PredictOptions["concurrent"], sources: readonly Source[]): number {
  if (concurrent === undefined) return 0;
  if (concurrent === true) return defaultThreads();
  if (concurrent !== "auto") return concurrent;
  // The size of a stream is not known: taken for large, for it costs little where it is small.
  const sizes = sources.map(({ fingerprint }) => fingerprint?.size ?? Number.POSITIVE_INFINITY);
  const size = sizes.reduce((sum, one) => sum + one, 0);
  return size < AUTO_BYTES || defaultThreads() === 1 ? 0 : defaultThreads();
}

/**
 * Standard input where it is a pipe, a file or a socket with something in it, else the file that the model was trained
 * on: so that `goml predict` right after `goml train` just works, in CI too.
 *
 * A model may come from anybody and name any file. So that file is read only where its content is what the model says:
 * nobody can have it print one that he does not know already.
 */
async function openDefault(
  model: Pick<LinearModel, "source">,
  options: PredictOptions,
  signal: AbortSignal,
): Promise<Source> {
  const input = await openWaitingInput(signal);
  if (input !== undefined) return input;
  if (model.source === undefined)
    throw new UsageError("there is nothing to predict: no file, and nothing on standard input", {
      hint: "the model was not trained on a file; name one: goml predict data.csv",
    });
  const { path } = model.source;
  refuseOverwriting(
    [{ path: options.output, what: "the predictions" }],
    [{ path, what: "the training data" }],
  );
  const source = await openUnchanged(model.source, signal);
  if (source !== undefined) return source;
  throw new DataError("it is not the file that the model was trained on, or has changed since", {
    place: { file: path },
    hint: "name the file to predict: goml predict data.csv",
  });
}

/** Opens the file that a model was trained on; undefined where it is not that file any more. */
async function openUnchanged(known: DataSource, signal: AbortSignal): Promise<Source | undefined> {
  const { path, size } = known;
  let stats: Stats | undefined;
  try {
    stats = statSync(path);
  } catch {
    // Opening it says what is wrong.
  }
  if (stats !== undefined && !(stats.isFile() && stats.size === size)) return undefined;
  let source: Source;
  try {
    source = await openSource(path, signal);
  } catch (cause) {
    if (!(cause instanceof DataError)) throw cause;
    throw new DataError(wording`${cause.words.message} (the file that the model was trained on)`, {
      hint: "name the file to predict: goml predict data.csv",
      cause,
    });
  }
  let same = false;
  try {
    same = await isTrainedOn(known, source);
  } finally {
    if (!same) await source.close();
  }
  return same ? source : undefined;
}
