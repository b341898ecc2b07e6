import { ModelError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import { mergeFolds } from "../../stats/merge-folds.js";
import { inOrder, ModelGroup, modelsByGroup } from "../model/model-group.js";
import { refuseLagsForgotten } from "./compatible.js";
import { foldsLost, less, lostDigits, without, withoutEach } from "./forget-rows.js";
import { commonPenalty, commonSpec, groupsOf, keptOf } from "./group-rows.js";
import { checkAlike, type NamedGroups } from "./merge-groups.js";
import { shardsLeft } from "./numbered.js";
import { type GroupRows, GroupSolver } from "./solve-group.js";
import { sameFolds, sourcesLeft } from "./sources.js";

/** Models by group without the rows of a shard. */
export interface ForgottenGroups {
  models: ModelGroup;
  /** The groups that have no rows any more. */
  gone: string[];
  /** About how many decimal digits of a group's sums taking away has cost at most, and how many are left at least. */
  digitsLost: number;
  digitsLeft: number;
  notes: string[];
}

/**
 * Takes the rows of a shard out of models by group again, group by group as `forgetRows`; groups that lose all rows are
 * gone.
 *
 * @throws ModelError where the models do not fit together, or the shard's rows cannot be among the models'
 */
export function* forgetGroupsSteps(whole: NamedGroups, shard: NamedGroups): Steps<ForgottenGroups> {
  checkAlike(whole, shard);
  refuseLagsForgotten(whole);
  const folded = whole.model.models.values().next().value!.folds.length > 0;
  const found =
    folded && sameFolds(whole.model, shard.model) ? yield* forgetSteps(whole, shard, true) : undefined;
  if (found !== undefined) return found;
  const rest = (yield* forgetSteps(whole, shard, false))!;
  return { ...rest, notes: folded ? [foldsLost(whole.name, shard.name)] : [] };
}

/** `forgetGroupsSteps` with folds or without; undefined where the rows of a group cannot be in its folds. */
function* forgetSteps(
  whole: NamedGroups,
  shard: NamedGroups,
  folded: boolean,
): Steps<ForgottenGroups | undefined> {
  const shards = shardsLeft(
    { name: whole.name, shards: whole.model.shards },
    { name: shard.name, shards: shard.model.shards },
  );
  const solver = new GroupSolver(commonSpec([whole.model]));
  const usual = commonPenalty([whole.model]);
  const gone: string[] = [];
  let [digitsLost, digitsLeft] = [0, 32];
  const taken = new Set(groupsOf(shard.model));
  const names = groupsOf(whole.model);
  const known = new Set(names);
  const notAmong = (group: string, why: string) =>
    new ModelError(
      `the rows of ${shard.name} are not among those of ${whole.name}: group ${JSON.stringify(group)} ${why}`,
      { hint: "only what was merged or trained in can be taken out" },
    );
  for (const name of taken)
    if (!known.has(name) && keptOf(shard.model, name) !== undefined) throw notAmong(name, "is there only");
  for (const name of inOrder(names)) {
    yield;
    const all = keptOf(whole.model, name);
    if (all === undefined) {
      solver.refused.push(whole.model.refused.find(({ group }) => group === name)!);
      continue;
    }
    const part = taken.has(name) ? keptOf(shard.model, name) : undefined;
    if (part !== undefined && part.rows.moments.n > all.rows.moments.n)
      throw notAmong(name, `has ${part.rows.moments.n} rows there, and ${all.rows.moments.n} in all`);
    if (part !== undefined && part.rows.moments.n === all.rows.moments.n) {
      gone.push(name);
      continue;
    }
    let left: GroupRows = folded ? all.rows : { ...all.rows, folds: [] };
    if (part !== undefined) {
      const moments = without(all.rows.moments, part.rows.moments);
      if (typeof moments === "string") throw notAmong(name, moments);
      const folds = folded ? withoutEach(all.rows.folds, part.rows.folds) : [];
      if (folded && folds.length === 0) return undefined;
      left = folded ? { moments: mergeFolds(folds), folds } : { moments, folds };
      const lost = lostDigits(all.rows.moments, left.moments);
      digitsLost = Math.max(digitsLost, lost);
      digitsLeft = Math.min(digitsLeft, (left.moments.extended ? 32 : 16) - lost);
    }
    yield* solver.add(name, left, all.penalty ?? usual);
  }
  const models = new ModelGroup({
    groupBy: whole.model.groupBy,
    models: modelsByGroup(solver.finish(), solver.others),
    refused: solver.refused,
    sources: sourcesLeft(whole.model.sources, shard.model.sources),
    shards,
    scan: less(whole.model.scan, shard.model.scan),
  });
  return { models, gone, digitsLost, digitsLeft, notes: [] };
}
