import type { RawMoments } from "../moments.js";

/** Moments of no rows. */
export function noMoments(columns: number): RawMoments {
  return {
    n: 0,
    weight: 0,
    mean: new Float64Array(columns),
    products: new Float64Array((columns * (columns + 1)) / 2),
  };
}

/**
 * The twin of `MomentsAccumulator.add`: adds `rows` rows of a column-major block (column j, row r at
 * block[stride·j + r]), which is overwritten, with weights or without.
 */
export function addBlock(
  moments: RawMoments,
  block: Float64Array,
  stride: number,
  rows: number,
  weights?: Float64Array,
): void {
  const { mean, products } = moments;
  const p = mean.length;
  let blockWeight = 0;
  let counted = 0;
  for (let r = 0; r < rows; r++) {
    const w = weights === undefined ? 1 : weights[r]!;
    blockWeight += w;
    if (w !== 0) counted++;
  }
  if (counted === 0) return;
  const total = moments.weight + blockWeight;
  const delta = new Float64Array(p);
  for (let j = 0; j < p; j++) {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += block[stride * j + r]! * (weights === undefined ? 1 : weights[r]!);
    const blockMean = sum / blockWeight;
    for (let r = 0; r < rows; r++) {
      block[stride * j + r] =
        (block[stride * j + r]! - blockMean) * (weights === undefined ? 1 : Math.sqrt(weights[r]!));
    }
    delta[j] = blockMean - mean[j]!;
    mean[j]! += delta[j]! * (blockWeight / total);
  }
  const factor = moments.weight * (blockWeight / total);
  for (let i = 0, at = 0; i < p; i++) {
    for (let j = 0; j <= i; j++, at++) {
      let dot = 0;
      for (let r = 0, a = stride * i, b = stride * j; r < rows; r++) dot += block[a + r]! * block[b + r]!;
      products[at]! += dot + delta[i]! * delta[j]! * factor;
    }
  }
  moments.n += counted;
  moments.weight = total;
}
