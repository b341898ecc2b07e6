import { UsageError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { shownPath } from "../../../files/shown-path.js";
import { isModelFile } from "../../../linear/model/is-model-file.js";
import type { LinearModel } from "../../../linear/model/model.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { ModelGroup } from "../../../linear/model/model-group.js";
import { objectiveOf } from "../../../linear/penalty/penalty.js";
import type { CrossValidation } from "../../../linear/solve/cross-validation.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import { crossValidationPage } from "../../../report/cv-page.js";
import type { CvKind } from "../../../training/cv-kind.js";
import { fitCsv } from "../../../training/fit-csv.js";
import { fitGroupsCsv } from "../../../training/fit-groups-csv.js";
import type { CvDetails } from "../../../training/fit-target.js";
import { version } from "../../../version.js";
import { type ModelOptions, modelOptions } from "../../program/model-options.js";
import { type GroupOption, groupsOrOne } from "../../program/one-of-groups.js";
import { progressBar } from "../../program/progress.js";
import { refuseCv } from "../../program/refuse-cv.js";
import { sayWritten, writePage } from "../../program/write-page.js";
import { colour } from "../../render/colour.js";
import { cvSplitText } from "../../render/cv-split.js";
import { moreLines, shownOf } from "../../render/long-list.js";
import { crossValidationSteps, leftOutFolds } from "../../render/model-report.js";
import { alignedDecimals, count, significant } from "../../render/numbers.js";
import { print } from "../../render/print.js";
import { penaltyText, renderNotes } from "../../render/summary.js";
import { renderTable, setLines } from "../../render/table.js";

/** The options of `goml cv`, as commander gives them. */
export interface CvOptions extends ModelOptions, GroupOption {
  groupBy?: string;
  cv?: CvKind;
  time?: string;
  unit?: string;
  report?: string;
  threads?: number;
  json?: boolean;
  trust?: boolean;
}

/** `goml cv`: the cross-validation of a model, or of a fit to a CSV, fold by fold. */
export async function cv(paths: readonly string[], options: CvOptions, signal: AbortSignal): Promise<number> {
  const path = paths.map(shownPath).join(" ");
  refuseOverwriting(
    [{ path: options.report, what: "the report" }],
    paths.map((one) => ({ path: one, what: "what is cross-validated" })),
  );
  const ofFile = paths.length === 1 && (await isModelFile(path));
  const found = ofFile ? await ofModel(path, options, signal) : await ofData(paths, options, signal);
  const model = groupsOrOne(found.model, path, options.group);
  if (model instanceof ModelGroup) {
    const { cvOfGroups } = await import("./groups.js");
    return cvOfGroups(path, { model, notes: found.notes }, options, signal);
  }
  const cv = found.cv ?? (await withPauses(crossValidationSteps(model), { signal }));
  if (cv === undefined && model.instruments !== undefined)
    throw new UsageError("there is no cross-validation with instruments: they are for the coefficients", {
      hint: "evaluate tells the error of predictions on other rows",
    });
  if (cv === undefined)
    throw new UsageError(`${path} has no cross-validation folds`, { hint: "train with --folds 10" });
  const { notes } = found;
  if (options.report !== undefined) {
    const page = crossValidationPage(model, cv, {
      path,
      split: cvSplitText(model, cv, found.cvBy),
      notes,
      made: [
        ["goml", version],
        ...(model.scan === undefined ? [] : [["seed", String(model.scan.seed)] as const]),
      ],
    });
    sayWritten(options.report, await writePage(options.report, page));
  }
  if (options.json)
    print(
      `${JSON.stringify({ ...document(path, model, cv, found.cvBy), ...(notes.length > 0 ? { notes } : {}) }, null, 2)}\n`,
    );
  else {
    const remarks = renderNotes(notes).map((line) => `${line}\n`);
    print(`${remarks.join("")}${render(model, cv, found.cvBy)}`);
  }
  return 0;
}

/** What is cross-validated. */
interface Found {
  model: LinearModel | ModelGroup;
  notes: string[];
  /** Where it needs the rows. */
  cv?: CrossValidation | undefined;
  cvBy?: CvDetails | undefined;
}

async function ofModel(path: string, options: CvOptions, signal: AbortSignal): Promise<Found> {
  const { folds, formula, target, features, exclude, weights, lambda, alpha } = options;
  const { penaltyFactors, lower, upper, relax, gamma, groupBy: by } = options;
  const limits = {
    "penalty-factors": penaltyFactors,
    lower,
    upper,
    relax,
    gamma,
    "group-by": by,
    cv: options.cv,
    adaptive: options.adaptive,
    "weights-kind": options.weightsKind,
    "fold-by": options.foldBy,
    time: options.time,
    unit: options.unit,
  };
  const asked = { folds, formula, target, features, exclude, weights, lambda, alpha, ...limits };
  const given = Object.entries(asked).find(([, value]) => value !== undefined);
  if (given !== undefined)
    throw new UsageError(`--${given[0]} needs the data, and ${path} is a model`, {
      hint: "name the CSV, or see goml refit",
    });
  return { model: await readAnyModel(path, { trust: options.trust, signal }), notes: [] };
}

/** Folds of each group where none are asked for: for this command they are what the fit is for. */
const GROUP_FOLDS = 10;

async function ofData(paths: readonly string[], options: CvOptions, signal: AbortSignal): Promise<Found> {
  const progress = progressBar("reading");
  const { threads, groupBy } = options;
  const control = { threads, callerWorks: true, signal, onProgress: progress.update };
  const how = { ...modelOptions(options), time: options.time, unit: options.unit };
  if (groupBy === undefined) {
    const leaveOneOut = options.folds !== undefined;
    return fitCsv(paths, { ...how, ...control, leaveOneOut, cv: options.cv }).finally(progress.end);
  }
  refuseCv(options.cv, groupBy);
  const { weightsKind } = options;
  if (weightsKind !== undefined)
    throw new UsageError(`--weights-kind ${weightsKind} does not go with --group-by`, {
      hint: `cross-validate a group by itself: --where '${groupBy} == "…"'`,
    });
  const folds = options.folds ?? GROUP_FOLDS;
  const fitting = fitGroupsCsv(paths, { ...how, ...control, solver: undefined, folds, groupBy });
  const { models, notes } = await fitting.finally(progress.end);
  return { model: models, notes };
}

function document(
  path: string,
  model: LinearModel,
  { folds, ...overall }: CrossValidation,
  by: CvDetails | undefined,
) {
  const names = model.coefficientNames;
  const called = foldNames(by);
  return {
    goml: version,
    command: "cv",
    data: { path, n: model.n, seed: model.scan?.seed, foldBy: model.scan?.foldBy },
    model: { target: model.target, terms: model.terms, penalty: model.penalty },
    cv: {
      ...overall,
      ...(by === undefined ? {} : { by: by.kind }),
      ...(by?.repetitions === undefined
        ? {}
        : {
            mseDeviation: deviation(by.repetitions.map(({ mse }) => mse)),
            repetitions: by.repetitions.map(({ mse, rmse, r2 }) => ({ mse, rmse, r2 })),
          }),
    },
    folds: folds.map(({ coefficients, needs, ...fold }, i) => ({
      fold: i + 1,
      ...(called === undefined ? {} : { name: called[i] }),
      ...fold,
      ...(needs.length > 0 ? { needs: needs.map((j) => model.terms[j]) } : {}),
      coefficients: Object.fromEntries(names.map((name, j) => [name, coefficients[j]])),
    })),
  };
}

/** The standard deviation of some numbers. */
function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/** What folds are called that have names: along time the first stretch is none of them. */
function foldNames(by: CvDetails | undefined): readonly string[] | undefined {
  return by?.kind.kind === "time" ? by.names?.slice(1) : by?.names;
}

function render(model: LinearModel, found: CrossValidation, by: CvDetails | undefined): string {
  const { mse, rmse, r2, mseError } = found;
  const { repetitions } = by ?? {};
  // A fold by itself for each row, or none at all, makes no table.
  const errors: readonly { n?: number; mse: number; rmse: number; r2: number }[] =
    repetitions ?? (by?.kind.kind === "loo" ? [] : found.folds);
  const [mses, rmses, r2s] = [
    alignedDecimals(errors.map((fold) => fold.mse)),
    alignedDecimals(errors.map((fold) => fold.rmse)),
    alignedDecimals(errors.map((fold) => fold.r2)),
  ];
  const names = foldNames(by);
  const rows = shownOf([...errors]).map(({ n }, i) => [
    names?.[i] ?? String(i + 1),
    ...(repetitions === undefined ? [count(n!)] : []),
    mses[i]!,
    rmses[i]!,
    r2s[i]!,
  ]);
  const titles =
    repetitions === undefined ? ["fold", "rows", "MSE", "RMSE", "R²"] : ["repetition", "MSE", "RMSE", "R²"];
  const split = cvSplitText(model, found, by);
  const { penalty } = model;
  const { length } = model.terms;
  const spread =
    repetitions === undefined
      ? `± ${significant(mseError, 3)} (standard error over ${found.folds.length === 0 ? "rows" : "folds"})`
      : `± ${significant(deviation(repetitions.map((one) => one.mse)), 3)} (standard deviation between repetitions)`;
  const align = titles.map((_, i) =>
    i === 0 && names !== undefined ? ("left" as const) : ("right" as const),
  );
  return `${setLines([
    `${colour.bold(model.target)} on ${length} ${length === 1 ? "term" : "terms"}, ${split}`,
    ...(penalty === undefined ? [] : [`${penaltyText(penalty)}: minimises ${objectiveOf(model)}`]),
    ...(errors.length === 0 ? [] : ["", renderTable({ titles, rows, align })]),
    ...moreLines(errors.length - rows.length, repetitions === undefined ? "folds" : "repetitions"),
    "",
    `RMSE ${significant(rmse)}   MSE ${significant(mse)} ${spread}   R² ${significant(r2)} out of ${
      by?.kind.kind === "time" ? "time" : "fold"
    }`,
    ...leftOutNotes(model, found, by).map((text) => colour.yellow(text)),
  ])}\n`;
}

function leftOutNotes(model: LinearModel, found: CrossValidation, by: CvDetails | undefined): string[] {
  const { unpredicted = 0 } = found;
  if (by?.kind.kind !== "loo" || model.absorbed !== undefined || unpredicted === 0)
    return leftOutFolds(model, found);
  const rows = unpredicted === 1 ? "1 row" : `${count(unpredicted)} rows`;
  return [`${rows} of leverage 1 left out of it: the others do not tell what they need`];
}
