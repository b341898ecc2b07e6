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

/** The same numbers as double-double, the low parts zero. */
export function asExtended(moments: Moments | ExtendedMoments): ExtendedMoments {
  if (moments instanceof ExtendedMoments) return moments;
  const { columns, n, sumW, sumLogW, mean, c } = moments;
  const low = { sumWLow: 0, meanLow: new Float64Array(mean.length), cLow: new Float64Array(c.length) };
  return ExtendedMoments.of({ columns, n, sumW, sumLogW, mean: mean.slice(), c: c.slice(), ...low });
}

/** Moments merged with those of further rows, as new ones of the first one's kind. */
export function absorbInto(
  moments: Moments | ExtendedMoments,
  rows: Moments | ExtendedMoments,
): Moments | ExtendedMoments {
  const all = moments.clone();
  absorbMoments(all, rows);
  return all;
}
