import { ExtendedMoments } from "./extended-moments.js";
import type { Moments } from "./moments.js";

/** Merges `other` into `into`; both of the same kind. */
export function absorbMoments(into: Moments | ExtendedMoments, other: Moments | ExtendedMoments): void {
  if (into instanceof ExtendedMoments) into.absorb(other as ExtendedMoments);
  else into.absorb(other as Moments);
}

/** The moments of all folds together, merged in order. */
export function mergeFolds(folds: readonly (Moments | ExtendedMoments)[]): Moments | ExtendedMoments {
  const total = folds[0]!.clone();
  for (const fold of folds.slice(1)) absorbMoments(total, fold);
  return total;
}
