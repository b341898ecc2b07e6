import type { ModelSpec } from "../dataset/formula/spec.js";
import { UsageError } from "../errors.js";
import type { VcovType } from "../linear/covariance/vcov.js";
import {
  checkVcovOfInstruments,
  penalizedInstruments,
  readEstimator,
  withoutInstruments,
} from "../linear/instruments/check-instruments.js";
import type { ModelInstruments } from "../linear/model/model-instruments.js";
import { option, wording } from "../wording.js";
import type { FitCsvOptions } from "./fit-options.js";
import { penaltyChoice } from "./penalty-choice.js";

/**
 * How an equation with instruments is estimated; undefined where the spec has none.
 *
 * @throws UsageError for what such a fit cannot be asked for: a penalty, a solver that needs rows, cross-validation, for
 * the estimator does not minimise the error of predictions, and covariances of least squares alone, and what is kept for them
 */
export function instrumentsFor(
  spec: ModelSpec,
  options: FitCsvOptions,
  vcov: VcovType | undefined,
): ModelInstruments | undefined {
  const { iv, solver = "auto", folds, leaveOneOut, cv, keepMeat } = options;
  if (spec.instruments === undefined) {
    if (iv !== undefined) throw withoutInstruments(iv);
    return undefined;
  }
  if (penaltyChoice(options) !== undefined) throw penalizedInstruments();
  if (solver === "qr" || solver === "gd")
    throw new UsageError(wording`instruments do not go with ${option("solver", solver)}`, {
      hint: wording`leave ${option("solver")} out`,
    });
  if ((folds !== undefined && folds > 1) || leaveOneOut === true || cv !== undefined)
    throw new UsageError(
      "there is no cross-validation with instruments: they are for the coefficients, at the price of a larger error of predictions",
      { hint: wording`leave ${option("folds")} out` },
    );
  if (keepMeat !== undefined && keepMeat !== "none")
    throw new UsageError(
      wording`${option("keepMeat")} is of least squares: of an equation with instruments nothing is kept of the rows`,
      { hint: wording`leave ${option("keepMeat")} out` },
    );
  checkVcovOfInstruments(vcov ?? "iid");
  return { spec, ...readEstimator(iv ?? "2sls") };
}

/**
 * Refuses instruments for models by group.
 *
 * @throws UsageError
 */
export function refuseInstrumentsOfGroups(spec: ModelSpec, { iv }: Pick<FitCsvOptions, "iv">): void {
  if (spec.instruments === undefined && iv === undefined) return;
  if (spec.instruments === undefined) throw withoutInstruments(iv!);
  throw new UsageError(wording`instruments do not go with ${option("groupBy")}`, {
    hint: wording`train each group by itself, by a condition in ${option("where")}`,
  });
}
