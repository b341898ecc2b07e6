import { ModelError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { mergeFolds } from "../../stats/merge-folds.js";
import { inOrder, ModelGroup, modelsByGroup } from "../model/model-group.js";
import { mergeTreeSteps } from "../solve/merge-steps.js";
import { checkCompatible, foldNotes, lagNotes, refuseSingletons } from "./compatible.js";
import { commonPenalty, commonSpec, groupsOf, keptOf } from "./group-rows.js";
import { type MergeOptions, summedScan } from "./merge-models.js";
import { inShardOrder, mergedShards } from "./numbered.js";
import { type GroupRows, GroupSolver } from "./solve-group.js";
import { refuseMerging } from "./sources.js";

/** Models by group, and what to call them in messages. */
export interface NamedGroups {
  name: string;
  model: ModelGroup;
}

/**
 * The models of all rows, from models by group of shards, group by group as `mergeModels`: each is the model that training
 * on all rows of the group gives. A group that only some shards have is theirs; one that no shard could fit may be fitted
 * with the rows of all.
 *
 * @throws ModelError that names the first difference between models that do not fit together, two that were made of the
 * same source, a group of which a shard did not keep the rows, and numbered shards as `mergeModels`
 */
export function* mergeGroupsSteps(
  named: readonly NamedGroups[],
  options: MergeOptions = {},
): Steps<ModelGroup> {
  const all = inShardOrder(named);
  const [first, ...others] = all;
  if (first === undefined || others.length === 0)
    throw new ModelError("merging takes two models or more, found one", { hint: "name the shards' models" });
  for (const other of others) checkAlike(first, other);
  const shards = mergedShards(
    all.map(({ name, model }) => ({ name, shards: model.shards })),
    options,
  );
  if (!options.again)
    for (const [i, a] of all.entries())
      for (const b of all.slice(i + 1))
        refuseMerging({ name: a.name, sources: a.model.sources }, { name: b.name, sources: b.model.sources });
  const names = inOrder(new Set(all.flatMap(({ model }) => groupsOf(model))));
  const solver = new GroupSolver(commonSpec(all.map(({ model }) => model)));
  const usual = commonPenalty(all.map(({ model }) => model));
  for (const name of names) {
    const kept = all.flatMap(({ name: file, model }) => {
      const own = keptOf(model, name);
      if (own === undefined && model.refused.some(({ group, reason }) => group === name && !isEmpty(reason)))
        throw new ModelError(
          `${file} has not kept the rows of group ${JSON.stringify(name)}, which it could not fit`,
          {
            hint: "train it anew",
          },
        );
      return own === undefined ? [] : [own];
    });
    if (kept.length === 0) {
      solver.refused.push(all.flatMap(({ model }) => model.refused).find(({ group }) => group === name)!);
      continue;
    }
    yield* solver.add(
      name,
      mergedRows(kept.map(({ rows }) => rows)),
      kept.find(({ penalty }) => penalty !== undefined)?.penalty ?? usual,
    );
    yield;
  }
  return new ModelGroup({
    groupBy: first.model.groupBy,
    models: modelsByGroup(solver.finish(), solver.others),
    refused: solver.refused,
    sources: all.flatMap(({ model }) => model.sources),
    shards,
    scan: summedScan(all.map(({ model }) => model.scan)),
  });
}

/** Whether the reason of a group without a model says that it has no rows. */
function isEmpty(reason: string): boolean {
  return reason.startsWith("0 complete rows");
}

/** What is to be said where folds are lost because some of the shards' models have none, and of lags. */
export function groupNotes(all: readonly NamedGroups[]): string[] {
  const first = all.map(({ name, model }) => ({ name, model: model.models.values().next().value! }));
  return [...foldNotes(first), ...lagNotes(first)];
}

/** The moments of the rows of several, fold by fold where all have folds, merged in a tree as those of models are. */
export function mergedRows(all: readonly GroupRows[]): GroupRows {
  const [first] = all as [GroupRows];
  if (all.length === 1) return first;
  const some = all.every((rows) => rows.folds.length > 0) ? first.folds : [];
  const tree = (parts: readonly CrossProducts[]) => inOneGo(mergeTreeSteps(parts));
  const folds = some.map((_, f) => tree(all.map((rows) => rows.folds[f]!)));
  return { moments: folds.length > 0 ? mergeFolds(folds) : tree(all.map(({ moments }) => moments)), folds };
}

/** Throws ModelError that names the first way in which models by group are not of the same kind. */
export function checkAlike(a: NamedGroups, b: NamedGroups): void {
  if (a.model.groupBy !== b.model.groupBy)
    throw new ModelError(
      `${a.name} and ${b.name} do not fit together: the groups are by ${a.model.groupBy} and ${b.model.groupBy}`,
      { hint: "train the shards with the same options" },
    );
  refuseSingletons([a, b]);
  const [x, y] = [a.model, b.model].map((models) => models.models.values().next().value!);
  checkCompatible({ name: a.name, model: x! }, { name: b.name, model: y! });
}
