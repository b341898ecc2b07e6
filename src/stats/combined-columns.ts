import type { CrossProducts } from "./cross-products.js";
import { DoubleDouble } from "./double-double.js";
import { packedIndex, packedLength } from "./packed.js";

/** A column that is a sum of columns of moments, each times a number: Σ weight · column. */
export type Combination = readonly (readonly [key: string, weight: number])[];

/**
 * The key of a combined column, which says what it is made of: `[["g[a]",1],["g[c]",-1]]`. No other key begins with a
 * bracket, for that would be none in R's language.
 */
export function combinedKey(parts: Combination): string {
  return JSON.stringify(parts);
}

/** What a combined column is made of; undefined for the key of any other column. */
export function combinationOf(key: string): Combination | undefined {
  return key.startsWith("[") ? (JSON.parse(key) as Combination) : undefined;
}

/** The columns that some columns are made of, each once; undefined where none of them is combined. */
export function basicKeys(keys: readonly string[]): string[] | undefined {
  if (!keys.some((key) => key.startsWith("["))) return undefined;
  return [...new Set(keys.flatMap((key) => combinationOf(key)?.map(([basic]) => basic) ?? [key]))];
}

/** Moments in which combined columns among some are at hand, where there are any; else these themselves. */
export function atHand(moments: CrossProducts, keys: readonly string[]): CrossProducts {
  return basicKeys(keys) === undefined ? moments : moments.over(keys);
}

/** For each column, the columns that it is made of, by place, and their weights. */
export type CombinedRows = readonly (readonly { at: number; weight: number }[])[];

/** What columns are made of, where any of them is combined; a part that is not there is zero in every row. */
export function combinedRows(
  keys: readonly string[],
  index: (key: string) => number,
): CombinedRows | undefined {
  if (basicKeys(keys) === undefined) return undefined;
  return keys.map((key) => {
    // Sums about effects have columns of their own for combined ones.
    const own = index(key);
    if (own >= 0) return [{ at: own, weight: 1 }];
    return (combinationOf(key) ?? []).flatMap(([basic, weight]) => {
      const at = index(basic);
      return at < 0 ? [] : [{ at, weight }];
    });
  });
}

/** T x̄ and the packed T C Tᵀ of combined columns, T their weights, from x̄ and the packed C of what they are made of. */
export function combined(
  mean: Float64Array,
  c: Float64Array,
  rows: CombinedRows,
): { mean: Float64Array; c: Float64Array } {
  const out = { mean: new Float64Array(rows.length), c: new Float64Array(packedLength(rows.length)) };
  const half = new Float64Array(mean.length);
  for (const [i, row] of rows.entries()) {
    for (const { at, weight } of row) out.mean[i]! += weight * mean[at]!;
    half.fill(0);
    for (const { at, weight } of row)
      for (let j = 0; j < half.length; j++) half[j]! += weight * c[packedIndex(at, j)]!;
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (const { at, weight } of rows[j]!) sum += weight * half[at]!;
      out.c[packedIndex(i, j)] = sum;
    }
  }
  return out;
}

/** A list of numbers in double-double. */
interface Extended {
  hi: Float64Array;
  lo: Float64Array;
}

/** `combined` in double-double arithmetic. */
export function combinedExtended(
  mean: Extended,
  c: Extended,
  rows: CombinedRows,
): { mean: Extended; c: Extended } {
  const zeros = (length: number): Extended => ({
    hi: new Float64Array(length),
    lo: new Float64Array(length),
  });
  const out = { mean: zeros(rows.length), c: zeros(packedLength(rows.length)) };
  const at = ({ hi, lo }: Extended, i: number) => new DoubleDouble(hi[i]!, lo[i]!);
  const set = ({ hi, lo }: Extended, i: number, value: DoubleDouble) => {
    hi[i] = value.hi;
    lo[i] = value.lo;
  };
  const total = (row: CombinedRows[number], value: (at: number) => DoubleDouble) =>
    row.reduce(
      (sum, part) => sum.add(new DoubleDouble(part.weight).mul(value(part.at))),
      new DoubleDouble(0),
    );
  for (const [i, row] of rows.entries()) {
    set(
      out.mean,
      i,
      total(row, (k) => at(mean, k)),
    );
    const half = Array.from(mean.hi, (_, j) => total(row, (k) => at(c, packedIndex(k, j))));
    for (let j = 0; j <= i; j++)
      set(
        out.c,
        packedIndex(i, j),
        total(rows[j]!, (k) => half[k]!),
      );
  }
  return out;
}
