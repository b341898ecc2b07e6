import type { LinearModel } from "../linear/model.js";
import { readModel } from "../linear/model-file.js";
import type { Summary } from "../linear/summary.js";
import { version } from "../version.js";
import { colour } from "./colour.js";
import { type ModelReport, reportOf } from "./model-report.js";
import { alignedDecimals, significant } from "./numbers.js";
import { presentModel } from "./present-model.js";
import { summaryDocument } from "./summary-document.js";
import { renderTable } from "./table.js";

/** The options of `goml inspect`, as commander gives them. */
export interface InspectOptions {
  level: number;
  json?: boolean;
}

/** `goml inspect`: the summary of a model file again, or two side by side. */
export async function inspect(paths: readonly string[], options: InspectOptions): Promise<number> {
  const [path, other] = paths as [string, string?];
  const model = await readModel(path);
  if (other === undefined) {
    const { level, json } = options;
    if (!json) await presentModel("inspect", reportOf(model), { level });
    else process.stdout.write(`${JSON.stringify(document(path, model, level), null, 2)}\n`);
    return 0;
  }
  const second = await readModel(other);
  const both = [
    { path, model },
    { path: other, model: second },
  ];
  if (options.json) {
    const models = both.map((one) => document(one.path, one.model, options.level));
    process.stdout.write(`${JSON.stringify({ goml: version, command: "inspect", models }, null, 2)}\n`);
  } else process.stdout.write(sideBySide(both, options.level));
  return 0;
}

function document(path: string, model: LinearModel, level: number) {
  const parts = summaryDocument(reportOf(model), { model: path, level, path: model.source?.path });
  return { goml: version, command: "inspect", ...parts };
}

function sideBySide(models: readonly { path: string; model: LinearModel }[], level: number): string {
  const summaries = models.map(({ model }) => model.summary(level));
  const reports = models.map(({ model }) => reportOf(model));
  const names = [...new Set(models.flatMap(({ model }) => model.coefficientNames))];
  const cells = summaries.map((summary) => estimates(summary, names));
  const coefficients = names.map((name, i) => [name, ...cells.flatMap((column) => column[i]!)]);
  const figures = FIGURES.map(([label, read]) => [
    label,
    ...summaries.flatMap((summary, i) => [significant(read(summary, reports[i]!)), ""]),
  ]);
  const about = [
    ["target", (model: LinearModel) => model.target],
    ["penalty", ({ penalty }: LinearModel) => (penalty ? `λ ${significant(penalty.lambda)}` : "none")],
    ["solver", ({ solver }: LinearModel) => solver],
  ] as const;
  const texts = about.map(([label, read]) => [label, ...models.flatMap(({ model }) => [read(model), ""])]);
  const titles = ["", ...models.flatMap(({ path }) => [path, "s.e."])].map((title) => colour.dim(title));
  const align = ["left", "right", "right", "right", "right"] as const;
  return `${renderTable([titles, ...coefficients, [], ...figures, ...texts], align)}\n`;
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
  ["F", ({ fit }) => fit.f],
  ["log-likelihood", ({ fit }) => fit.logLik],
  ["AIC", ({ fit }) => fit.aic],
  ["BIC", ({ fit }) => fit.bic],
  ["CV RMSE", (_, { cv }) => cv?.rmse ?? Number.NaN],
];
