import type { LinearModel } from "../linear/model.js";
import type { CoefficientRow, Summary } from "../linear/summary.js";
import { vcovName } from "../linear/vcov.js";
import type { CsvFit } from "../training/fit-csv.js";
import { colour } from "./colour.js";
import { alignedDecimals, count, milliseconds, pValue, significant, stars } from "./numbers.js";
import { renderTable, wrap } from "./table.js";

/** The summary of a fit as text of at most `columns` columns, in the manner of R's `summary(lm)`. */
export function renderSummary(
  fitted: CsvFit,
  options: { model: string; level: number },
  columns: number,
): string {
  const { model, rows, dropped, test, cv, notes, timing } = fitted;
  const held = test === undefined ? "" : `, ${count(test.n)} held out`;
  const lines = [
    renderModel(model, model.summary(options.level), columns),
    `${count(model.n)} of ${count(rows)} rows used, ${count(dropped)} dropped for missing cells${held}`,
  ];
  if (cv !== undefined)
    lines.push(
      `${cv.folds.length}-fold cross-validation: RMSE ${significant(cv.rmse)}, R² ${significant(cv.r2)} out of fold`,
    );
  if (test !== undefined)
    lines.push(
      `Held-out rows: MSE ${significant(test.mse)}, RMSE ${significant(test.rmse)}, MAE ${significant(test.mae)}, ` +
        `R² ${significant(test.r2)}, AIC ${significant(test.aicExtract)}`,
    );
  for (const note of notes) lines.push(colour.yellow(`note: ${note}`));
  const threads = timing.threads === 1 ? "1 thread" : `${timing.threads} threads`;
  lines.push(
    colour.dim(
      `read ${milliseconds(timing.scanMs)}, solve ${milliseconds(timing.solveMs)}, ` +
        `total ${milliseconds(timing.totalMs)}, ${threads}`,
    ),
    colour.dim(`model written to ${options.model}`),
  );
  return `${wrapLines(lines, columns)}\n`;
}

/** The part of the summary that the model alone gives. */
function renderModel(model: LinearModel, summary: Summary, columns: number): string {
  const { fit } = summary;
  const lines = [
    `${colour.bold(model.target)} on ${model.terms.length} ${model.terms.length === 1 ? "term" : "terms"}` +
      `${model.intercept ? "" : ", without intercept"}`,
    "",
    renderCoefficients(summary.coefficients),
  ];
  if (summary.coefficients.some((row) => row.p < 0.1))
    lines.push(colour.dim("---", "p < 0.001 ***  < 0.01 **  < 0.05 *  < 0.1 ."));
  if (model.vcov.type !== "iid") lines.push(`standard errors, t, p and intervals: ${vcovName(model.vcov)}`);
  if (model.aliased.length > 0)
    lines.push(
      colour.yellow(`linearly dependent on terms before them, left out: ${model.aliased.join(", ")}`),
    );
  lines.push(
    "",
    `MSE ${significant(fit.mse)}   RMSE ${significant(fit.rmse)}   ` +
      `σ ${significant(fit.sigma)} on ${count(fit.dfResidual)} degrees of freedom`,
    `R² ${significant(fit.r2)}   adjusted R² ${significant(fit.adjR2)}   ` +
      `F ${significant(fit.f)} on ${fit.fDf} and ${count(fit.dfResidual)} DF, p ${pValue(fit.fP)}`,
    `log-likelihood ${significant(fit.logLik)}   AIC ${significant(fit.aic)}   BIC ${significant(fit.bic)}`,
    `condition number ${significant(model.conditionNumber, 3)}, solver ${solverText(model)}`,
  );
  return wrapLines(lines, columns);
}

/** Breaks lines that are too long, but not those of a table. */
function wrapLines(lines: readonly string[], columns: number): string {
  return lines.map((line) => (line.includes("\n") ? line : wrap(line, columns))).join("\n");
}

function solverText(model: LinearModel): string {
  const names = {
    normal: "normal (Cholesky, double precision)",
    extended: "extended (Cholesky, double-double)",
    qr: "qr (Householder)",
    gd: "gd (gradient descent)",
  };
  return names[model.solver];
}

function renderCoefficients(rows: readonly CoefficientRow[]): string {
  const estimates = alignedDecimals(rows.map((row) => row.estimate));
  const errors = alignedDecimals(rows.map((row) => row.stdError));
  const table = rows.map((row, i) => [
    row.term,
    estimates[i]!,
    errors[i]!,
    Number.isNaN(row.t) ? "NA" : row.t.toFixed(3),
    pValue(row.p),
    stars(row.p),
  ]);
  return renderTable(
    [["", "Estimate", "Std. Error", "t value", "p", ""].map((title) => colour.dim(title)), ...table],
    ["left", "right", "right", "right", "right", "left"],
  );
}
