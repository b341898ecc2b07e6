import { statSync } from "node:fs";
import { ModelError } from "../../../errors.js";
import { namedTwice, refuseOverwriting } from "../../../files/same-file.js";
import { clusterNotes, vcovShortName } from "../../../linear/covariance/vcov.js";
import { LinearModel } from "../../../linear/model/model.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { ModelGroup } from "../../../linear/model/model-group.js";
import type { NamedModel } from "../../../linear/shards/compatible.js";
import { groupNotes, mergeGroupsSteps, type NamedGroups } from "../../../linear/shards/merge-groups.js";
import { mergeModelsSteps, refuseCopies } from "../../../linear/shards/merge-models.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import { readMeat } from "../../../training/meat-document.js";
import { mergeMeats } from "../../../training/merge-meats.js";
import { progressBar } from "../../program/progress.js";
import { reportSteps } from "../../render/model-report.js";
import { presentGroups } from "../../render/present-groups.js";
import { type PresentOptions, presentModel } from "../../render/present-model.js";
import { modelPaths } from "./model-paths.js";

/** The options of `goml merge`, as commander gives them. */
export interface MergeModelsOptions extends PresentOptions {
  again?: boolean;
  partial?: boolean;
  meats?: boolean;
  trust?: boolean;
}

/** `goml merge`: the model of all rows, from the models of shards. */
export async function merge(
  given: readonly string[],
  options: MergeModelsOptions,
  signal: AbortSignal,
): Promise<number> {
  const paths = await modelPaths(given, signal);
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
  if (options.meats) return mergeMeatsOf(paths, options, signal);
  const { again, partial } = options;
  const all: { name: string; model: LinearModel | ModelGroup }[] = [];
  const sizes = paths.map((path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let read = 0;
  const progress = progressBar(`reading ${paths.length} models`);
  try {
    for (const [i, name] of paths.entries()) {
      all.push({ name, model: await readAnyModel(name, { trust: options.trust, signal }) });
      read += sizes[i]!;
      progress.update({ read, total });
    }
  } finally {
    progress.end();
  }
  const grouped = all.filter((one): one is NamedGroups => one.model instanceof ModelGroup);
  if (grouped.length > 0) {
    const other = all.find(({ model }) => model instanceof LinearModel);
    if (other !== undefined)
      throw new ModelError(
        `${grouped[0]!.name} and ${other.name} do not fit together: one holds models by group, the other one model`,
        { hint: "train the shards with the same options" },
      );
    const merged = await withPauses(mergeGroupsSteps(grouped, { again, partial }), { signal });
    await presentGroups("merge", merged, options, {
      signal,
      notes: groupNotes(grouped),
      extra: { merged: paths },
    });
    return 0;
  }
  const models = all as NamedModel[];
  if (!again) refuseCopies(models);
  const merged = await withPauses(mergeModelsSteps(models, { again, partial }), { signal });
  const report = await withPauses(reportSteps(merged.model, merged.notes), { signal });
  await presentModel("merge", report, options, {
    signal,
    extra: { merged: paths },
  });
  return 0;
}

/** `goml merge --meats`: a model with the robust errors of the meats of its shards. */
async function mergeMeatsOf(
  [path, ...meatPaths]: readonly string[],
  options: MergeModelsOptions,
  signal: AbortSignal,
): Promise<number> {
  const model = await readAnyModel(path!, { trust: options.trust, signal });
  if (model instanceof ModelGroup)
    throw new ModelError(`${path} holds models by group, which have classical errors`, {
      hint: "train one group with --where",
    });
  const meats = meatPaths.map((name) => ({ name, meat: readMeat(name) }));
  const robust = mergeMeats(model, meats);
  const notes = [
    `errors of all rows (${vcovShortName(robust.vcov)}), exact: from the meats of ${meats.length} shards`,
    ...clusterNotes(robust.vcov),
  ];
  const report = await withPauses(reportSteps(robust, notes), { signal });
  await presentModel("merge", report, options, { signal, extra: { merged: path, meats: meatPaths } });
  return 0;
}
