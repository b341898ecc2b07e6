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
  /** The order of K, and K⁻, M × M. */
  size: number;
  inverse: Float64Array;
}

/** The same for levels that are numbered otherwise: per factor, the number here of each. */
export type NumberedLeverage = EffectsLeverage & { cells: readonly Int32Array[] };

/** The leverage within the effects of a row of weight 1; `codes` are its levels, one per factor. */
export function leverageOf(plan: NumberedLeverage, codes: ArrayLike<number>): number {
  const { first, own, starts, from, columns, shares, size, inverse, cells } = plan;
  const at = (f: number) => starts[f]! + cells[f]![codes[f]!]!;
  const a = cells[first]![codes[first]!]!;
  let leverage = own[a]!;
  for (let f = 0; f < starts.length; f++) {
    if (f === first) continue;
    const row = at(f) * size;
    for (let g = 0; g < starts.length; g++) if (g !== first) leverage += inverse[row + at(g)]!;
    for (let c = from[a]!; c < from[a + 1]!; c++) leverage -= 2 * shares[c]! * inverse[row + columns[c]!]!;
  }
  return leverage;
}
