import type { CodedTerm } from "../../dataset/formula/coding.js";
import { completeSpec, type ModelSpec, predictedTarget } from "../../dataset/formula/spec.js";
import type { PredictorPlan } from "./block-predictor.js";
import type { ModelOfTables, PredictedEffects } from "./effects-of-model.js";
import type { RowSpacePlan } from "./row-space.js";

/** What the plan of predictions is made of; `LinearModel` has it. */
interface ModelOfPlan extends ModelOfTables {
  readonly codedTerms: readonly CodedTerm[];
  readonly weights: Float64Array;
  readonly rowSpace: RowSpacePlan | undefined;
  /** Asked for where effects are absorbed. */
  readonly predictedEffects: PredictedEffects;
}

/** What predicting from raw columns needs of a model; with `target`, the target's raw columns are among them. */
export function predictorPlanOf(model: ModelOfPlan, target: boolean): PredictorPlan {
  const spec = predictedSpec(model.spec, target);
  const { codedTerms: terms, levels, weights, rowSpace } = model;
  if (spec.absorbed === undefined) return { spec, terms, levels, weights, target, rowSpace };
  const { levels: known, plan: effects, values } = model.predictedEffects;
  const all = new Float64Array(values.reduce((sum, { length }) => sum + length, weights.length));
  all.set(weights);
  let at = weights.length;
  for (const own of values) {
    all.set(own, at);
    at += own.length;
  }
  return { spec, terms, levels: known, weights: all, effects, target, rowSpace };
}

/** The spec whose raw columns predicting reads. */
export function predictedSpec(spec: ModelSpec, target: boolean): ModelSpec {
  return target ? spec : completeSpec({ ...spec, target: predictedTarget(spec.target) });
}

/** θ with 0 for aliased terms and, first, the intercept (0 where there is none): what predicting needs. */
export function weightsOf(
  coefficients: Float64Array,
  { intercept }: Pick<ModelSpec, "intercept">,
): Float64Array {
  const estimated = coefficients.map((value) => (Number.isNaN(value) ? 0 : value));
  return intercept ? estimated : Float64Array.of(0, ...estimated);
}
