import { UsageError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { mergeFolds } from "../../stats/merge-folds.js";
import { option, wording } from "../../wording.js";
import type { LinearModel } from "../model/model.js";
import type { ModelGroup } from "../model/model-group.js";
import { crossValidateWithSteps } from "../penalty/penalty.js";
import { type CrossValidation, cvOnScaleOf } from "../solve/cross-validation.js";

/** Cross-validation of models by group, each on its own rows. */
export interface GroupsCrossValidation {
  /** By group, in order: those that have two folds with rows. */
  groups: Map<string, CrossValidation>;
  /** Groups that have not, and no error. */
  without: string[];
  /** Rows of the groups and folds that have an error. */
  n: number;
  /** The mean squared error over these rows, each predicted by its group's model of the other folds. */
  mse: number;
  rmse: number;
  /** 1 − out-of-fold squares / Σ w (y − ȳ)², ȳ the mean over all these rows. */
  r2: number;
}

/**
 * Cross-validates models by group from the moments of their folds, as `crossValidate` does each.
 *
 * @throws UsageError where no group has two folds with rows
 */
export function* crossValidateGroupsSteps(models: ModelGroup): Steps<GroupsCrossValidation> {
  const groups = new Map<string, CrossValidation>();
  const without: string[] = [];
  const targets: CrossProducts[] = [];
  let [n, squares] = [0, 0];
  for (const [name, model] of models.models) {
    yield;
    const folds = model.folds.filter((fold) => fold.n > 0);
    if (folds.length < 2) {
      without.push(name);
      continue;
    }
    const cv = yield* crossValidateWithSteps(folds, model.regression, model.penalty);
    groups.set(name, cvOnScaleOf(cv, model.moments));
    for (const [f, error] of cv.folds.entries()) {
      if (error.needs.length > 0) continue;
      n += error.n;
      squares += error.mse * folds[f]!.sumW;
      targets.push(targetOf(folds[f]!, model));
    }
    // A list of all folds of all groups would be long.
    if (targets.length > 1000) targets.splice(0, targets.length, mergeFolds(targets));
  }
  if (groups.size === 0)
    throw new UsageError("no group has two cross-validation folds with rows", {
      hint: wording`train with ${option("folds", 10)}`,
    });
  // On the scale of the fits' MSE.
  const mse = squares / n;
  const spread = targets.length === 0 ? Number.NaN : mergeFolds(targets).product(0, 0);
  return { groups, without, n, mse, rmse: Math.sqrt(mse), r2: 1 - squares / spread };
}

/**
 * `crossValidateGroupsSteps` in one go.
 *
 * @example
 * ```js
 * import { crossValidateGroups, fitGroupsCsv } from "goml";
 *
 * const { models } = await fitGroupsCsv("data/cps-wages.csv", {
 *   target: "wage",
 *   features: ["education"],
 *   groupBy: "gender",
 * });
 * console.log(crossValidateGroups(models).mse.toFixed(4)); // 21.6257
 * ```
 */
export function crossValidateGroups(models: ModelGroup): GroupsCrossValidation {
  return inOneGo(crossValidateGroupsSteps(models));
}

/** The moments of the target alone. */
function targetOf(fold: CrossProducts, { regression }: LinearModel): CrossProducts {
  const at = fold.index(regression.target);
  return at < 0 ? fold.select([]).widen([regression.target]) : fold.select([at]);
}
