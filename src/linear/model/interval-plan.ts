// Apart from interval.ts, which worker threads load: they start sooner without the distributions.
import { ModelError, UsageError } from "../../errors.js";
import { option, verb, wording } from "../../wording.js";
import { factorOf } from "../covariance/meat-factor.js";
import { checkErrors, inferenceDf } from "../covariance/vcov.js";
import type { IntervalOptions, IntervalPlan } from "./interval.js";
import type { FittedModel } from "./model-parts.js";

/** What a model's intervals follow from. */
export type ModelOfIntervals = Pick<
  FittedModel,
  | "penalty"
  | "absorbed"
  | "dfResidual"
  | "whitening"
  | "withinPlan"
  | "vcov"
  | "rss"
  | "weightsKind"
  | "weightUnit"
>;

/**
 * The plan of a model's intervals.
 *
 * @param tCritical Student's quantile: by the special functions where these are at hand, else without
 * @throws UsageError for a level that is not between 0 and 1; ModelError for a penalised fit
 */
export function intervalPlan(
  model: ModelOfIntervals,
  tCritical: (level: number, df: number) => number,
  options: IntervalOptions = {},
): IntervalPlan {
  const { interval = "prediction", level = 0.95 } = options;
  if (!(level > 0 && level < 1)) throw new UsageError(`level should be between 0 and 1, got ${level}`);
  if (model.penalty !== undefined)
    throw new ModelError("a penalised fit has no standard errors, and so no intervals", {
      hint: wording`${verb("refit", option("lambda", 0))} gives the fit without the penalty`,
    });
  if (model.absorbed !== undefined && model.vcov.type !== "iid")
    throw new ModelError(
      `a ${model.vcov.type} covariance is that of the terms, not of the absorbed effects: there are no intervals`,
      {
        hint: "train without it, or fit the factors as terms, where a level has rows enough for an error of its own",
      },
    );
  checkErrors(model);
  const df = inferenceDf(model.vcov, model.dfResidual);
  const sigma2 = model.dfResidual > 0 ? model.rss / model.dfResidual : Number.NaN;
  return {
    whitening: model.whitening,
    within: model.withinPlan("intervals"),
    meat: model.vcov.type === "iid" ? undefined : factorOf(model.vcov, model.whitening.rank),
    rss: model.rss,
    sigma2,
    ownVariance: model.weightUnit === 1 ? undefined : sigma2 * model.weightUnit,
    kind: interval,
    df,
    critical: df > 0 ? tCritical(level, df) : Number.NaN,
  };
}
