import { ModelError, UsageError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { mergeFolds } from "../../stats/merge-folds.js";
import { inOrder, ModelGroup, modelsByGroup } from "../model/model-group.js";
import { difference, less, lostDigits } from "./forget-rows.js";
import { commonPenalty, commonSpec, groupsOf, keptOf } from "./group-rows.js";
import { checkAlike, type NamedGroups } from "./merge-groups.js";
import { type GroupRows, GroupSolver } from "./solve-group.js";
import { sourcesLeft } from "./sources.js";

/** Models by group without the rows of a shard. */
export interface ForgottenGroups {
  models: ModelGroup;
  /** The groups that have no rows any more. */
  gone: string[];
  /** About how many decimal digits of a group's sums taking away has cost at most, and how many are left at least. */
  digitsLost: number;
  digitsLeft: number;
}

/**
 * Takes the rows of a shard out of models by group again, group by group as `forgetRows`; groups that lose all rows are
 * gone.
 *
 * @throws ModelError where the models do not fit together, or the shard's rows cannot be among the models'
 */
export function* forgetGroupsSteps(whole: NamedGroups, shard: NamedGroups): Steps<ForgottenGroups> {
  checkAlike(whole, shard);
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
    let left: GroupRows = all.rows;
    if (part !== undefined) {
      try {
        left = withoutRows(all.rows, part.rows);
      } catch (cause) {
        if (cause instanceof UsageError) throw notAmong(name, cause.message);
        throw cause;
      }
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
    scan: less(whole.model.scan, shard.model.scan),
  });
  return { models, gone, digitsLost, digitsLeft };
}

function withoutRows(all: GroupRows, part: GroupRows): GroupRows {
  if (all.folds.length === 0) return { moments: difference(all.moments, part.moments), folds: [] };
  const folds: CrossProducts[] = all.folds.map((fold, f) => difference(fold, part.folds[f]!));
  return { moments: mergeFolds(folds), folds };
}
