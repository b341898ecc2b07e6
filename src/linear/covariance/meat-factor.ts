import { packedIndex } from "../../stats/packed.js";
import type { RobustVcov } from "./vcov.js";

/** A pivot below this share of its coordinate's variance is what rounding leaves of a sum of squares. */
const SINGULAR = 2 ** -46;

/**
 * What rounding makes of S: its rows' coordinates carry that of columns which nearly depend on each other, so that a
 * variance of 0 was met at 5e-10 of a deviation.
 */
const ROUNDING = 2 ** -30;

/** A factor F of a covariance S = FFᵀ in whitened coordinates, by columns as far as its rank goes. Plain data. */
export interface MeatFactor {
  /** How many columns F has. */
  rank: number;
  /** The coordinates in the order in which they were taken, that of the largest pivot first. */
  order: number[];
  /** F, a row of `rank` numbers for each coordinate in this order; in the first rows what is right of the diagonal is 0. */
  values: Float64Array;
  /** What rounding may have made of each column, as a share of a coordinate's standard deviation. */
  noise: Float64Array;
}

const factors = new WeakMap<RobustVcov, MeatFactor>();

/** The factor of a covariance's meat, made once: a server is asked for intervals again and again. */
export function factorOf(vcov: RobustVcov, size: number): MeatFactor {
  let factor = factors.get(vcov);
  if (factor === undefined) {
    factor = factorMeat(Float64Array.from(vcov.meat), size);
    factors.set(vcov, factor);
  }
  return factor;
}

/**
 * Factors a covariance that is a sum of squares by Cholesky with the largest pivot first, so that variances, which are then
 * ‖Fᵀr‖², are none of them negative, and those that are 0 are so to the digits of F, not to half of them (Higham 2002,
 * section 10.3). Scores of few rows make fewer columns than coordinates.
 *
 * @param S packed lower triangle, size × size
 */
export function factorMeat(S: Float64Array, size: number): MeatFactor {
  const deviation = Float64Array.from({ length: size }, (_, i) => Math.sqrt(S[packedIndex(i, i)]!));
  // Of coordinates of variance 1, or of none.
  const rest = Float64Array.from(deviation, (d) => (d > 0 ? 1 : 0));
  const order = Array.from({ length: size }, (_, i) => i);
  const values = new Float64Array(size * size);
  const pivots: number[] = [];
  for (let s = 0; s < size; s++) {
    let largest = s;
    for (let p = s + 1; p < size; p++) if (rest[order[p]!]! > rest[order[largest]!]!) largest = p;
    const pivot = rest[order[largest]!]!;
    if (!(pivot > SINGULAR)) break;
    if (largest !== s) {
      [order[s], order[largest]] = [order[largest]!, order[s]!];
      for (let t = 0; t < s; t++) {
        const kept = values[s * size + t]!;
        values[s * size + t] = values[largest * size + t]!;
        values[largest * size + t] = kept;
      }
    }
    const at = order[s]!;
    const root = Math.sqrt(pivot);
    values[s * size + s] = root;
    for (let p = s + 1; p < size; p++) {
      const i = order[p]!;
      if (deviation[i] === 0) continue;
      let sum = S[i > at ? packedIndex(i, at) : packedIndex(at, i)]! / deviation[i]! / deviation[at]!;
      for (let t = 0; t < s; t++) sum -= values[p * size + t]! * values[s * size + t]!;
      values[p * size + s] = sum / root;
      rest[i]! -= (sum / root) ** 2;
    }
    pivots.push(pivot);
  }
  const rank = pivots.length;
  const scaled = new Float64Array(size * rank);
  for (let p = 0; p < size; p++)
    for (let s = 0; s < rank; s++) scaled[p * rank + s] = values[p * size + s]! * deviation[order[p]!]!;
  return { rank, order, values: scaled, noise: Float64Array.from(pivots, noiseOf) };
}

/** An error of S is one of it over √pivot in the columns, but never more than the root of the least pivot. */
function noiseOf(pivot: number): number {
  return Math.min(ROUNDING / Math.sqrt(pivot), Math.sqrt(SINGULAR));
}
