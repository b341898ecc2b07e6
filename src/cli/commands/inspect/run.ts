import { UsageError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { vcovShortName } from "../../../linear/covariance/vcov.js";
import type { LinearModel } from "../../../linear/model/model.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { ModelGroup } from "../../../linear/model/model-group.js";
import type { Summary } from "../../../linear/model/summary.js";
import { writeJson } from "../../../linear/model/write-json.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import { version } from "../../../version.js";
import { type GroupOption, oneOfGroups } from "../../program/one-of-groups.js";
import type { CollinearityOptions } from "../../render/collinearity.js";
import { groupReportOf, groupsDocument, groupsSteps } from "../../render/group-report.js";
import { moreLines, shownOf } from "../../render/long-list.js";
import { type ModelReport, reportSteps } from "../../render/model-report.js";
import { alignedDecimals, significant } from "../../render/numbers.js";
import { presentModel } from "../../render/present-model.js";
import { print } from "../../render/print.js";
import { penaltyText } from "../../render/summary.js";
import { summaryDocument } from "../../render/summary-document.js";
import { renderTable } from "../../render/table.js";

/** The options of `goml inspect`, as commander gives them. */
export interface InspectOptions extends CollinearityOptions, GroupOption {
  level: number;
  json?: boolean;
  trust?: boolean;
  /** Where to write it. */
  model?: string;
}

/** `goml inspect`: the summary of a model file again, or two side by side. */
export async function inspect(
  paths: readonly string[],
  options: InspectOptions,
  signal: AbortSignal,
): Promise<number> {
  const [path, other] = paths as [string, string?];
  if (paths.length > 2) throw new UsageError(`inspect takes one model or two, got ${paths.length}`);
  const { level, json, group } = options;
  refuseOverwriting(
    [{ path: options.model, what: "the model of one group" }],
    paths.map((one) => ({ path: one, what: "a model that is read" })),
  );
  const found = await readAnyModel(path, { trust: options.trust, signal });
  if (found instanceof ModelGroup && group === undefined && other === undefined) {
    const report = groupReportOf(found);
    if (!json) print(await withPauses(groupsSteps(report, { path, written: false }), { signal }));
    else {
      const parts = groupsDocument(report, { path, data: found.source?.path, level });
      print(`${JSON.stringify({ goml: version, command: "inspect", ...parts }, null, 2)}\n`);
    }
    return 0;
  }
  const model = oneOfGroups(found, path, group);
  if (options.model !== undefined) await writeJson(options.model, model.document(), { signal });
  const report = await withPauses(reportSteps(model), { signal });
  if (other === undefined) {
    const { vif, correlation, importance } = options;
    if (!json) await presentModel("inspect", report, { level, vif, correlation, importance }, { signal });
    else print(`${JSON.stringify(document(path, report, options), null, 2)}\n`);
    return 0;
  }
  const second = oneOfGroups(await readAnyModel(other, { trust: options.trust, signal }), other, group);
  const both = [
    { path, report },
    { path: other, report: await withPauses(reportSteps(second), { signal }) },
  ];
  if (options.json) {
    const models = both.map((one) => document(one.path, one.report, options));
    print(`${JSON.stringify({ goml: version, command: "inspect", models }, null, 2)}\n`);
  } else print(sideBySide(both, options.level));
  return 0;
}

function document(path: string, report: ModelReport, options: InspectOptions) {
  const { level, vif, correlation, importance, vcovMatrix } = options;
  const parts = summaryDocument(report, {
    model: path,
    level,
    vif,
    correlation,
    importance,
    vcovMatrix,
    path: report.model.source?.path,
  });
  return { goml: version, command: "inspect", ...parts };
}

function sideBySide(all: readonly { path: string; report: ModelReport }[], level: number): string {
  const models = all.map(({ path, report }) => ({ path, model: report.model }));
  const summaries = models.map(({ model }) => model.summary(level));
  const reports = all.map(({ report }) => report);
  const names = [...new Set(models.flatMap(({ model }) => model.coefficientNames))];
  const cells = summaries.map((summary) => estimates(summary, names));
  const coefficients = names.map((name, i) => [name, ...cells.flatMap((column) => column[i]!)]);
  const figures = FIGURES.map(([label, read]) => [
    label,
    ...summaries.flatMap((summary, i) => [significant(read(summary, reports[i]!)), ""]),
  ]);
  const about = [
    ["target", (model: LinearModel) => model.target],
    ["penalty", ({ penalty }: LinearModel) => (penalty ? penaltyText(penalty) : "none")],
    ["solver", ({ solver }: LinearModel) => solver],
    ["covariance", ({ penalty, vcov }: LinearModel) => (penalty ? "none" : vcovShortName(vcov))],
  ] as const;
  // As ever where all are classical.
  const robust = models.some(({ model }) => model.vcov.type !== "iid");
  const texts = (robust ? about : about.slice(0, -1)).map(([label, read]) => [
    label,
    ...models.flatMap(({ model }) => [read(model), ""]),
  ]);
  const titles = ["", ...models.flatMap(({ path }) => [path, "s.e."])];
  const align = ["left", "right", "right", "right", "right"] as const;
  const shown = shownOf(coefficients);
  const more = moreLines(coefficients.length - shown.length, "coefficients");
  // In one table, so that the models' columns stand below each other.
  const rows = [...shown, ...(more.length === 0 ? [] : [more]), [], ...figures, ...texts];
  return `${renderTable({ titles, rows, align })}\n`;
}

/** Per name the estimate and its standard error; a term that the model has not is blank. */
function estimates({ coefficients }: Summary, names: readonly string[]): [string, string][] {
  const values = alignedDecimals(coefficients.map((row) => row.estimate));
  const errors = alignedDecimals(coefficients.map((row) => row.stdError));
  const at = new Map(coefficients.map(({ term }, i) => [term, i]));
  return names.map((name) => {
    const i = at.get(name);
    return i === undefined ? ["", ""] : [values[i]!, errors[i]!];
  });
}

const FIGURES: readonly (readonly [string, (summary: Summary, report: ModelReport) => number])[] = [
  ["rows", ({ fit }) => fit.n],
  ["RMSE", ({ fit }) => fit.rmse],
  ["σ", ({ fit }) => fit.sigma],
  ["R²", ({ fit }) => fit.r2],
  ["adjusted R²", ({ fit }) => fit.adjR2],
  // Where the errors are robust, the F of the classical ones would belie them.
  ["F", ({ fit, wald }) => (wald === undefined ? fit.f : wald.f)],
  ["log-likelihood", ({ fit }) => fit.logLik],
  ["AIC", ({ fit }) => fit.aic],
  ["BIC", ({ fit }) => fit.bic],
  ["CV RMSE", (_, { cv }) => cv?.rmse ?? Number.NaN],
];
