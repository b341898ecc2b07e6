import { ModelError, UsageError } from "../../../errors.js";
import type { LinearModel } from "../../../linear/model/model.js";
import { isModelFile, readModel } from "../../../linear/model/model-file.js";
import { objectiveOf } from "../../../linear/penalty/penalty.js";
import type { CrossValidation } from "../../../linear/solve/cross-validation.js";
import { withPauses } from "../../../parallel/steps.js";
import { type CsvFit, fitCsv } from "../../../training/fit-csv.js";
import { version } from "../../../version.js";
import { type ModelOptions, modelOptions } from "../../program/model-options.js";
import { progressBar } from "../../program/progress.js";
import { colour } from "../../render/colour.js";
import { crossValidationSteps, leftOutFolds } from "../../render/model-report.js";
import { alignedDecimals, count, significant } from "../../render/numbers.js";
import { print } from "../../render/print.js";
import { penaltyText, renderNotes } from "../../render/summary.js";
import { renderTable } from "../../render/table.js";

/** The options of `goml cv`, as commander gives them. */
export interface CvOptions extends ModelOptions {
  threads?: number;
  json?: boolean;
  trust?: boolean;
}

/** `goml cv`: the cross-validation of a model, or of a fit to a CSV, fold by fold. */
export async function cv(paths: readonly string[], options: CvOptions, signal: AbortSignal): Promise<number> {
  const path = paths.join(" ");
  const ofFile = paths.length === 1 && (await isModelFile(path));
  const {
    model,
    notes,
    cv: byRows,
  } = ofFile
    ? { model: await ofModel(path, options, signal), notes: [], cv: undefined }
    : await ofData(paths, options, signal);
  if (ofFile && model.absorbed !== undefined)
    throw new ModelError("a model with absorbed effects is cross-validated by its rows", {
      hint: "name the CSV, with --absorb, or a formula with |",
    });
  const found =
    model.absorbed === undefined ? await withPauses(crossValidationSteps(model), { signal }) : byRows;
  if (found === undefined)
    throw new UsageError(`${path} has no cross-validation folds`, { hint: "train with --folds 10" });
  if (options.json)
    print(
      `${JSON.stringify({ ...document(path, model, found), ...(notes.length > 0 ? { notes } : {}) }, null, 2)}\n`,
    );
  else {
    const remarks = renderNotes(notes).map((line) => `${line}\n`);
    print(`${remarks.join("")}${render(model, found)}`);
  }
  return 0;
}

async function ofModel(path: string, options: CvOptions, signal: AbortSignal): Promise<LinearModel> {
  const { folds, formula, target, features, exclude, weights, lambda, alpha } = options;
  const asked = { folds, formula, target, features, exclude, weights, lambda, alpha };
  const given = Object.entries(asked).find(([, value]) => value !== undefined);
  if (given !== undefined)
    throw new UsageError(`--${given[0]} needs the data, and ${path} is a model`, {
      hint: "name the CSV, or see goml refit",
    });
  return readModel(path, { trust: options.trust, signal });
}

async function ofData(paths: readonly string[], options: CvOptions, signal: AbortSignal): Promise<CsvFit> {
  const progress = progressBar("reading");
  return fitCsv(paths, {
    ...modelOptions(options),
    threads: options.threads,
    callerWorks: true,
    signal,
    onProgress: progress.update,
  }).finally(progress.end);
}

function document(path: string, model: LinearModel, { folds, ...overall }: CrossValidation) {
  const names = model.coefficientNames;
  return {
    goml: version,
    command: "cv",
    data: { path, n: model.n, seed: model.scan?.seed },
    model: { target: model.target, terms: model.terms, penalty: model.penalty },
    cv: overall,
    folds: folds.map(({ coefficients, needs, ...fold }, i) => ({
      fold: i + 1,
      ...fold,
      ...(needs.length > 0 ? { needs: needs.map((j) => model.terms[j]) } : {}),
      coefficients: Object.fromEntries(names.map((name, j) => [name, coefficients[j]])),
    })),
  };
}

function render(model: LinearModel, found: CrossValidation): string {
  const { folds, mse, rmse, r2, mseError } = found;
  const [mses, rmses, r2s] = [
    alignedDecimals(folds.map((fold) => fold.mse)),
    alignedDecimals(folds.map((fold) => fold.rmse)),
    alignedDecimals(folds.map((fold) => fold.r2)),
  ];
  const rows = folds.map(({ n }, i) => [String(i + 1), count(n), mses[i]!, rmses[i]!, r2s[i]!]);
  const titles = ["fold", "rows", "MSE", "RMSE", "R²"].map((title) => colour.dim(title));
  const seed = model.scan === undefined ? "" : `, seed ${model.scan.seed}`;
  const { penalty } = model;
  const penalised = penalty === undefined ? "" : `${penaltyText(penalty)}: minimises ${objectiveOf(model)}\n`;
  return (
    `${colour.bold(model.target)} on ${model.terms.length} terms, ${folds.length} folds${seed}\n${penalised}\n` +
    `${renderTable([titles, ...rows], ["right", "right", "right", "right", "right"])}\n\n` +
    `RMSE ${significant(rmse)}   MSE ${significant(mse)} ± ${significant(mseError, 3)} (standard error over folds)   ` +
    `R² ${significant(r2)} out of fold\n${leftOutFolds(model, found)
      .map((text) => `${colour.yellow(text)}\n`)
      .join("")}`
  );
}
