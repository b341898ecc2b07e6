import type { Steps } from "../../parallel/steps.js";
import { packedIndex } from "../../stats/packed.js";

/**
 * What the leverages of rows within absorbed effects alone are made of, eᵀ(EᵀWE)⁻e with e the row's indicators. With
 * the factor of the most levels eliminated, a its level in the row, W_a its weight, p_a the shares of its weight that
 * the other factors' levels have, e₂ the indicators of the row's other levels and K the Schur complement,
 *
 *   h = 1/W_a + (e₂ − p_a)ᵀK⁻(e₂ − p_a).
 *
 * Plain data, so that it can go to a worker.
 */
export interface EffectsLeverage {
  /** The factor of the most levels, by its position among the absorbed. */
  first: number;
  /** Per level of it 1/W_a + p_aᵀK⁻p_a. */
  own: Float64Array;
  /** Where each factor's levels begin among those of K; −1 for the first. */
  starts: number[];
  /** p_a: its entries are those from `from[a]` up to `from[a + 1]` − 1, in `columns` and `shares`. */
  from: Int32Array;
  columns: Int32Array;
  shares: Float64Array;
  /** The order of K, and K⁻, a packed lower triangle, in memory that threads share where there is much of it. */
  size: number;
  inverse: Float64Array;
}

/** K by its rows, scaled or not: entries 0 to i of row i. */
export interface ComplementRows {
  readonly order: number;
  row(i: number, out: Float64Array): void;
  /** K's rank, where it is known. */
  readonly rank: number | undefined;
}

/** Makes K⁻, a packed lower triangle, of K. */
export type InvertRows = (rows: ComplementRows) => Steps<Float64Array>;

/** What an `EffectsLeverage` is made of, but for K⁻. */
export interface LeverageParts extends Pick<EffectsLeverage, "first" | "starts" | "size"> {
  /** Σw of each level of the first factor; 0 for one without rows. */
  weights: ArrayLike<number>;
  /** p_a of a level, by the columns of K. */
  shares(level: number): readonly { at: number; share: number }[];
}

/** Levels at a stretch, between two places where others may run. */
const STRETCH = 256;

/** Leverages from K⁻, a packed lower triangle. */
export function* leverageFrom(parts: LeverageParts, inverse: Float64Array): Steps<EffectsLeverage> {
  const { first, starts, size, weights } = parts;
  const from = new Int32Array(weights.length + 1);
  const places: number[] = [];
  const shares: number[] = [];
  const own = new Float64Array(weights.length).fill(Number.NaN);
  for (let level = 0; level < weights.length; level++) {
    from[level] = places.length;
    if (level % STRETCH === 0) yield;
    if (!(weights[level]! > 0)) continue;
    const mine = parts.shares(level);
    let square = 0;
    for (const a of mine)
      for (const b of mine) square += a.share * b.share * inverse[packedIndex(a.at, b.at)]!;
    own[level] = 1 / weights[level]! + square;
    for (const { at, share } of mine) {
      places.push(at);
      shares.push(share);
    }
  }
  from[weights.length] = places.length;
  const lists = { from, columns: Int32Array.from(places), shares: Float64Array.from(shares) };
  return { first, own, starts, ...lists, size, inverse };
}

/** The same for levels that are numbered otherwise: per factor, the number here of each. */
export type NumberedLeverage = EffectsLeverage & { cells: readonly Int32Array[] };

/** The leverage within the effects of a row of weight 1; `codes` are its levels, one per factor. */
export function leverageOf(plan: NumberedLeverage, codes: ArrayLike<number>): number {
  const { first, own, starts, from, columns, shares, inverse, cells } = plan;
  const at = (f: number) => starts[f]! + cells[f]![codes[f]!]!;
  const a = cells[first]![codes[first]!]!;
  let leverage = own[a]!;
  for (let f = 0; f < starts.length; f++) {
    if (f === first) continue;
    const row = at(f);
    for (let g = 0; g < starts.length; g++) if (g !== first) leverage += inverse[packedIndex(row, at(g))]!;
    for (let c = from[a]!; c < from[a + 1]!; c++)
      leverage -= 2 * shares[c]! * inverse[packedIndex(row, columns[c]!)]!;
  }
  return leverage;
}
