import { writeFileAtomic } from "../../../csv/write.js";
import { UsageError } from "../../../errors.js";
import { shownPath } from "../../../files/shown-path.js";
import type { LinearModel } from "../../../linear/model/model.js";
import { fitCsv } from "../../../training/fit-csv.js";
import type { WindowFit } from "../../../training/windows.js";
import { version } from "../../../version.js";
import { modelOptions } from "../../program/model-options.js";
import { progressBar } from "../../program/progress.js";
import { windowsCsv } from "../../render/coefficients-csv.js";
import { colour } from "../../render/colour.js";
import { moreLines, shownOf } from "../../render/long-list.js";
import { alignedDecimals, count } from "../../render/numbers.js";
import { print } from "../../render/print.js";
import { renderNotes } from "../../render/summary.js";
import { renderTable, setLines } from "../../render/table.js";
import type { TrainOptions } from "./options.js";

/** What says something of one model, and nothing of windows, by flag. */
const OF_A_MODEL = [
  ["groupBy", "group-by"],
  ["conformal", "conformal"],
  ["conformalBy", "conformal-by"],
  ["calibration", "calibration"],
  ["cv", "cv"],
  ["folds", "folds"],
  ["foldBy", "fold-by"],
  ["report", "report"],
  ["format", "format"],
  ["testSize", "test-size"],
  ["shard", "shard"],
  ["shardId", "shard-id"],
  ["firstRow", "first-row"],
  ["inEngine", "in-engine"],
  ["iv", "iv"],
  ["keepMeat", "keep-meat"],
  ["ssc", "ssc"],
  ["df", "df"],
  ["kernel", "kernel"],
  ["lag", "lag"],
  ["draw", "draw"],
  ["draws", "draws"],
  ["ranks", "ranks"],
  ["strict", "strict"],
  ["effects", "effects"],
  ["vcovMatrix", "vcov-matrix"],
  ["cluster", "cluster"],
  ["vif", "vif"],
  ["correlation", "correlation"],
  ["importance", "importance"],
] as const;

/** `goml train --window`: a row of coefficients for each window, as a table or with -o as CSV. */
export async function trainWindows(
  data: readonly string[],
  options: TrainOptions & { window: number; named: string | undefined },
  signal: AbortSignal,
): Promise<number> {
  const { window: rows, time, expanding, step, named, vcov = "iid", solver } = options;
  const other = OF_A_MODEL.find(([name]) => options[name] !== undefined);
  if (other !== undefined || vcov !== "iid" || (solver !== "auto" && solver !== "extended"))
    throw new UsageError(
      `--${other?.[1] ?? (vcov === "iid" ? "solver" : "vcov")} is of one model, and --window fits many`,
      { hint: "a window by itself is a model of some rows: --where" },
    );
  if (named !== undefined)
    throw new UsageError("--window gives coefficients, and makes no model", {
      hint: "write them as CSV with -o; a window by itself is a model of some rows: --where",
    });
  const progress = progressBar("reading");
  const { model, windows, notes } = await fitCsv(data, {
    ...modelOptions({ ...options, folds: 1 }),
    solver,
    window: { rows, time: time?.normalize("NFC"), expanding, step },
    unit: options.unit,
    weightsKind: options.weightsKind,
    threads: options.threads,
    callerWorks: true,
    signal,
    onProgress: progress.update,
  }).finally(progress.end);
  if (options.output !== undefined)
    await writeFileAtomic(options.output, [...windowsCsv(model.coefficientNames, windows!)].join(""));
  if (options.quiet) return 0;
  if (options.json) print(`${JSON.stringify(document(data, options, model, windows!, notes), null, 2)}\n`);
  else print(render(options, model, windows!, notes));
  return 0;
}

function document(
  data: readonly string[],
  { window, time, expanding = false, step = 1 }: TrainOptions,
  model: LinearModel,
  windows: readonly WindowFit[],
  notes: readonly string[],
) {
  const names = model.coefficientNames;
  return {
    goml: version,
    command: "train",
    data: { path: data.map(shownPath).join(" "), n: model.n },
    target: model.target,
    window: { rows: window, time, expanding, step },
    windows: windows.map(({ coefficients, ...one }) => ({
      ...one,
      coefficients: Object.fromEntries(names.map((name, j) => [name, coefficients[j]])),
    })),
    notes,
  };
}

function render(
  { window, time, expanding, output }: TrainOptions,
  model: LinearModel,
  windows: readonly WindowFit[],
  notes: readonly string[],
): string {
  const shown = shownOf([...windows]);
  const columns = model.coefficientNames.map((_, j) =>
    alignedDecimals(shown.map((one) => one.coefficients[j]!)),
  );
  const [sigmas, r2s] = [
    alignedDecimals(shown.map(({ sigma }) => sigma)),
    alignedDecimals(shown.map(({ r2 }) => r2)),
  ];
  const titles = ["from", "to", "rows", ...model.coefficientNames, "σ", "R²"];
  const rows = shown.map(({ first, last, n }, i) => [
    first,
    last,
    count(n),
    ...columns.map((column) => column[i]!),
    sigmas[i]!,
    r2s[i]!,
  ]);
  const how = expanding ? `growing from ${count(window!)} rows` : `of ${count(window!)} rows`;
  return `${setLines([
    ...renderNotes([...notes]),
    `${colour.bold(model.target)}: ${count(windows.length)} windows ${how}, in order of ${time ?? "the rows"}`,
    "",
    renderTable({
      titles,
      rows,
      align: titles.map((_, j) => (j < 2 ? ("left" as const) : ("right" as const))),
    }),
    ...moreLines(windows.length - shown.length, "windows"),
    ...(output === undefined ? [] : [colour.dim(`windows written to ${output}`)]),
  ])}\n`;
}
