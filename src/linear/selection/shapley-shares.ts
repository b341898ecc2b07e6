/**
 * The shares of blocks of columns in R²: share_t = Σ_S |S|! (p − |S| − 1)!/p! (R²(S ∪ t) − R²(S)) over all sets S of the
 * other blocks, which add up to R² of all.
 *
 * The 2^p fits are one walk over a tree: at depth d block d is left out, or eliminated from the products of those behind it
 * (a Schur complement), so that a leaf costs about as much as the product of its last columns with y. Columns that depend on
 * those before them are passed over.
 *
 * @param blocks each block's columns among k
 * @param product the products of columns i and j of k + 1, y the last; those of a column of zeros are 0
 * @param tolerance the pivot of a column scaled to length 1 below which it depends on others
 */
export function shapleyShares(
  blocks: readonly (readonly number[])[],
  product: (i: number, j: number) => number,
  tolerance: number,
): Float64Array {
  const p = blocks.length;
  // Wide blocks first: what is behind them in the tree is visited more often.
  const order = blocks.map((_, t) => t).sort((a, b) => blocks[b]!.length - blocks[a]!.length);
  const target = blocks.reduce((sum, block) => sum + block.length, 0);
  const columns = [...order.flatMap((t) => blocks[t]!), target];
  const root = columns.map((i) => Math.sqrt(product(i, i)));
  const sizes = [columns.length];
  for (const [d, t] of order.entries()) sizes.push(sizes[d]! - blocks[t]!.length);
  const levels = sizes.map((size) => new Float64Array(size * size));
  const [top] = levels;
  columns.forEach((i, a) => {
    for (let b = 0; b <= a; b++) {
      const scale = root[a]! * root[b]!;
      top![a * columns.length + b] = scale === 0 ? 0 : a === b ? 1 : product(i, columns[b]!) / scale;
    }
  });
  // Levels in which a block is eliminated, column by column, in place.
  const scratch = sizes.map((size) => new Float64Array(size * size));
  const r2 = new Float64Array(2 ** p);
  const walk = (depth: number, set: number): void => {
    const size = sizes[depth]!;
    const own = levels[depth]!;
    if (depth === p) {
      r2[set] = 1 - own[0]!;
      return;
    }
    const width = size - sizes[depth + 1]!;
    keepRest(own, size, width, levels[depth + 1]!);
    walk(depth + 1, set);
    const swept = scratch[depth]!;
    swept.set(own);
    for (let c = 0; c < width; c++) eliminate(swept, size, c, tolerance);
    keepRest(swept, size, width, levels[depth + 1]!);
    walk(depth + 1, set + 2 ** depth);
  };
  walk(0, 0);
  const weight = orderWeights(p);
  const bits = bitCounts(2 ** p);
  const shares = new Float64Array(p);
  for (let d = 0; d < p; d++) {
    const bit = 2 ** d;
    let sum = 0;
    for (let set = 0; set < r2.length; set++)
      if ((set & bit) === 0) sum += weight[bits[set]!]! * (r2[set | bit]! - r2[set]!);
    shares[order[d]!] = sum;
  }
  return shares;
}

/** Copies what is behind the first `width` columns of a lower triangle. */
function keepRest(from: Float64Array, size: number, width: number, to: Float64Array): void {
  const rest = size - width;
  for (let i = 0; i < rest; i++)
    for (let j = 0; j <= i; j++) to[i * rest + j] = from[(i + width) * size + j + width]!;
}

/** Takes column c out of those behind it: a_ij − a_ic a_jc/a_cc. */
function eliminate(a: Float64Array, size: number, c: number, tolerance: number): void {
  const pivot = a[c * size + c]!;
  if (!(pivot > tolerance)) return;
  for (let i = c + 1; i < size; i++) {
    const share = a[i * size + c]! / pivot;
    if (share === 0) continue;
    for (let j = c + 1; j <= i; j++) a[i * size + j]! -= share * a[j * size + c]!;
  }
}

/** s! (p − s − 1)!/p! for s = 0, …, p − 1: 1/(p binom(p − 1, s)). */
function orderWeights(p: number): Float64Array {
  const weights = new Float64Array(Math.max(1, p));
  let choose = 1;
  for (let s = 0; s < p; s++) {
    weights[s] = 1 / (p * choose);
    choose = (choose * (p - 1 - s)) / (s + 1);
  }
  return weights;
}

function bitCounts(count: number): Uint8Array {
  const bits = new Uint8Array(count);
  for (let set = 1; set < count; set++) bits[set] = bits[set >> 1]! + (set & 1);
  return bits;
}
