import type { ModelGroup } from "../../../linear/model/model-group.js";
import type { Diagnosis, NamedRow } from "../../../prediction/diagnose-csv.js";
import type { GroupsDiagnosis, NamedGroupRow } from "../../../prediction/diagnose-groups-csv.js";
import { version } from "../../../version.js";
import { colour } from "../../render/colour.js";
import { moreLines, shownOf } from "../../render/long-list.js";
import { alignedDecimals, count, pValue, significant } from "../../render/numbers.js";
import { print } from "../../render/print.js";
import { type Align, renderTable, setLines } from "../../render/table.js";

/** Prints the diagnosis of models by group: a document, or a report. */
export function presentGroupsDiagnosis(
  found: GroupsDiagnosis,
  models: ModelGroup,
  options: { model: string; data: string; output?: string; json?: boolean; quiet?: boolean },
): void {
  // The rows may go to standard output: the report then makes way.
  const stream = options.output === "-" ? process.stderr : process.stdout;
  if (options.json) {
    const { rows, n, dropped, outside, excluded, heldOut, groups, ...rest } = found;
    const document = {
      goml: version,
      command: "diagnose",
      data: {
        path: options.data,
        rows,
        dropped,
        ...(outside > 0 ? { outside } : {}),
        ...(excluded > 0 ? { excluded } : {}),
        heldOut,
      },
      model: { path: options.model, target: models.target, groupBy: models.groupBy },
      n,
      ...rest,
      groups: Array.from(groups, ([group, own]) => ({ group, ...own })),
    };
    print(`${JSON.stringify(document, null, 2)}\n`, stream);
  } else if (!options.quiet) print(render(found, models, options.model), stream);
}

function render(found: GroupsDiagnosis, { target, groupBy }: ModelGroup, path: string): string {
  const { n, rows, counts, groups, outlier, standOut, jarqueBera } = found;
  const lines = [
    `${colour.bold(`Studentised residuals of ${target}`)} by ${groupBy}, ${count(n)} of ${count(rows)} rows` +
      (found.outside > 0 ? `, ${count(found.outside)} outside what their model determines` : "") +
      (found.heldOut > 0 ? `, ${count(found.heldOut)} held out from the fit` : "") +
      (found.excluded > 0 ? `, ${count(found.excluded)} left out by --where` : ""),
    "",
    renderQuantiles(found),
    "",
    `Jarque–Bera ${significant(jarqueBera.statistic, 5)}, p ${pValue(jarqueBera.p)} ` +
      `(skew ${significant(jarqueBera.skewness, 3)}, kurtosis ${significant(jarqueBera.kurtosis, 3)})`,
    `${count(counts.any)} of ${count(n)} rows stand out among those of their group: ` +
      `${count(counts.rstudent)} by |rstudent|, ${count(counts.leverage)} by leverage, ` +
      `${count(counts.cooks)} by Cook's distance, ${count(counts.dffits)} by DFFITS`,
    "",
    ...renderEach(found, groupBy),
  ];
  if (outlier !== undefined)
    lines.push(
      "",
      `largest |rstudent|: ${significant(Math.abs(outlier.row.rstudent), 4)} in ${placeOf(outlier.row)}, ` +
        `${groupBy} ${outlier.row.group}, p ${pValue(outlier.p)} of ${count(n)} (Bonferroni)`,
    );
  if (standOut.length > 0) lines.push("", renderRows(standOut, groupBy));
  const [first] = groups.keys();
  lines.push(colour.dim(`goml diagnose … -m ${path} --group ${first} has all tests of one`));
  return `${setLines(lines)}\n`;
}

function renderEach({ groups }: GroupsDiagnosis, groupBy: string): string[] {
  const shown = shownOf([...groups]);
  const rmses = alignedDecimals(shown.map(([, { rmse }]) => rmse));
  const lines = shown.map(([group, own], i) => [
    group,
    count(own.n),
    rmses[i]!,
    count(own.standOut),
    significant(own.durbinWatson.statistic, 4),
    significant(own.jarqueBera.statistic, 4),
    pValue(own.jarqueBera.p),
  ]);
  const head = [groupBy, "rows", "RMSE", "stand out", "Durbin–Watson", "Jarque–Bera", "p"];
  const align = head.map((_, j): Align => (j === 0 ? "left" : "right"));
  return [
    renderTable({ titles: head, rows: lines, align }),
    ...moreLines(groups.size - shown.length, "groups"),
  ];
}

function renderRows(rows: readonly NamedGroupRow[], groupBy: string): string {
  const column = (name: "observed" | "fitted" | "leverage" | "rstudent" | "cooks", digits: number) =>
    alignedDecimals(
      rows.map((row) => row[name]),
      digits,
      4,
    );
  const columns = [
    rows.map(placeOf),
    rows.map(({ group }) => group),
    column("observed", 4),
    column("fitted", 4),
    column("leverage", 3),
    column("rstudent", 3),
    column("cooks", 3),
  ];
  const head = ["", groupBy, "Observed", "Fitted", "Leverage", "rstudent", "Cook's D"];
  return renderTable({
    titles: head,
    rows: rows.map((_, i) => columns.map((cells) => cells[i]!)),
    align: ["left", "left", "right", "right", "right", "right", "right"],
  });
}

/** Quantiles of residuals as a table. */
export function renderQuantiles({ quantiles }: Pick<Diagnosis, "quantiles">): string {
  const { min, p05, q1, median, q3, p95, max } = quantiles;
  const values = [min, p05, q1, median, q3, p95, max].map((value) => significant(value, 5));
  return renderTable({
    titles: ["Min", "5%", "1Q", "Median", "3Q", "95%", "Max"],
    rows: [values],
    align: values.map(() => "right"),
  });
}

/** Where a row is: by its name, else its line, else its number. */
export function placeOf({ name, line, row }: NamedRow): string {
  if (name !== undefined && name !== "") return name;
  return line === undefined ? `row ${row}` : `line ${line}`;
}
