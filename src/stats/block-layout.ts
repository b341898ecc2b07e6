import { UsageError } from "../errors.js";
import type { CrossProducts } from "./cross-products.js";
import { positions } from "./positions.js";

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
  const where = positions(left);
  const added: string[] = [];
  const indices = new Int32Array(right.length);
  for (let i = 0; i < right.length; i++) {
    const at = where.get(right[i]!);
    indices[i] = at ?? left.length + added.length;
    if (at === undefined) added.push(right[i]!);
  }
  return { added, indices };
}

/** The moments of those columns that `keep` says yes to: the same ones where it does to all. */
export function keepColumns(moments: CrossProducts, keep: (name: string) => boolean): CrossProducts {
  const { columns } = moments;
  const kept = columns.map((_, i) => i).filter((i) => keep(columns[i]!));
  return kept.length === columns.length ? moments : moments.select(kept);
}

/** Throws UsageError where the one is in double, and the other in double-double. */
export function checkAlike(a: CrossProducts, b: CrossProducts): void {
  if (a.extended !== b.extended)
    throw new UsageError("moments in double and moments in double-double do not merge", {
      hint: "round those in double-double by toMoments",
    });
}

/** Throws UsageError where the rows of `part` cannot be among those of `whole`. */
export function checkAmong(whole: CrossProducts, part: CrossProducts): void {
  const unknown = part.columns.filter((name) => whole.index(name) < 0);
  if (unknown.length > 0)
    throw new UsageError(`cannot take away columns that are not there: ${unknown.join(", ")}`);
  if (part.n > whole.n) throw new UsageError(`cannot take ${part.n} rows away from ${whole.n}`);
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
