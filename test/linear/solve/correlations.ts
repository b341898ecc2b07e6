import { packedIndex, packedLength } from "../../../src/stats/packed.js";

/** Numbers from −1 to 1 by a seed (mulberry32). */
function noise(seed: number): () => number {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/** XᵀX of 5 k rows of noise, scaled to unit diagonal, packed. */
export function correlations(order: number, seed: number) {
  return withDependent(order, seed, 0);
}

/**
 * The same, with some columns that are sums of columns before them: they depend on these but for rounding. Returns
 * where they stand.
 */
export function withDependent(order: number, seed: number, count: number) {
  const next = noise(seed);
  const rows = order + 20;
  const columns: Float64Array[] = [];
  const dependent = new Set<number>();
  while (dependent.size < count) dependent.add(1 + Math.floor(((next() + 1) / 2) * (order - 1)));
  for (let j = 0; j < order; j++) {
    if (dependent.has(j)) {
      const a = columns[Math.floor(((next() + 1) / 2) * j)]!;
      const b = columns[0]!;
      columns.push(a.map((v, i) => v + 2 * b[i]!));
    }
    // Integers, so that products and sums of columns are exact.
    else
      columns.push(
        Float64Array.from({ length: rows }, (_, i) => Math.round(8 * next()) + (i === j ? 64 : 0)),
      );
  }
  const packed = new Float64Array(packedLength(order));
  const norms = columns.map((column) => Math.sqrt(column.reduce((sum, v) => sum + v * v, 0)));
  for (let i = 0; i < order; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let r = 0; r < rows; r++) sum += columns[i]![r]! * columns[j]![r]!;
      packed[packedIndex(i, j)] = i === j ? 1 : sum / norms[i]! / norms[j]!;
    }
  return { packed, dependent };
}
