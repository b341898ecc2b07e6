import { ModelError } from "../../../errors.js";
import { readModel } from "../../../linear/model/model-file.js";
import { mergeModels } from "../../../linear/shards/merge-models.js";
import { reportOf } from "../../render/model-report.js";
import { type PresentOptions, presentModel } from "../../render/present-model.js";

/** `goml merge`: the model of all rows, from the models of shards. */
export async function merge(paths: readonly string[], options: PresentOptions): Promise<number> {
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined)
    throw new ModelError(`${twice} is named twice: its rows would count twice`, {
      hint: "name each shard once",
    });
  const models = await Promise.all(paths.map(async (name) => ({ name, model: await readModel(name) })));
  const merged = mergeModels(models);
  await presentModel("merge", reportOf(merged.model, merged.notes), options, { extra: { merged: paths } });
  return 0;
}
