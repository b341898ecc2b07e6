import type { Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { asExtended } from "../../stats/merge-folds.js";

/** `mergeFolds` in steps: the moments of a thousand columns and more take long to merge. */
export function* mergeFoldsSteps(folds: readonly CrossProducts[]): Steps<CrossProducts> {
  const extended = folds.some((fold) => fold.extended);
  const alike = (fold: CrossProducts) => (extended ? asExtended(fold) : fold);
  const total = alike(folds[0]!).clone();
  for (const fold of folds.slice(1)) {
    yield;
    total.absorb(alike(fold));
  }
  return total;
}
