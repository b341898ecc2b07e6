import { LinearModel } from "../linear/model/model.js";
import type { ModelGroup } from "../linear/model/model-group.js";
import type { Steps } from "../parallel/steps.js";

/**
 * Works out, in steps, what the absorbed effects of a model are, or of the models of groups: what predictions are made of
 * then follows at once. A model file has the moments that effects follow from, and not the effects.
 *
 * @param leverages what needs the effects' leverages too, where something does
 */
export function* knownEffectsSteps(model: LinearModel | ModelGroup, leverages?: string): Steps<void> {
  for (const one of model instanceof LinearModel ? [model] : model.others.values()) {
    if (one.absorbed === undefined) continue;
    yield* one.predictedEffectsSteps();
    // Others are refused, with reasons, where they are asked for.
    if (leverages !== undefined && one.penalty === undefined && one.vcov.type === "iid")
      yield* one.withinPlanSteps(leverages);
  }
}
