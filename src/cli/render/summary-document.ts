import type { Conformal } from "../../linear/conformal/conformal.js";
import type { Coverage } from "../../linear/conformal/coverage.js";
import type { LinearModel } from "../../linear/model/model.js";
import { type CrossValidatedPath, pathOnScaleOf } from "../../linear/penalty/cross-validated-path.js";
import { objectiveOf } from "../../linear/penalty/penalty.js";
import type { CrossValidation } from "../../linear/solve/cross-validation.js";
import type { AbsorbedEffects } from "../../linear/solve/solution.js";
import type { CvKind } from "../../training/cv-kind.js";
import { type CollinearityOptions, collinearityDocument } from "./collinearity.js";
import { instrumentsDocument } from "./instruments.js";
import type { ModelReport } from "./model-report.js";
import { shardsDocument } from "./shards.js";

/** The JSON of a model's summary; scripts rely on its names. Numbers that are not finite become null. */
function modelDocument(model: LinearModel, path: string | undefined, level: number) {
  const { coefficients, fit, wald } = model.summary(level);
  return {
    model: {
      path,
      target: model.target,
      terms: model.terms,
      intercept: model.intercept,
      solver: model.solver,
      ...(model.method === undefined ? {} : { method: model.method }),
      ...(model.absorbed === undefined ? {} : { absorbed: absorbedDocument(model, model.absorbed) }),
      vcov: vcovDocument(model),
      rank: model.rank,
      aliased: model.aliased,
      conditionNumber: model.conditionNumber,
      ...shardsDocument(model.shards),
      ...(model.penalty === undefined
        ? {}
        : { penalty: { ...model.penalty, objective: objectiveOf(model) } }),
    },
    coefficients,
    fit,
    ...(wald === undefined ? {} : { wald }),
    ...(model.instruments === undefined ? {} : { instruments: instrumentsDocument(model, level) }),
  };
}

function absorbedDocument({ spec, levels, rss }: LinearModel, { rank, tss }: AbsorbedEffects) {
  const factors = spec.absorbed!.map((v) => {
    const { label } = spec.variables[v]!;
    return { factor: label, levels: levels[label]!.length };
  });
  return { factors, rank, withinR2: 1 - rss / tss };
}

/** A covariance as documents have it: without what it is computed from. */
export function vcovDocument({ vcov }: LinearModel) {
  if (vcov.type === "iid") return { type: vcov.type };
  const { meat: _, shares, scores, tests: __, level: ___, ...rest } = vcov;
  return { ...rest, ...(shares === undefined || scores !== undefined ? {} : { df: "satterthwaite" }) };
}

/** The parts of `train --json` and `inspect --json` after the version and the command. */
export function summaryDocument(
  report: ModelReport,
  options: { model: string | undefined; level: number; path: string | undefined } & CollinearityOptions,
) {
  const { model, rows, dropped, excluded, test, coverage, cv, cvBy, path, notes, timing } = report;
  return {
    data: {
      path: options.path,
      rows,
      dropped,
      ...(model.scan?.undefinedRows ? { undefinedRows: model.scan.undefinedRows } : {}),
      ...(excluded ? { excluded } : {}),
    },
    ...modelDocument(model, options.model, options.level),
    ...collinearityDocument(model, options),
    ...(test === undefined ? {} : { test }),
    ...(model.conformal === undefined ? {} : { conformal: conformalDocument(model.conformal, coverage) }),
    ...(cv === undefined ? {} : { cv: cvDocument(cv, cvBy?.kind ?? model.scan?.foldBy) }),
    ...(path === undefined ? {} : { path: pathDocument(pathOnScaleOf(path, model.errorScale)) }),
    notes,
    timing,
  };
}

/** Conformal intervals as documents have them: without what they are computed from. */
function conformalDocument({ method, by, n, groups }: Conformal, coverage: Coverage | undefined) {
  return {
    method,
    ...(by === undefined ? {} : { by, groups: groups.length }),
    calibrationRows: n,
    ...(coverage === undefined ? {} : { coverage: { ...coverage, share: coverage.covered / coverage.n } }),
  };
}

function cvDocument(
  { folds, leftOut, unpredicted, mse, rmse, r2 }: CrossValidation,
  by: string | CvKind | undefined,
) {
  const left = { ...(leftOut > 0 ? { leftOut } : {}), ...(unpredicted ? { unpredicted } : {}) };
  return { folds: folds.length, ...(by === undefined ? {} : { by }), ...left, mse, rmse, r2 };
}

/** A path of λs, without the coefficients of each. */
function pathDocument({ path, best, withinOneError, atEnd, unpenalized }: CrossValidatedPath) {
  const least = unpenalized && { mse: unpenalized.mse, rmse: unpenalized.rmse };
  return {
    best,
    withinOneError,
    ...(atEnd === undefined ? {} : { atEnd }),
    ...(least === undefined ? {} : { unpenalized: least }),
    points: path.map(({ coefficients: _, ...point }) => point),
  };
}
