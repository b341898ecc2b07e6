import { ModelError } from "../../../errors.js";
import { readModel } from "../../../linear/model/model-file.js";
import { mergeModelsSteps } from "../../../linear/shards/merge-models.js";
import { withPauses } from "../../../parallel/steps.js";
import { reportSteps } from "../../render/model-report.js";
import { type PresentOptions, presentModel } from "../../render/present-model.js";

/** `goml merge`: the model of all rows, from the models of shards. */
export async function merge(
  paths: readonly string[],
  options: PresentOptions,
  signal: AbortSignal,
): Promise<number> {
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined)
    throw new ModelError(`${twice} is named twice: its rows would count twice`, {
      hint: "name each shard once",
    });
  const models = await Promise.all(paths.map(async (name) => ({ name, model: await readModel(name) })));
  const merged = await withPauses(mergeModelsSteps(models), { signal });
  const report = await withPauses(reportSteps(merged.model, merged.notes), { signal });
  await presentModel("merge", report, options, { extra: { merged: paths } });
  return 0;
}
