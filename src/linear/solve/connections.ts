import type { SparseMoments } from "../../stats/sparse-moments.js";
import { connectedLevels } from "./connected-levels.js";
import { meetingsOf } from "./level-meetings.js";

/** Where each factor's levels begin among those of `rest`, one after the other; −1 for the factor that is not there. */
export function startsOf(
  factors: readonly number[],
  rest: readonly number[],
  size: (family: number) => number,
): number[] {
  return factors.map((family) => {
    const at = rest.indexOf(family);
    return at < 0 ? -1 : rest.slice(0, at).reduce((sum, before) => sum + size(before), 0);
  });
}

/** `Absorbed.connections` of up to two factors, exact: the numbers of components, once with each sign. */
export function pairConnections(
  moments: SparseMoments,
  factors: readonly number[],
): Float64Array[] | undefined {
  const { shape, tables } = moments;
  const [a, b, ...more] = factors.map((family) => shape.families[family]!.table);
  if (more.length > 0) return undefined;
  const weights = (t: number) =>
    Float64Array.from({ length: tables[t]!.count }, (_, l) => tables[t]!.weight(l));
  if (b === undefined) return [new Float64Array(tables[a!]!.count)];
  const { ofFirst, ofSecond } = connectedLevels(weights(a!), weights(b), meetingsOf(moments, a!, b));
  return [Float64Array.from(ofFirst), Float64Array.from(ofSecond, (component) => -component)];
}

/**
 * `Absorbed.connections` from a vector of the null space of K that has a part in each of its directions: with the first
 * factor's levels it makes one of the null space of EᵀE, which no row that the fit had sees.
 */
export function unconnectedSums(
  factors: readonly number[],
  first: number,
  rest: readonly number[],
  size: (family: number) => number,
  vector: Float64Array,
  shares: (level: number) => readonly { at: number; share: number }[],
): Float64Array[] {
  const starts = startsOf(factors, rest, size);
  return factors.map((family, f) =>
    family === first
      ? Float64Array.from({ length: size(first) }, (_, level) =>
          shares(level).reduce((sum, { at, share }) => sum - share * vector[at]!, 0),
        )
      : vector.slice(starts[f]!, starts[f]! + size(family)),
  );
}

/**
 * A number between 1/2 and 3/2 for each i, between which there are no linear relations with small coefficients: its bits
 * are mixed as MurmurHash3 does it.
 */
export function generic(i: number): number {
  let bits = Math.imul(i + 1, 0x9e3779b1);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return 0.5 + ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}
