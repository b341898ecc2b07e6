import type { FactorLevels } from "../../dataset/formula/coding.js";
import { variableKey } from "../../dataset/formula/column-key.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { readMoments } from "../../stats/read-moments.js";
import { SparseMoments } from "../../stats/sparse-moments.js";
import type { Penalty } from "../model/document-schema.js";
import type { ModelGroup } from "../model/model-group.js";
import { gammasOf, type PenaltyChoice } from "../penalty/penalty.js";
import { unitedLevels } from "./merge-models.js";
import type { GroupRows, GroupSpec } from "./solve-group.js";

/** What models by group keep of a group: its moments, whether it could be fitted or not. */
export interface KeptGroup {
  rows: GroupRows;
  penalty: Penalty | undefined;
}

/** All groups that models by group know: those with a model, then those without. */
export function groupsOf(models: ModelGroup): string[] {
  return [...models.models.keys(), ...models.refused.map(({ group }) => group)];
}

/** What is kept of a group; undefined where it is not known, or its rows were not kept. */
export function keptOf(models: ModelGroup, group: string): KeptGroup | undefined {
  const model = models.models.get(group);
  if (model !== undefined)
    return { rows: { moments: model.moments, folds: model.folds }, penalty: model.penalty };
  const refused = refusedBy(models).get(group);
  if (refused?.moments === undefined) return undefined;
  return {
    rows: { moments: readMoments(refused.moments), folds: (refused.folds ?? []).map(readMoments) },
    penalty: undefined,
  };
}

const byGroup = new WeakMap<ModelGroup, ReadonlyMap<string, ModelGroup["refused"][number]>>();

/** The groups without a model, by name. */
export function refusedBy(models: ModelGroup): ReadonlyMap<string, ModelGroup["refused"][number]> {
  let known = byGroup.get(models);
  if (known === undefined) {
    known = new Map(models.refused.map((one) => [one.group, one]));
    byGroup.set(models, known);
  }
  return known;
}

/** What the models of several files have in common, which are of the same kind: levels are united. */
export function commonSpec(all: readonly ModelGroup[]): GroupSpec {
  const [first] = all as [ModelGroup];
  const { spec, weightsColumn, reading } = first;
  const levels = all.flatMap((models) => [
    ...[...models.others.values()].map((model) => model.levels),
    ...models.refused.flatMap(({ moments }) =>
      moments === undefined ? [] : [levelsIn(first, readMoments(moments))],
    ),
  ]);
  const references = Object.assign({}, ...[...first.others.values()].map((model) => model.references));
  return { spec, levels: unitedLevels(spec, levels), references, weightsColumn, reading };
}

/**
 * The penalty of a group that has no model yet: that of all others, or, where each has chosen its own λ, one that it chooses
 * on the same path.
 */
export function commonPenalty(all: readonly ModelGroup[]): PenaltyChoice | undefined {
  const penalties = all.flatMap(({ others }) => [...others.values()].map(({ penalty }) => penalty));
  const [first] = penalties;
  if (first === undefined) return undefined;
  const same = penalties.every(
    (penalty) => penalty?.lambda === first.lambda && penalty.gamma === first.gamma,
  );
  if (same) return first;
  const lambda = penalties.every((penalty) => penalty?.lambda === first.lambda) ? first.lambda : "path";
  return { ...first, lambda, ...(first.gamma === undefined ? {} : { gamma: gammasOf({ relax: true }) }) };
}

/** The levels that moments have rows of. */
function levelsIn({ spec }: ModelGroup, moments: CrossProducts): FactorLevels {
  if (!(moments instanceof SparseMoments)) return {};
  return Object.fromEntries(
    spec.variables.flatMap((variable) => {
      const f = moments.shape.factors.indexOf(variableKey(variable));
      return f < 0 ? [] : [[variable.label, moments.levelsOf(f)]];
    }),
  );
}
