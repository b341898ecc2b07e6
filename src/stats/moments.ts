import { UsageError } from "../errors.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { alignColumns, checkAlike, checkAmong, checkBlock, sameColumns } from "./block-layout.js";
import { combined, combinedRows } from "./combined-columns.js";
import type { CrossProducts, MomentsJson } from "./cross-products.js";
import { DoubleDouble } from "./double-double.js";
import { doublesSteps, packedIndex, packedLength, plainList } from "./packed.js";
import { ended } from "./pauses.js";
import { positions } from "./positions.js";

/**
 * The first two moments of named columns: the row count n, W = Σw, the weighted means x̄ = Σwx / W, and the centred
 * cross-products C = Σ w (x − x̄)(x − x̄)ᵀ as a packed lower triangle, entry (i, j), i ≥ j, at i(i + 1)/2 + j.
 *
 * Everything that least squares needs is in them, they merge (`absorb`, `merge`), and they can be taken apart again
 * (`subtract`). A column that one side does not have is a column of zeros there. Rows of weight 0 are not counted
 * in n, as in R. Source: Chan, Golub & LeVeque 1983; Pébay 2008.
 */
export class Moments implements CrossProducts {
  /** The columns' names, unique, in the order of `mean`. */
  columns: readonly string[];
  /** Rows of positive weight. */
  n = 0;
  /** Σw; n without weights. */
  sumW = 0;
  /** Σ ln w, which the likelihood of a weighted fit needs; 0 without weights. */
  sumLogW = 0;
  /** The weighted means, p values. */
  mean: Float64Array;
  /** The packed lower triangle of C, p(p + 1)/2 values. */
  c: Float64Array;

  private constructor(columns: readonly string[], mean: Float64Array, c: Float64Array) {
    this.columns = columns;
    this.mean = mean;
    this.c = c;
  }

  /** Moments of no rows: the identity of `merge`. */
  static empty(columns: readonly string[]): Moments {
    const p = columns.length;
    return new Moments(columns, new Float64Array(p), new Float64Array(packedLength(p)));
  }

  /** Moments from their parts, which are kept, not copied; throws UsageError where the lengths do not fit. */
  static of(parts: {
    columns: readonly string[];
    n: number;
    sumW: number;
    sumLogW?: number;
    mean: Float64Array;
    c: Float64Array;
  }): Moments {
    const p = parts.columns.length;
    if (parts.mean.length !== p || parts.c.length !== packedLength(p))
      throw new UsageError(
        `moments of ${p} columns need ${p} means and ${packedLength(p)} cross-products, ` +
          `not ${parts.mean.length} and ${parts.c.length}`,
      );
    const moments = new Moments(parts.columns, parts.mean, parts.c);
    moments.n = parts.n;
    moments.sumW = parts.sumW;
    moments.sumLogW = parts.sumLogW ?? 0;
    return moments;
  }

  /** False: these are in double. */
  get extended(): boolean {
    return false;
  }

  /** Where a column lies; −1 where there is none of that name. */
  index(name: string): number {
    return positions(this.columns).get(name) ?? -1;
  }

  /** C_ij, or Σ w x_i x_j = C_ij + W x̄_i x̄_j where not `centred`; 0 where i or j is −1. */
  product(i: number, j: number, centred = true): number {
    if (i < 0 || j < 0) return 0;
    const c = this.c[packedIndex(i, j)]!;
    return centred ? c : c + this.sumW * this.mean[i]! * this.mean[j]!;
  }

  get extendedSumW(): DoubleDouble {
    return new DoubleDouble(this.sumW);
  }

  extendedMean(i: number): DoubleDouble {
    return new DoubleDouble(this.mean[i] ?? 0);
  }

  /** {@link Moments.product} in double-double arithmetic. */
  extendedProduct(i: number, j: number, centred = true): DoubleDouble {
    const c = new DoubleDouble(this.product(i, j));
    return centred ? c : c.add(this.extendedSumW.mul(this.extendedMean(i)).mul(this.extendedMean(j)));
  }

  /**
   * Moments of the rows of `X` (n × p, row-major), `weights` n values ≥ 0: two passes over each block of 128 rows,
   * the blocks merged in order. Throws UsageError where the lengths do not fit or a weight is negative.
   */
  static fromRows(columns: readonly string[], X: Float64Array, weights?: Float64Array): Moments {
    return Moments.empty(columns).update(X, weights);
  }

  /** Adds rows, as {@link Moments.fromRows}. */
  update(X: Float64Array, weights?: Float64Array): this {
    const p = this.columns.length;
    if (p === 0 || X.length % p !== 0)
      throw new UsageError(`${X.length} values do not make rows of ${p} columns`);
    const rows = X.length / p;
    if (weights !== undefined && weights.length !== rows)
      throw new UsageError(`weights has ${weights.length} values, the data have ${rows} rows`);
    const block = new Float64Array(BLOCK_ROWS * p);
    for (let start = 0; start < rows; start += BLOCK_ROWS) {
      const size = Math.min(BLOCK_ROWS, rows - start);
      for (let j = 0; j < p; j++)
        for (let r = 0; r < size; r++) block[j * BLOCK_ROWS + r] = X[(start + r) * p + j]!;
      this.updateBlock(block, size, BLOCK_ROWS, weights?.subarray(start, start + size));
    }
    return this;
  }

  /**
   * Adds one block of rows: `block` column-major, column j at j·stride, the first `rows` of each column used; the
   * twin of the Gram kernel. Means first, then products of the centred columns.
   */
  updateBlock(block: Float64Array, rows: number, stride: number, weights?: Float64Array): this {
    const p = this.columns.length;
    const { n, sumW, sumLogW } = checkBlock(p, block.length, rows, stride, weights);
    if (n === 0) return this;
    const part = Moments.empty(this.columns);
    part.n = n;
    part.sumW = sumW;
    part.sumLogW = sumLogW;
    const centred = new Float64Array(rows * p);
    for (let j = 0; j < p; j++) {
      // Summed from the first row's value on, a constant column's mean is that value, and its C is 0, exactly.
      const origin = block[j * stride]!;
      let sum = 0;
      for (let r = 0; r < rows; r++) sum += (block[j * stride + r]! - origin) * (weights?.[r] ?? 1);
      const mean = origin + sum / sumW;
      let rest = 0;
      for (let r = 0; r < rows; r++) {
        const d = block[j * stride + r]! - mean;
        centred[j * rows + r] = d;
        rest += d * (weights?.[r] ?? 1);
      }
      // The mean's own rounding error, seen in the second pass, is put right.
      part.mean[j] = mean + rest / sumW;
    }
    for (let i = 0; i < p; i++)
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        if (weights === undefined)
          for (let r = 0; r < rows; r++) sum += centred[i * rows + r]! * centred[j * rows + r]!;
        else
          for (let r = 0; r < rows; r++) sum += weights[r]! * centred[i * rows + r]! * centred[j * rows + r]!;
        part.c[packedIndex(i, j)] = sum;
      }
    return this.absorb(part);
  }

  /**
   * Merges `other` into this one: with δ = x̄_b − x̄_a, x̄ = x̄_a + δ W_b/W and C = C_a + C_b + δδᵀ W_a W_b/W.
   * Columns that only `other` has are appended, in its order.
   */
  absorb(other: CrossProducts): this {
    const aligned = this.alignWith(other);
    const { n, sumW } = aligned;
    if (n === 0) return this;
    this.sumLogW += other.sumLogW;
    if (this.n === 0) {
      this.n = n;
      this.sumW = sumW;
      this.mean.set(aligned.mean);
      this.c.set(aligned.c);
      return this;
    }
    const total = this.sumW + sumW;
    const share = sumW / total;
    const factor = this.sumW * share;
    const p = this.columns.length;
    const delta = new Float64Array(p);
    for (let i = 0; i < p; i++) delta[i] = aligned.mean[i]! - this.mean[i]!;
    for (let i = 0, k = 0; i < p; i++) {
      const scaled = delta[i]! * factor;
      for (let j = 0; j <= i; j++, k++) this.c[k] = this.c[k]! + (aligned.c[k]! + scaled * delta[j]!);
      this.mean[i] = this.mean[i]! + delta[i]! * share;
    }
    this.n += n;
    this.sumW = total;
    return this;
  }

  /** The moments of both sets of rows, as new ones; see {@link Moments.absorb}. */
  merge(other: CrossProducts): Moments {
    return this.clone().absorb(other);
  }

  /**
   * The moments of the rows of this that are not among those of `other`: the inverse of `merge`. A column whose
   * remaining variation is within the rounding of what was taken away is constant from then on. Throws UsageError
   * where `other` has rows or columns that this has not.
   */
  subtract(other: CrossProducts): Moments {
    checkAmong(this, other);
    const left = this.clone();
    if (other.n === 0) return left;
    if (other.n === this.n) return Moments.empty(this.columns);
    const aligned = left.alignWith(other);
    const p = left.columns.length;
    left.n = this.n - other.n;
    left.sumW = this.sumW - other.sumW;
    left.sumLogW = this.sumLogW - other.sumLogW;
    if (!(left.sumW > 0))
      throw new UsageError(`cannot take weights of ${other.sumW} in all away from ${this.sumW}`);
    const share = other.sumW / left.sumW;
    const factor = this.sumW * share;
    const delta = new Float64Array(p);
    for (let i = 0; i < p; i++) delta[i] = this.mean[i]! - aligned.mean[i]!;
    for (let i = 0, k = 0; i < p; i++) {
      const scaled = delta[i]! * factor;
      for (let j = 0; j <= i; j++, k++) left.c[k] = this.c[k]! - (aligned.c[k]! + scaled * delta[j]!);
      const moved = delta[i]! * share;
      const mean = this.mean[i]! + moved;
      left.mean[i] = Math.abs(mean) <= 16 * Number.EPSILON * Math.abs(moved) ? 0 : mean;
    }
    for (let i = 0; i < p; i++) {
      const ii = packedIndex(i, i);
      if (left.c[ii]! > 64 * Number.EPSILON * this.c[ii]!) continue;
      for (let j = 0; j < p; j++) left.c[packedIndex(i, j)] = 0;
    }
    return left;
  }

  /** Whether column i is not zero in every row. */
  occurs(i: number): boolean {
    return this.mean[i] !== 0 || this.product(i, i) !== 0;
  }

  /** These moments themselves, every entry of which is at hand; those of combined columns where such are asked for. */
  over(keys: readonly string[] = []): Moments {
    const rows = combinedRows(keys, (key) => this.index(key));
    if (rows === undefined) return this;
    const { n, sumW, sumLogW } = this;
    return Moments.of({ columns: keys, n, sumW, sumLogW, ...combined(this.mean, this.c, rows) });
  }

  /** The moments of the columns at `indices`, in that order. */
  select(indices: readonly number[]): Moments {
    const picked = Moments.empty(indices.map((i) => this.columns[i]!));
    picked.n = this.n;
    picked.sumW = this.sumW;
    picked.sumLogW = this.sumLogW;
    for (let i = 0; i < indices.length; i++) {
      picked.mean[i] = this.mean[indices[i]!]!;
      for (let j = 0; j <= i; j++)
        picked.c[packedIndex(i, j)] = this.c[packedIndex(indices[i]!, indices[j]!)]!;
    }
    return picked;
  }

  /** Appends columns, which are zero in every row so far. */
  widen(names: readonly string[]): this {
    if (names.length === 0) return this;
    this.columns = [...this.columns, ...names];
    const mean = new Float64Array(this.columns.length);
    const c = new Float64Array(packedLength(this.columns.length));
    mean.set(this.mean);
    c.set(this.c);
    this.mean = mean;
    this.c = c;
    return this;
  }

  /** A copy that shares nothing but the names. */
  clone(): Moments {
    return Moments.of({
      columns: this.columns,
      n: this.n,
      sumW: this.sumW,
      sumLogW: this.sumLogW,
      mean: this.mean.slice(),
      c: this.c.slice(),
    });
  }

  /** These moments themselves. */
  toMoments(): Moments {
    return this;
  }

  toJSON(): MomentsJson {
    return { ...this.toLists(), mean: plainList(this.mean), c: plainList(this.c) };
  }

  /** The same with typed arrays in the place of long lists. */
  toLists() {
    const { n, sumW, sumLogW, mean, c } = this;
    return { columns: [...this.columns], n, sumW, sumLogW, mean, c };
  }

  /** Reads what toJSON wrote; throws UsageError where the lengths do not fit or a number is not finite. */
  static fromJSON(json: MomentsJson): Moments {
    return ended(Moments.fromJsonSteps(json));
  }

  /**
   * Reads what toJSON wrote, with pauses; throws UsageError where the lengths do not fit or a number is not finite.
   */
  static *fromJsonSteps(json: MomentsJson): Generator<undefined, Moments, void> {
    const mean = yield* doublesSteps(json.mean);
    const c = yield* doublesSteps(json.c);
    const finite = [json.n, json.sumW, json.sumLogW].every(Number.isFinite) && mean.finite && c.finite;
    const moments = Moments.of({ ...json, mean: mean.values, c: c.values });
    if (!finite) throw new UsageError("moments hold a number that is not finite");
    return moments;
  }

  /** Widens this to the columns of `other` too, and gives `other` in this one's order (itself, where it is so). */
  private alignWith(given: CrossProducts): Moments {
    const other = given.over([...given.columns]) as Moments;
    checkAlike(this, other);
    if (sameColumns(this.columns, other.columns)) return other;
    const { added, indices } = alignColumns(this.columns, other.columns);
    this.widen(added);
    const aligned = Moments.empty(this.columns);
    aligned.n = other.n;
    aligned.sumW = other.sumW;
    for (let i = 0; i < indices.length; i++) {
      aligned.mean[indices[i]!] = other.mean[i]!;
      for (let j = 0; j <= i; j++)
        aligned.c[packedIndex(indices[i]!, indices[j]!)] = other.c[packedIndex(i, j)]!;
    }
    return aligned;
  }
}
