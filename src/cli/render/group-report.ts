import type { LinearModel } from "../../linear/model/model.js";
import type { ModelGroup } from "../../linear/model/model-group.js";
import { PENALTY_OBJECTIVE } from "../../linear/penalty/penalty.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import { fitMetrics } from "../../stats/metrics.js";
import type { CsvGroupFit } from "../../training/fit-groups-csv.js";
import { colour, screen } from "./colour.js";
import { droppedText } from "./dropped.js";
import { FIRST, moreLines, shownOf, WHOLE } from "./long-list.js";
import { crossValidationOf, reportOf } from "./model-report.js";
import { count, milliseconds, significant } from "./numbers.js";
import { shardLines, shardsDocument } from "./shards.js";
import { renderNotes } from "./summary.js";
import { summaryDocument } from "./summary-document.js";
import { type Align, setLines, tableSteps } from "./table.js";

/** What a summary tells of models by group; of those from a file some of it is not known. */
export type GroupReport = Pick<CsvGroupFit, "models"> & Partial<Omit<CsvGroupFit, "models">>;

/** The report of models by group from their file. */
export function groupReportOf(models: ModelGroup): GroupReport {
  const { scan } = models;
  if (scan === undefined) return { models };
  return {
    models,
    rows: scan.rows,
    dropped: scan.dropped,
    excluded: scan.excluded ?? 0,
    test: scan.test ?? undefined,
  };
}

/** The parts of `train --group-by --json` after the version and the command: one summary per group. */
export function groupsDocument(
  { models, rows, dropped, excluded, test, notes, timing }: GroupReport,
  options: { path: string; data: string | undefined; level: number },
) {
  return {
    data: {
      path: options.data,
      rows,
      dropped,
      ...(models.scan?.undefinedRows ? { undefinedRows: models.scan.undefinedRows } : {}),
      ...(excluded ? { excluded } : {}),
    },
    model: {
      path: options.path,
      target: models.target,
      groupBy: models.groupBy,
      groups: models.models.size,
      ...shardsDocument(models.shards),
    },
    groups: [...models.models].map(([group, model]) => {
      const parts = { model: undefined, level: options.level, path: undefined };
      const { data: _, ...summary } = summaryDocument(reportOf(model), parts);
      return { group, ...summary };
    }),
    refused: models.refused.map(({ group, reason }) => ({ group, reason })),
    ...(test === undefined ? {} : { test }),
    notes,
    timing,
  };
}

/** Coefficients are shown beside the groups up to so many; `inspect --group` shows all of one. */
const SHOWN_COEFFICIENTS = 8;

/** A line per group: its rows, how good its fit is, and its estimates where they are few. */
export function renderGroups(report: GroupReport, options: { path: string; written: boolean }): string {
  return inOneGo(groupsSteps(report, options));
}

/** Of the groups that could not be fitted so many are named. */
const NAMED = 10;

/** Groups whose lines are made between two pauses. */
const STRETCH = 128;

/** `renderGroups` in steps: a hundred thousand groups take a second. */
export function* groupsSteps(
  { models, rows, dropped = 0, excluded = 0, test, notes = [], timing }: GroupReport,
  options: { path: string; written: boolean },
): Steps<string> {
  const most = screen.all || models.models.size <= WHOLE ? models.models.size : FIRST;
  const all: [string, LinearModel][] = [];
  for (const entry of models.models) {
    if (all.length === most) break;
    all.push(entry);
    if (all.length % STRETCH === 0) yield;
  }
  const more = models.models.size - all.length;
  const names = [...new Set(all.flatMap(([, model]) => model.coefficientNames))];
  const shown = names.length <= SHOWN_COEFFICIENTS ? names : [];
  yield;
  const penalised = all.some(([, { penalty }]) => penalty !== undefined);
  const titles = [models.groupBy, "rows", "RMSE", penalised ? "λ" : "σ", "R²", "CV RMSE", ...shown];
  const cells: string[][] = [];
  for (const [group, model] of all) {
    cells.push(row(group, model, shown));
    if (cells.length % STRETCH === 0) yield;
  }
  const { refused } = models;
  const align = titles.map((_, i): Align => (i === 0 ? "left" : "right"));
  const table = yield* tableSteps({ titles, rows: cells, align });
  const named = shownOf(refused, NAMED, NAMED);
  const unsaid = refused.length - named.length;
  const lines = [
    ...renderNotes([
      ...notes,
      ...named.map(({ group, reason }) => `no model for ${group}: ${reason}`),
      ...(unsaid > 0 ? [`… no model for ${count(unsaid)} more groups, --all`] : []),
    ]),
    `${colour.bold(models.target)} on ${models.spec.terms.map(({ label }) => label).join(" + ") || "1"}, ` +
      `${count(models.models.size)} models by ${models.groupBy}`,
    "",
    table,
    ...moreLines(more, "groups"),
    "",
  ];
  if (penalised) lines.push(`penalised: each minimises ${PENALTY_OBJECTIVE}`);
  if (test !== undefined)
    lines.push(
      `Held-out rows: n ${count(test.n)}, RMSE ${significant(test.rmse)}, MAE ${significant(test.mae)}, ` +
        `R² ${significant(test.r2)}`,
    );
  if (rows !== undefined) {
    const used = rowsOf(models);
    const out = excluded > 0 ? `, ${count(excluded)} left out by --where` : "";
    lines.push(
      `${count(used)} of ${count(rows)} rows used, ${droppedText(dropped, models.scan?.undefinedRows)}${out}`,
    );
  }
  lines.push(...shardLines(models.shards));
  if (timing !== undefined)
    lines.push(
      colour.dim(
        `read ${milliseconds(timing.scanMs)}, solve ${milliseconds(timing.solveMs)}, ` +
          `total ${milliseconds(timing.totalMs)}, ${timing.threads} ${timing.threads === 1 ? "thread" : "threads"}`,
      ),
    );
  if (options.written) lines.push(colour.dim(`models written to ${options.path}`));
  if (options.path !== "")
    lines.push(colour.dim(`goml inspect ${options.path} --group ${all[0]![0]} shows the summary of one`));
  return `${setLines(lines)}\n`;
}

/** What tells how good a fit is, without its tests. */
function metricsOf(model: LinearModel) {
  return fitMetrics({
    n: model.n,
    p: model.parameters,
    intercept: model.intercept,
    rss: model.rss,
    tss: model.tss,
    sumLogW: model.moments.sumLogW,
  });
}

/** How many rows the models of all groups are of. */
export function rowsOf({ fits, others }: ModelGroup): number {
  let rows = fits?.lists.moments.n.reduce((sum, n) => sum + n, 0) ?? 0;
  for (const { n } of others.values()) rows += n;
  return rows;
}

function row(group: string, model: LinearModel, shown: readonly string[]): string[] {
  const fit = metricsOf(model);
  const estimates = new Map(model.coefficientNames.map((name, j) => [name, model.coefficients[j]!]));
  return [
    group,
    count(model.n),
    significant(fit.rmse, 4),
    significant(model.penalty?.lambda ?? model.sigma, 4),
    significant(fit.r2, 4),
    significant(crossValidationOf(model)?.rmse ?? Number.NaN, 4),
    ...shown.map((name) => significant(estimates.get(name) ?? Number.NaN, 4)),
  ];
}
