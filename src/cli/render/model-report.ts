import { clusterNotes } from "../../linear/covariance/vcov.js";
import { instrumentNotes } from "../../linear/model/instrument-tests-of.js";
import type { LinearModel } from "../../linear/model/model.js";
import { perfectFitNotes } from "../../linear/model/summary.js";
import { relaxationNotes } from "../../linear/penalty/objective.js";
import { crossValidateHeldOutWithSteps, crossValidateWithSteps } from "../../linear/penalty/penalty.js";
import { type CrossValidation, cvOnScaleOf } from "../../linear/solve/cross-validation.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CsvFit } from "../../training/fit-target.js";
import { count } from "./numbers.js";

/** What a summary tells beside the model; of a model that was read from its file some of it is not known. */
export type ModelReport = Pick<CsvFit, "model"> & Partial<Omit<CsvFit, "model">>;

/** The report of a model from its file, or of one that was made from others, in steps. */
export function* reportSteps(model: LinearModel, notes: string[] = []): Steps<ModelReport> {
  const { scan } = model;
  return {
    model,
    notes: [
      ...notes,
      ...clusterNotes(model.vcov),
      ...perfectFitNotes(model),
      ...relaxationNotes(model),
      ...instrumentNotes(model),
    ],
    cv: yield* crossValidationSteps(model),
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

/** `reportSteps` in one go. */
export function reportOf(model: LinearModel): ModelReport {
  return inOneGo(reportSteps(model));
}

/** The cross-validation of a model from the moments of its folds, where it has two or more, in steps. */
export function* crossValidationSteps(model: LinearModel): Steps<CrossValidation | undefined> {
  const found = yield* crossValidatedSteps(model);
  return found && cvOnScaleOf(found, model.errorScale);
}

function* crossValidatedSteps(model: LinearModel): Steps<CrossValidation | undefined> {
  if (model.absorbed !== undefined)
    return yield* crossValidateHeldOutWithSteps(model.heldOut, model.regression, model.penalty);
  const folds = model.folds.filter((fold) => fold.n > 0);
  if (folds.length < 2) return undefined;
  return yield* crossValidateWithSteps(folds, model.regression, model.penalty);
}

/** `crossValidationSteps` in one go. */
export function crossValidationOf(model: LinearModel): CrossValidation | undefined {
  return inOneGo(crossValidationSteps(model));
}

/** By what rows were put into folds, where it was not by their numbers. */
export function foldsBy({ scan }: Pick<LinearModel, "scan">): string {
  return scan?.foldBy === undefined ? "" : ` by ${scan.foldBy}`;
}

/** What to say of folds that have no error, as a line; none where all have one. */
export function leftOutFolds(
  model: LinearModel,
  { folds, leftOut, unpredicted = 0 }: CrossValidation,
): string[] {
  if (unpredicted > 0) {
    const rows = unpredicted === 1 ? "1 row is" : `${count(unpredicted)} rows are`;
    const whose = unpredicted === 1 ? "its" : "their";
    return [`${rows} left out of it: the other folds do not tell the effects of ${whose} levels`];
  }
  if (leftOut === 0) return [];
  const needed = [...new Set(folds.flatMap(({ needs }) => needs))].sort((a, b) => a - b);
  const names = needed.slice(0, 10).map((j) => model.terms[j]!);
  const more = needed.length > names.length ? ` and ${needed.length - names.length} more` : "";
  const what = leftOut === 1 ? "1 fold left out: its" : `${leftOut} folds left out: their`;
  return [`${what} rows need what the other folds cannot estimate (${names.join(", ")}${more})`];
}
