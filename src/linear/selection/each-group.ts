import { ModelError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import type { LinearModel } from "../model/model.js";
import { ModelGroup, modelsByGroup } from "../model/model-group.js";
import type { Estimate } from "../model/solve-spec.js";
import { refusal } from "../shards/solve-group.js";

/**
 * Another model of each group's rows, from that which it has: what `made` makes of it. Groups for which there is none are
 * refused with the reason; one that comes from what was asked, and not from the rows, is that of the first group too, and
 * is thrown.
 */
export function* eachGroupSteps(
  models: ModelGroup,
  made: (model: LinearModel) => Steps<Estimate>,
): Steps<{ models: ModelGroup; notes: string[] }> {
  const others = new Map<string, LinearModel>();
  const refused = [...models.refused];
  const notes = new Set<string>();
  let first: unknown;
  for (const [name, model] of models.models) {
    yield;
    try {
      const own = yield* made(model);
      others.set(name, own.model);
      for (const note of own.notes) notes.add(note);
    } catch (error) {
      first ??= error;
      const { moments, folds } = model;
      // Throws what is no fault of the rows.
      refused.push(refusal(name, error, { moments, folds }));
    }
  }
  if (others.size === 0) throw first ?? new ModelError("no group has a model");
  const { groupBy, source, sources, shards, scan } = models;
  return {
    models: new ModelGroup({
      groupBy,
      models: modelsByGroup(undefined, others),
      refused,
      source,
      sources,
      shards,
      scan: scan && { ...scan, test: null },
    }),
    notes: [...notes],
  };
}
