import { UsageError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { shownPath } from "../../../files/shown-path.js";
import type { LinearModel } from "../../../linear/model/model.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { ModelGroup } from "../../../linear/model/model-group.js";
import { type Diagnosis, diagnoseCsv, type NamedRow } from "../../../prediction/diagnose-csv.js";
import { diagnoseGroupCsv, diagnoseGroupsCsv } from "../../../prediction/diagnose-groups-csv.js";
import { version } from "../../../version.js";
import { readNamed } from "../../program/model-option.js";
import { type GroupOption, oneOfGroups } from "../../program/one-of-groups.js";
import { progressBar } from "../../program/progress.js";
import { type ReadingFlags, readingOptions } from "../../program/reading-options.js";
import { colour } from "../../render/colour.js";
import { alignedDecimals, count, pValue, significant } from "../../render/numbers.js";
import { print } from "../../render/print.js";
import { renderNotes } from "../../render/summary.js";
import { renderTable, setLines } from "../../render/table.js";
import { placeOf, presentGroupsDiagnosis, renderQuantiles } from "./groups.js";

/** The options of `goml diagnose`, as commander gives them. */
export interface DiagnoseOptions extends ReadingFlags, GroupOption {
  model: string;
  output?: string;
  append?: boolean;
  augment?: boolean;
  dfbetas?: boolean;
  white?: boolean;
  lags?: number;
  top: number;
  threads?: number;
  excelSafe?: boolean;
  unseen: "fail" | "na";
  json?: boolean;
  quiet?: boolean;
  trust?: boolean;
}

/** `goml diagnose`: what the residuals say, the rows that stand out, and on demand every row's measures as CSV. */
export async function diagnose(
  data: readonly string[],
  options: DiagnoseOptions,
  signal: AbortSignal,
): Promise<number> {
  if (options.dfbetas && options.output === undefined)
    throw new UsageError("--dfbetas is written to the file of --output", {
      hint: "name the file: -o rows.csv",
    });
  if ((options.append || options.augment) && options.output === undefined)
    throw new UsageError(
      options.append
        ? "--append keeps the input's columns in the file of --output"
        : "--augment is how the file of --output is written",
      { hint: "name the file: -o rows.csv" },
    );
  refuseOverwriting(
    [{ path: options.output, what: "the rows' measures" }],
    [...data.map((path) => ({ path, what: "the data" })), { path: options.model, what: "the model" }],
  );
  const model = await readNamed(options.model, readAnyModel, { trust: options.trust, signal });
  const { group } = options;
  if (group !== undefined) oneOfGroups(model, options.model, group);
  const progress = progressBar("reading");
  const how = {
    ...readingOptions(options),
    output: options.output,
    append: options.append,
    augment: options.augment,
    dfbetas: options.dfbetas,
    white: options.white,
    lags: options.lags,
    excelSafe: options.excelSafe,
    top: options.top,
    threads: options.threads,
    callerWorks: true,
    unseen: options.unseen,
    signal,
    onProgress: progress.update,
  };
  if (model instanceof ModelGroup && group === undefined) {
    const found = await diagnoseGroupsCsv(model, data, how).finally(progress.end);
    presentGroupsDiagnosis(found, model, { ...options, data: data.map(shownPath).join(" ") });
    return 0;
  }
  const diagnosing =
    model instanceof ModelGroup ? diagnoseGroupCsv(model, group!, data, how) : diagnoseCsv(model, data, how);
  const found = await diagnosing.finally(progress.end);
  // The rows may go to standard output: the report then makes way.
  const stream = options.output === "-" ? process.stderr : process.stdout;
  if (options.json) {
    const { rows, dropped, outside, excluded, heldOut, ...rest } = found;
    const document = {
      goml: version,
      command: "diagnose",
      data: {
        path: data.map(shownPath).join(" "),
        rows,
        dropped,
        ...(outside > 0 ? { outside } : {}),
        ...(excluded > 0 ? { excluded } : {}),
        heldOut,
      },
      model: { path: options.model, target: model.target, ...(group === undefined ? {} : { group }) },
      ...rest,
    };
    print(`${JSON.stringify(document, null, 2)}\n`, stream);
  } else if (!options.quiet) print(renderDiagnosis(found, model), stream);
  return 0;
}

function renderDiagnosis(found: Diagnosis, model: LinearModel | ModelGroup): string {
  const { target } = model;
  const besides = model instanceof ModelGroup ? [] : model.targets.map(({ label }) => label);
  const why = besides.length === 0 ? "" : `, or lacking ${besides.join(", ")}`;

  const elsewhere =
    "these are not the rows of the fit: leverage and influence are what they would have in it";
  const lines = [
    ...renderNotes(found.ofFit ? [] : [elsewhere]),
    `${colour.bold(`Residuals of ${target}`)}, ${count(found.n)} of ${count(found.rows)} rows` +
      (found.outside > 0 ? `, ${count(found.outside)} outside what the model determines` : "") +
      (found.heldOut > 0 ? `, ${count(found.heldOut)} held out from the fit` : "") +
      (found.excluded > 0 ? `, ${count(found.excluded)} left out by --where${why}` : ""),
    "",
    renderQuantiles(found),
    "",
    renderTests(found),
    "",
    standingOutText(found),
  ];
  if (found.outlier !== undefined) {
    const { row, p } = found.outlier;
    lines.push(
      `largest |rstudent|: ${significant(Math.abs(row.rstudent), 4)} in ${placeOf(row)}, ` +
        `p ${pValue(p)} of ${count(found.n)} (Bonferroni)`,
    );
  }
  if (found.standOut.length > 0) lines.push("", renderRows(found.standOut));
  return `${setLines(lines)}\n`;
}

function renderTests({
  durbinWatson,
  breuschPagan,
  white,
  breuschGodfrey,
  jarqueBera,
  reset,
}: Diagnosis): string {
  const titles = ["", "Statistic", "Df", "p", "for errors that are"];
  const rows = [
    [
      "Durbin–Watson",
      significant(durbinWatson.statistic, 5),
      "",
      "",
      `uncorrelated (lag 1: ${significant(durbinWatson.autocorrelation, 3)})`,
    ],
  ];
  if (breuschPagan !== undefined)
    rows.push([
      "Breusch–Pagan",
      significant(breuschPagan.statistic, 5),
      String(breuschPagan.df1),
      pValue(breuschPagan.p),
      "of constant variance",
    ]);
  if (white !== undefined)
    rows.push([
      "White",
      significant(white.statistic, 5),
      String(white.df1),
      pValue(white.p),
      "of constant variance, squares and products too",
    ]);
  if (breuschGodfrey !== undefined)
    rows.push([
      "Breusch–Godfrey",
      significant(breuschGodfrey.statistic, 5),
      String(breuschGodfrey.df1),
      pValue(breuschGodfrey.p),
      `uncorrelated (up to lag ${breuschGodfrey.df1}, in the order of the rows)`,
    ]);
  rows.push([
    "Jarque–Bera",
    significant(jarqueBera.statistic, 5),
    "2",
    pValue(jarqueBera.p),
    `normal (skew ${significant(jarqueBera.skewness, 3)}, kurtosis ${significant(jarqueBera.kurtosis, 3)})`,
  ]);
  if (reset !== undefined)
    rows.push([
      "RESET",
      significant(reset.statistic, 5),
      `${reset.df1}, ${reset.df2}`,
      pValue(reset.p),
      "free of powers of ŷ",
    ]);
  return renderTable({ titles, rows, align: ["left", "right", "right", "right", "left"] });
}

function standingOutText({ counts, limits, n }: Diagnosis): string {
  const rules: [number, string][] = [
    [counts.rstudent, `|rstudent| > ${limits.rstudent}`],
    [counts.leverage, `leverage > ${significant(limits.leverage, 3)}`],
    [counts.cooks, `Cook's distance > ${significant(limits.cooks, 3)}`],
    [counts.dffits, `|DFFITS| > ${significant(limits.dffits, 3)}`],
  ];
  const table = rules.map(([rows, rule]) => [`  ${count(rows)}`, `with ${rule}`]);
  return `${count(counts.any)} of ${count(n)} rows stand out:\n${renderTable({ rows: table, align: ["right", "left"] })}`;
}

function renderRows(rows: readonly NamedRow[]): string {
  const column = (
    name: "observed" | "fitted" | "leverage" | "rstudent" | "cooks" | "dffits",
    digits: number,
  ) =>
    alignedDecimals(
      rows.map((row) => row[name]),
      digits,
      4,
    );
  const columns = [
    rows.map(placeOf),
    column("observed", 4),
    column("fitted", 4),
    column("leverage", 3),
    column("rstudent", 3),
    column("cooks", 3),
    column("dffits", 3),
  ];
  const head = ["", "Observed", "Fitted", "Leverage", "rstudent", "Cook's D", "DFFITS"];
  return renderTable({
    titles: head,
    rows: rows.map((_, i) => columns.map((cells) => cells[i]!)),
    align: ["left", "right", "right", "right", "right", "right", "right"],
  });
}
