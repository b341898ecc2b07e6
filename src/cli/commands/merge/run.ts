import { ModelError } from "../../../errors.js";
import { namedTwice, refuseOverwriting } from "../../../files/same-file.js";
import type { LinearModel } from "../../../linear/model/model.js";
import { readModel } from "../../../linear/model/model-file.js";
import { mergeModelsSteps, refuseCopies } from "../../../linear/shards/merge-models.js";
import { withPauses } from "../../../parallel/steps.js";
import { reportSteps } from "../../render/model-report.js";
import { type PresentOptions, presentModel } from "../../render/present-model.js";

/** The options of `goml merge`, as commander gives them. */
export interface MergeModelsOptions extends PresentOptions {
  again?: boolean;
  trust?: boolean;
}

/** `goml merge`: the model of all rows, from the models of shards. */
export async function merge(
  paths: readonly string[],
  options: MergeModelsOptions,
  signal: AbortSignal,
): Promise<number> {
  const twice = namedTwice(paths);
  if (twice !== undefined) {
    const [a, b] = twice;
    throw new ModelError(
      a === b
        ? `${a} is named twice: its rows would count twice`
        : `${a} and ${b} are one file: its rows would count twice`,
      { hint: "name each shard once" },
    );
  }
  refuseOverwriting(
    [{ path: options.model ?? options.output, what: "the merged model" }],
    paths.map((path) => ({ path, what: "a shard" })),
  );
  const models: { name: string; model: LinearModel }[] = [];
  for (const name of paths)
    models.push({ name, model: await readModel(name, { trust: options.trust, signal }) });
  if (!options.again) refuseCopies(models);
  const merged = await withPauses(mergeModelsSteps(models, { again: options.again }), { signal });
  const report = await withPauses(reportSteps(merged.model, merged.notes), { signal });
  await presentModel("merge", report, options, {
    signal,
    extra: { merged: paths },
  });
  return 0;
}
