import { refuseOverwriting } from "../../../files/same-file.js";
import type { AskedEstimator } from "../../../linear/instruments/check-instruments.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { ModelGroup } from "../../../linear/model/model-group.js";
import { eachGroupSteps } from "../../../linear/selection/each-group.js";
import { refitSteps } from "../../../linear/selection/refit.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import { type PenaltyFlags, penaltyOptions } from "../../program/penalty-options.js";
import { reportSteps } from "../../render/model-report.js";
import { presentGroups } from "../../render/present-groups.js";
import { type PresentOptions, presentModel } from "../../render/present-model.js";

/** The options of `goml refit`, as commander gives them. */
export interface RefitOptions extends PresentOptions, PenaltyFlags {
  features?: string[];
  target?: string;
  formula?: string;
  iv?: AskedEstimator;
  reference: Record<string, string>;
  contrasts: Record<string, string>;
  intercept: boolean;
  trust?: boolean;
}

/** `goml refit`: another model of the same rows, from the moments in the file. */
export async function refit(path: string, options: RefitOptions, signal: AbortSignal): Promise<number> {
  refuseOverwriting(
    [{ path: options.model ?? options.output, what: "the new model" }],
    [{ path, what: "the model that it is made of" }],
  );
  const model = await readAnyModel(path, { trust: options.trust, signal });
  const { features, target, formula, iv, reference, contrasts, intercept } = options;
  const asked = {
    features,
    target,
    formula,
    iv,
    references: reference,
    contrasts,
    intercept: intercept ? undefined : false,
    ...penaltyOptions(options),
  };
  if (model instanceof ModelGroup) {
    const steps = eachGroupSteps(model, (one) => refitSteps(one, asked));
    const { models, notes } = await withPauses(steps, { signal });
    await presentGroups("refit", models, options, { signal, notes, data: model.source?.path });
    return 0;
  }
  const refitted = await withPauses(refitSteps(model, asked), { signal });
  const report = {
    ...(await withPauses(reportSteps(refitted.model, refitted.notes), { signal })),
    path: refitted.path,
  };
  await presentModel("refit", report, options, { signal, path: model.source?.path });
  return 0;
}
