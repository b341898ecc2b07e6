import { UsageError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import { refuseInstruments } from "../instruments/check-instruments.js";
import type { LinearModel } from "../model/model.js";
import type { ModelGroup } from "../model/model-group.js";
import type { BestSubsets } from "./best-subset.js";
import {
  type ComparedSubmodels,
  type Criterion,
  containsTerm,
  type SelectionData,
  type Submodel,
  Submodels,
} from "./submodels.js";

/** All subsets of so many terms are looked at one by one. */
const MOST_TERMS = 12;

/**
 * The submodels of models by group, which keep the same terms in every group: ranks, RSS and n ln(RSS/n) + penalty are summed
 * over the groups, which is the criterion of the one model with coefficients and a variance of each group's own; the
 * cross-validated RMSE is over the rows of all.
 *
 * Groups of which the fit of all terms leaves nothing over have a criterion of −∞ whatever the terms, and no say.
 */
export class GroupSubmodels implements ComparedSubmodels {
  /** Groups that have no say. */
  readonly silent: string[] = [];
  readonly #models: ModelGroup;
  readonly #criterion: Criterion;
  readonly #groups: { submodels: Submodels; weight: number }[] = [];
  readonly #known = new Map<string, Submodel>();

  /** Throws UsageError where no group has a say, and for `cv` without folds. */
  constructor(models: ModelGroup, criterion: Criterion) {
    this.#models = models;
    this.#criterion = criterion;
    for (const [name, model] of models.models) {
      if (model.dfResidual > 0 && model.rss > 0)
        this.#groups.push({
          submodels: new Submodels(selectionData(model), criterion),
          weight: model.moments.sumW,
        });
      else this.silent.push(name);
    }
    if (this.#groups.length === 0)
      throw new UsageError("no group has residuals by which terms could be chosen", {
        hint: "train on more rows, or with fewer terms",
      });
  }

  get termCount(): number {
    return this.#models.spec.terms.length;
  }

  label(term: number): string {
    return this.#models.spec.terms[term]!.label;
  }

  contains(outer: number, inner: number): boolean {
    return containsTerm(this.#models.spec, outer, inner);
  }

  *of(terms: readonly number[]): Steps<Submodel> {
    const sorted = [...terms].sort((a, b) => a - b);
    const key = sorted.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const total: Submodel = { terms: sorted, rank: 0, rss: 0, criterion: 0 };
    let weights = 0;
    for (const { submodels, weight } of this.#groups) {
      yield;
      const { rank, rss, criterion } = yield* submodels.of(sorted);
      total.rank += rank;
      total.rss += rss;
      // A group none of whose folds has an error has no say in it.
      if (this.#criterion !== "cv") total.criterion += criterion;
      else if (!Number.isNaN(criterion)) {
        total.criterion += weight * criterion * criterion;
        weights += weight;
      }
    }
    if (this.#criterion === "cv") total.criterion = Math.sqrt(total.criterion / weights);
    this.#known.set(key, total);
    return total;
  }
}

/** What selection needs of a model. */
export function selectionData(model: LinearModel): SelectionData {
  refuseInstruments(model, "criteria of submodels");
  const { spec, moments, folds, heldOut, levels, references } = model;
  return { spec, moments, folds: folds.length > 1 ? folds : undefined, heldOut, levels, references };
}

/**
 * The best of all subsets of terms for models by group, by number of coefficients: those that leave no term without what
 * is marginal to it.
 *
 * @throws UsageError for more than 12 terms
 */
export function* bestGroupSubsetsSteps(submodels: GroupSubmodels): Steps<BestSubsets> {
  const count = submodels.termCount;
  if (count > MOST_TERMS)
    throw new UsageError(
      `of models by group all subsets of at most ${MOST_TERMS} terms are compared, there are ${count}`,
      {
        hint: "select by steps, or leave terms out first",
      },
    );
  const byRank = new Map<number, Submodel>();
  const all = Array.from({ length: count }, (_, t) => t);
  for (let subset = 0; subset < 2 ** count; subset++) {
    const terms = all.filter((t) => (subset >> t) & 1);
    const complete = terms.every((outer) =>
      all.every((inner) => terms.includes(inner) || !submodels.contains(outer, inner)),
    );
    if (!complete) continue;
    const submodel = yield* submodels.of(terms);
    const best = byRank.get(submodel.rank);
    if (best === undefined || submodel.criterion < best.criterion) byRank.set(submodel.rank, submodel);
  }
  const bySize = [...byRank.values()]
    .sort((a, b) => a.rank - b.rank)
    .map((submodel) => ({ ...submodel, labels: submodel.terms.map((t) => submodels.label(t)) }));
  const best = bySize.reduce(
    (least, { criterion }, i) => (criterion < bySize[least]!.criterion ? i : least),
    0,
  );
  return { bySize, best };
}
