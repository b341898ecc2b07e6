import { writeFileAtomic } from "../../../csv/write.js";
import { ModelError, UsageError } from "../../../errors.js";
import { namedTwice, refuseOverwriting } from "../../../files/same-file.js";
import { shownPath } from "../../../files/shown-path.js";
import { MOST_BYTES } from "../../../linear/model/model-file.js";
import { writeJson } from "../../../linear/model/write-json.js";
import type { Sites } from "../../../machine/index.js";
import { expandPaths } from "../../../sources/paths.js";
import type { FitCsvOptions } from "../../../training/fit-options.js";
import type { CsvFit } from "../../../training/fit-target.js";
import { type CsvTargetsFit, fitTargetsCsv } from "../../../training/fit-targets-csv.js";
import { version } from "../../../version.js";
import { modelOptions } from "../../program/model-options.js";
import { progressBar } from "../../program/progress.js";
import { vcovOptions } from "../../program/vcov-options.js";
import { coefficientsCsv, effectsCsv } from "../../render/coefficients-csv.js";
import { screen } from "../../render/colour.js";
import { modelName, printModelTable } from "../../render/model-table.js";
import { print } from "../../render/print.js";
import { renderSummary } from "../../render/summary.js";
import { summaryDocument } from "../../render/summary-document.js";
import { trainGroups } from "./groups.js";
import type { TrainOptions } from "./options.js";

/** `goml train`: fits, writes the model, prints the summary. */
export async function train(
  given: readonly string[],
  asked: Omit<TrainOptions, "model"> & { model?: string },
  signal: AbortSignal,
): Promise<number> {
  checkRanks(asked);
  if (asked.ranks !== undefined) {
    const { startsRanks, runLocally } = await import("../../program/as-rank.js");
    if (startsRanks(asked)) return runLocally(asked, signal);
  }
  const data = expandPaths(given);
  // Shards side by side must not write over each other.
  const { shard } = asked;
  const own = shard === undefined ? "model.json" : `model.${shard.number}-of-${shard.of}.json`;
  const options = { ...asked, model: asked.model ?? own };
  refuseOverwriting(
    [
      { path: options.model, what: "the model" },
      { path: options.output, what: "the table of coefficients" },
      { path: options.effects, what: "the absorbed effects" },
      { path: options.report, what: "the report" },
    ],
    data.map((path) => ({ path, what: "the data" })),
  );
  const twice = namedTwice(data);
  if (twice !== undefined)
    throw new UsageError(`${twice[0]} is named twice: its rows would count twice`, {
      hint: "name each file once",
    });
  if (options.report !== undefined && data.includes("-"))
    throw new UsageError("--report reads the rows once more, and standard input can be read once", {
      hint: "train on a file",
    });
  if (options.report !== undefined && shard !== undefined)
    throw new UsageError("--report shows all rows of the data, and --shard fits some of them", {
      hint: "goml merge, then goml report of the whole model",
    });
  if (options.format !== undefined && options.json)
    throw new UsageError("--format and --json print the model in two ways", {
      hint: "leave one of them out",
    });
  if (options.window !== undefined) {
    const { trainWindows } = await import("./windows.js");
    return trainWindows(data, { ...options, window: options.window, named: asked.model }, signal);
  }
  for (const name of ["expanding", "step"] as const)
    if (options[name] !== undefined)
      throw new UsageError(`--${name} goes with --window`, { hint: "add --window and a number of rows" });
  if (options.groupBy === undefined) return trainOne(data, options, signal);
  const code = await trainGroups(data, { ...options, groupBy: options.groupBy }, signal);
  if (options.report !== undefined) await reportOn(data, options, options.report, signal);
  return code;
}

async function reportOn(
  data: readonly string[],
  options: TrainOptions,
  output: string,
  signal: AbortSignal,
): Promise<void> {
  // A file of its own, loaded where it is asked for.
  const { report } = await import("../report/run.js");
  await report(data, { ...options, output, unseen: "fail" as const }, signal);
}

/** Fits one model, or one for each of several targets. */
async function trainOne(
  data: readonly string[],
  options: TrainOptions,
  signal: AbortSignal,
): Promise<number> {
  const { ranks, report } = options;
  if (ranks === undefined) {
    const found = await fitted(data, options, signal);
    const [fit, ...others] = found.fits;
    if (others.length === 0) {
      const code = await tell(data, options, fit!, signal);
      if (report !== undefined) await reportOn(data, options, report, signal);
      return code;
    }
    const { targetPaths, tellTargets } = await import("./targets.js");
    const code = await tellTargets(data, options, found, signal);
    if (report !== undefined) {
      const names = found.fits.map(({ model }) => model.target);
      const models = targetPaths(options.model, names);
      for (const [t, page] of targetPaths(report, names).entries())
        await reportOn(data, { ...options, model: models[t]! }, page, signal);
    }
    return code;
  }
  const { asRank } = await import("../../program/as-rank.js");
  const found = await asRank(options, signal, async (sites) => {
    const { fits } = await fitted(data, options, signal, sites);
    return sites.rank === 0 ? fits[0] : undefined;
  });
  return found === undefined ? 0 : tell(data, options, found, signal);
}

/** Ranks descend; what others do is done by threads. */
function checkRanks({
  ranks,
  solver,
  groupBy,
  machine,
  report,
}: Pick<TrainOptions, "ranks" | "solver" | "groupBy" | "machine" | "report">): void {
  if (ranks === undefined) return;
  if (solver !== "gd")
    throw new UsageError("--ranks goes with --solver gd", {
      hint: "other solvers read parts of a file on several machines by --shard",
    });
  if (groupBy !== undefined) throw new UsageError("--ranks fits one model, and --group-by many");
  if (machine === "tape")
    throw new UsageError("--ranks goes with the go machine", { hint: "leave out --machine tape" });
  if (report !== undefined)
    throw new UsageError("--report reads the rows once more, which ranks do not", {
      hint: "goml report, then",
    });
}

async function fitted(
  data: readonly string[],
  options: TrainOptions,
  signal: AbortSignal,
  sites?: Sites,
): Promise<CsvTargetsFit> {
  const progress = progressBar("reading");
  try {
    return await fitTargetsCsv(data, {
      ...modelOptions(options),
      ...vcovOptions(options),
      cv: options.cv,
      keepMeat: options.keepMeat,
      level: options.level,
      testSize: options.testSize,
      conformal: options.conformal,
      conformalBy: options.conformalBy,
      calibration: options.calibration,
      firstRow: options.firstRow,
      shardId: options.shardId,
      shard: options.shard,
      quotedLines: options.quotedLines,
      inEngine: options.inEngine,
      iv: options.iv,
      solver: options.solver,
      descent: { ...descentOptions(options), sites },
      threads: options.threads,
      fileBytes: MOST_BYTES,
      callerWorks: true,
      signal,
      onProgress: progress.update,
    });
  } finally {
    progress.end();
  }
}

/** Writes the model, and prints what was asked for. */
async function tell(
  data: readonly string[],
  options: TrainOptions,
  fitted: CsvFit,
  signal: AbortSignal,
): Promise<number> {
  const { model } = fitted;
  if (options.strict && model.aliased.length > 0)
    throw new ModelError(`these terms depend linearly on terms before them: ${model.aliased.join(", ")}`, {
      hint: "leave them out with --exclude, or train without --strict",
    });
  if (options.report !== undefined) {
    const { checkDiagnosable } = await import("../../../prediction/diagnosed-rows.js");
    checkDiagnosable(model);
  }
  if (options.effects !== undefined && model.absorbed === undefined)
    throw new UsageError("--effects goes with --absorb, and no effects were absorbed");
  let summary: string | undefined;
  const summarize = () => {
    summary ??= textOf(data, options, fitted);
  };
  const plain = !options.quiet && options.format === undefined;
  await writeJson(options.model, model.document(), {
    signal,
    threads: options.threads,
    meanwhile: plain ? summarize : undefined,
  });
  if (options.output !== undefined)
    await writeFileAtomic(options.output, coefficientsCsv(model.summary(options.level).coefficients));
  if (options.effects !== undefined) await writeFileAtomic(options.effects, effectsCsv(model.effects));
  if (options.quiet) return 0;
  if (options.format !== undefined)
    await printModelTable([{ name: modelName(options.model), model }], options.format, {
      level: options.level,
      notes: fitted.notes,
    });
  else {
    summarize();
    print(summary!);
  }
  return 0;
}

/** The summary of a fit, as it is asked for. */
function textOf(data: readonly string[], options: TrainOptions, fitted: CsvFit): string {
  if (!options.json) return renderSummary(fitted, options, screen.columns);
  const document = summaryDocument(fitted, { ...options, path: data.map(shownPath).join(" ") });
  return `${JSON.stringify({ goml: version, command: "train", ...document }, null, 2)}\n`;
}

/** The options that gradient descent takes; with another solver they would be without effect, and are refused. */
function descentOptions({ solver, ...options }: TrainOptions): FitCsvOptions["descent"] {
  const { machine, rate, momentum, tolerance, maxIterations } = options;
  const descent = { machine, rate, momentum, tolerance, "max-iterations": maxIterations };
  const given = Object.entries(descent).find(([, value]) => value !== undefined);
  if (given === undefined || solver === "gd") return { machine, rate, momentum, tolerance, maxIterations };
  throw new UsageError(`--${given[0]} goes with --solver gd, the solver is ${solver}`);
}
