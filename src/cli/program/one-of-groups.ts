import { UsageError } from "../../errors.js";
import type { LinearModel } from "../../linear/model/model.js";
import { ModelGroup } from "../../linear/model/model-group.js";

/** The option of commands that take one of models by group. */
export interface GroupOption {
  /** Of models by group, this one. */
  group?: string;
}

/** Groups that a hint names. */
const MOST_NAMES = 20;

/**
 * The model of a file, or that of the group where it holds models by group.
 *
 * @throws UsageError where there is no such group, none is named, or the file holds one model
 */
export function oneOfGroups(
  found: LinearModel | ModelGroup,
  path: string,
  group: string | undefined,
): LinearModel {
  if (found instanceof ModelGroup) {
    const model = found.models.get(group ?? "");
    if (model !== undefined) return model;
    const why = found.refused.find((one) => one.group === group)?.reason;
    throw new UsageError(
      group === undefined
        ? `${path} holds models by ${found.groupBy}: say which`
        : `${path} has no model for ${group}${why === undefined ? "" : `: ${why}`}`,
      { hint: `--group takes one of ${firstOf(found.models.keys(), MOST_NAMES).join(", ")}` },
    );
  }
  if (group !== undefined) throw new UsageError(`${path} is one model, without groups`);
  return found;
}

/** What a command takes as a whole: models by group, unless one of them is named. */
export function groupsOrOne(
  found: LinearModel | ModelGroup,
  path: string,
  group: string | undefined,
): LinearModel | ModelGroup {
  return found instanceof ModelGroup && group === undefined ? found : oneOfGroups(found, path, group);
}

function firstOf<T>(all: Iterable<T>, count: number): T[] {
  const first: T[] = [];
  for (const one of all) if (first.push(one) === count) break;
  return first;
}
