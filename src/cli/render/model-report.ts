import type { LinearModel } from "../../linear/model/model.js";
import { crossValidateWith } from "../../linear/penalty/penalty.js";
import type { CrossValidation } from "../../linear/solve/cross-validation.js";
import type { CsvFit } from "../../training/fit-csv.js";

/** What a summary tells beside the model; of a model that was read from its file some of it is not known. */
export type ModelReport = Pick<CsvFit, "model"> & Partial<Omit<CsvFit, "model">>;

/** The report of a model from its file, or of one that was made from others. */
export function reportOf(model: LinearModel, notes: string[] = []): ModelReport {
  const { scan } = model;
  return {
    model,
    notes,
    cv: crossValidationOf(model),
    ...(scan === undefined
      ? {}
      : {
          rows: scan.rows,
          dropped: scan.dropped,
          excluded: scan.excluded ?? 0,
          test: scan.test ?? undefined,
        }),
  };
}

/** The cross-validation of a model from the moments of its folds, where it has two or more. */
export function crossValidationOf(model: LinearModel): CrossValidation | undefined {
  const folds = model.folds.filter((fold) => fold.n > 0);
  return folds.length < 2 ? undefined : crossValidateWith(folds, model.regression, model.penalty);
}
