import { UsageError } from "../errors.js";

/** Whether two lists of columns are the same names in the same order. */
export function sameColumns(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * How the columns `right` fit into `left`: the names to append to `left`, and, for each of `right`, its index in
 * `left` so widened.
 */
export function alignColumns(
  left: readonly string[],
  right: readonly string[],
): { added: string[]; indices: Int32Array } {
  const where = new Map(left.map((name, i) => [name, i]));
  const added: string[] = [];
  const indices = new Int32Array(right.length);
  for (let i = 0; i < right.length; i++) {
    let at = where.get(right[i]!);
    if (at === undefined) {
      at = left.length + added.length;
      added.push(right[i]!);
      where.set(right[i]!, at);
    }
    indices[i] = at;
  }
  return { added, indices };
}

/** Checks the shape of a column-major block and sums its weights; rows of weight 0 are not counted. */
export function checkBlock(
  p: number,
  length: number,
  rows: number,
  stride: number,
  weights: Float64Array | undefined,
): { n: number; sumW: number; sumLogW: number } {
  if (rows > stride || (p > 0 && length < (p - 1) * stride + rows))
    throw new UsageError(
      `a block of ${p} columns with ${rows} rows at stride ${stride} does not fit into ${length} values`,
    );
  if (weights === undefined) return { n: rows, sumW: rows, sumLogW: 0 };
  if (weights.length < rows)
    throw new UsageError(`weights has ${weights.length} values, the data have ${rows} rows`);
  let n = 0;
  let sumW = 0;
  let sumLogW = 0;
  for (let r = 0; r < rows; r++) {
    const w = weights[r]!;
    if (!(w >= 0 && w < Infinity)) throw new UsageError(`weights must be finite and not negative, got ${w}`);
    if (w === 0) continue;
    n++;
    sumW += w;
    sumLogW += Math.log(w);
  }
  return { n, sumW, sumLogW };
}
