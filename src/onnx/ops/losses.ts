import { Select } from "../../machine/ops/boxes.js";
import { Gather, GatherElements } from "../../machine/ops/gathering.js";
import { Lanes } from "../../machine/ops/lanes.js";
import type { Operand } from "../builder.js";
import type { Call, Conversion } from "../call.js";

/** −weight·logp of the target's class, averaged by weight, summed, or each. */
function negativeLogLikelihood(
  call: Call,
  logs: Operand,
  targets: Operand,
  weights: Operand | undefined,
): Operand {
  const { build } = call;
  const ignored = call.has("ignore_index") ? call.integer("ignore_index", 0) : undefined;
  const target = build.cast(targets, "int64");
  const skip =
    ignored === undefined ? undefined : build.pair("isEqual", target, build.scalar(ignored, target));
  const zero = build.scalar(0, target);
  const safe = skip === undefined ? target : build.apply(new Select(), skip, zero, target);
  const places = build.reshape(safe, target.shape.toSpliced(1, 0, 1));
  const chosen = build.reshape(build.apply(new GatherElements({ axis: 1 }), logs, places), target.shape);
  let own: Operand =
    weights === undefined
      ? build.broadcastTo(build.scalar(1, logs), target.shape)
      : build.apply(new Gather({ axis: 0 }), weights, safe);
  if (skip !== undefined) own = build.apply(new Select(), skip, build.scalar(0, logs), own);
  const each = build.unary("neg", build.binary("mul", chosen, own));
  const reduction = call.text("reduction", "mean");
  if (reduction === "none") return each;
  const axes = each.shape.map((_, axis) => axis);
  const sum = build.reduce("sumOf", each, axes, false);
  return reduction === "sum" ? sum : build.binary("div", sum, build.reduce("sumOf", own, axes, false));
}

export const losses: Readonly<Record<string, Conversion>> = {
  NegativeLogLikelihoodLoss: (call) =>
    negativeLogLikelihood(call, call.input(0), call.input(1), call.optional(2)),
  SoftmaxCrossEntropyLoss: (call) => {
    const logs = call.build.apply(new Lanes("logSoftmax", { axis: 1 }), call.input(0));
    return [negativeLogLikelihood(call, logs, call.input(1), call.optional(2)), logs];
  },
};
