import type { LinearModel } from "../linear/model.js";
import type { CsvFit } from "../training/fit-csv.js";

/** The JSON of a model's summary; DESIGN's stable names. Numbers that are not finite become null. */
function modelDocument(model: LinearModel, path: string, level: number) {
  const { coefficients, fit } = model.summary(level);
  return {
    model: {
      path,
      target: model.target,
      terms: model.terms,
      intercept: model.intercept,
      solver: model.solver,
      vcov: vcovDocument(model),
      rank: model.rank,
      aliased: model.aliased,
      conditionNumber: model.conditionNumber,
    },
    coefficients,
    fit,
  };
}

function vcovDocument({ vcov }: LinearModel) {
  const { type } = vcov;
  return type === "cluster" ? { type, cluster: vcov.cluster, clusters: vcov.clusters } : { type };
}

/** The parts of `train --json` after the version and the command. */
export function summaryDocument(fitted: CsvFit, options: { model: string; level: number; path: string }) {
  const { model, rows, dropped, test, cv, notes, timing } = fitted;
  return {
    data: { path: options.path, rows, dropped },
    ...modelDocument(model, options.model, options.level),
    ...(test === undefined ? {} : { test }),
    ...(cv === undefined ? {} : { cv: { folds: cv.folds.length, mse: cv.mse, rmse: cv.rmse, r2: cv.r2 } }),
    notes,
    timing,
  };
}
