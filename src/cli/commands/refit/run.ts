import { readModel } from "../../../linear/model/model-file.js";
import { refit as refitModel } from "../../../linear/selection/refit.js";
import { reportOf } from "../../render/model-report.js";
import { type PresentOptions, presentModel } from "../../render/present-model.js";

/** The options of `goml refit`, as commander gives them. */
export interface RefitOptions extends PresentOptions {
  features?: string[];
  target?: string;
  formula?: string;
  reference: Record<string, string>;
  intercept: boolean;
  lambda?: number | "path";
  alpha?: number;
}

/** `goml refit`: another model of the same rows, from the moments in the file. */
export async function refit(path: string, options: RefitOptions): Promise<number> {
  const model = await readModel(path);
  const { features, target, formula, reference, intercept, lambda, alpha } = options;
  const refitted = refitModel(model, {
    features,
    target,
    formula,
    references: reference,
    intercept: intercept ? undefined : false,
    lambda,
    alpha,
  });
  const report = { ...reportOf(refitted.model, refitted.notes), path: refitted.path };
  await presentModel("refit", report, options, { path: model.source?.path });
  return 0;
}
