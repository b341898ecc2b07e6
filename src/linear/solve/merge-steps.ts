import type { Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { alike } from "../../stats/merge-folds.js";
import { SparseMoments } from "../../stats/sparse-moments.js";

/** `mergeFolds` in steps: the moments of a thousand columns and more take long to merge. */
export function* mergeFoldsSteps(folds: readonly CrossProducts[]): Steps<CrossProducts> {
  const same = alike(folds);
  if (same.length === 1) return same[0]!;
  const total = same[0]!.clone();
  for (const fold of same.slice(1)) {
    yield;
    yield* absorbSteps(total, fold);
  }
  return total;
}

/** Moments merged two by two, and what comes of it again, in their order: the rounding errors of n add up over log₂ n levels. */
export function* mergeTreeSteps(all: readonly CrossProducts[]): Steps<CrossProducts> {
  let level = alike(all);
  while (level.length > 1) {
    const next: CrossProducts[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [a, b] = [level[i]!, level[i + 1]];
      next.push(b === undefined ? a : yield* mergeSteps(a, b));
    }
    level = next;
  }
  return level[0]!;
}

/** `a.merge(b)` in steps. */
export function* mergeSteps(a: CrossProducts, b: CrossProducts): Steps<CrossProducts> {
  const total = a.clone();
  yield;
  yield* absorbSteps(total, b);
  return total;
}

function* absorbSteps(total: CrossProducts, other: CrossProducts): Steps<void> {
  if (total instanceof SparseMoments) yield* total.absorbSteps(other);
  else total.absorb(other);
}
