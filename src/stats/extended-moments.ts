import { UsageError } from "../errors.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { alignColumns, checkAlike, checkAmong, checkBlock, sameColumns } from "./block-layout.js";
import { combinedExtended, combinedRows } from "./combined-columns.js";
import type { CrossProducts, ExtendedMomentsJson } from "./cross-products.js";
import { addAt, addProductAt, DoubleDouble, productError, sumError } from "./double-double.js";
import { Moments } from "./moments.js";
import { packedIndex, packedLength, plainList } from "./packed.js";
import { ended } from "./pauses.js";
import { positions } from "./positions.js";

/**
 * {@link Moments} in double-double arithmetic (about 106 bits), for ill-conditioned data: every value is the sum of
 * its high part and its low part (`mean` + `meanLow`, `c` + `cLow`, `sumW` + `sumWLow`).
 *
 * Values must be below about 1e150 in magnitude, see DoubleDouble.
 */
export class ExtendedMoments implements CrossProducts {
  columns: readonly string[];
  n = 0;
  sumW = 0;
  sumWLow = 0;
  sumLogW = 0;
  mean: Float64Array;
  meanLow: Float64Array;
  /** The packed lower triangle of C, as in Moments. */
  c: Float64Array;
  cLow: Float64Array;

  private constructor(columns: readonly string[]) {
    const p = columns.length;
    this.columns = columns;
    this.mean = new Float64Array(p);
    this.meanLow = new Float64Array(p);
    this.c = new Float64Array(packedLength(p));
    this.cLow = new Float64Array(packedLength(p));
  }

  /** Moments of no rows: the identity of `merge`. */
  static empty(columns: readonly string[]): ExtendedMoments {
    return new ExtendedMoments(columns);
  }

  /** Moments from their parts, which are kept, not copied; throws UsageError where the lengths do not fit. */
  static of(parts: {
    columns: readonly string[];
    n: number;
    sumW: number;
    sumWLow: number;
    sumLogW: number;
    mean: Float64Array;
    meanLow: Float64Array;
    c: Float64Array;
    cLow: Float64Array;
  }): ExtendedMoments {
    const moments = ExtendedMoments.empty(parts.columns);
    for (const part of ["mean", "meanLow", "c", "cLow"] as const)
      if (parts[part].length !== moments[part].length)
        throw new UsageError(`${part} has ${parts[part].length} values, expected ${moments[part].length}`);
    return Object.assign(moments, parts);
  }

  /** True: these are in double-double. */
  get extended(): boolean {
    return true;
  }

  /** Where a column lies; −1 where there is none of that name. */
  index(name: string): number {
    return positions(this.columns).get(name) ?? -1;
  }

  /** As {@link Moments.product}, in double from the high parts. */
  product(i: number, j: number, centred = true): number {
    if (i < 0 || j < 0) return 0;
    const c = this.c[packedIndex(i, j)]!;
    return centred ? c : c + this.sumW * this.mean[i]! * this.mean[j]!;
  }

  get extendedSumW(): DoubleDouble {
    return new DoubleDouble(this.sumW, this.sumWLow);
  }

  extendedMean(i: number): DoubleDouble {
    return new DoubleDouble(this.mean[i] ?? 0, this.meanLow[i] ?? 0);
  }

  /** C_ij, or Σ w x_i x_j = C_ij + W x̄_i x̄_j where not `centred`; 0 where i or j is −1. */
  extendedProduct(i: number, j: number, centred = true): DoubleDouble {
    if (i < 0 || j < 0) return new DoubleDouble(0);
    const at = packedIndex(i, j);
    const c = new DoubleDouble(this.c[at]!, this.cLow[at]!);
    return centred ? c : c.add(this.extendedSumW.mul(this.extendedMean(i)).mul(this.extendedMean(j)));
  }

  /** Moments in double as double-double, the low parts zero; those that are in double-double themselves. */
  static from(moments: Moments | ExtendedMoments): ExtendedMoments {
    if (moments instanceof ExtendedMoments) return moments;
    const { columns, n, sumW, sumLogW, mean, c } = moments;
    const low = { sumWLow: 0, meanLow: new Float64Array(mean.length), cLow: new Float64Array(c.length) };
    return ExtendedMoments.of({ columns, n, sumW, sumLogW, mean: mean.slice(), c: c.slice(), ...low });
  }

  /**
   * Moments of the rows of `X` (n × p, row-major), `weights` n values ≥ 0, `low` the low parts of X (n × p) where
   * its values are double-double. Throws UsageError where the lengths do not fit or a weight is negative.
   */
  static fromRows(
    columns: readonly string[],
    X: Float64Array,
    weights?: Float64Array,
    low?: Float64Array,
  ): ExtendedMoments {
    return ExtendedMoments.empty(columns).update(X, weights, low);
  }

  /** Adds rows, as {@link ExtendedMoments.fromRows}. */
  update(X: Float64Array, weights?: Float64Array, low?: Float64Array): this {
    const p = this.columns.length;
    if (p === 0 || X.length % p !== 0)
      throw new UsageError(`${X.length} values do not make rows of ${p} columns`);
    if (low !== undefined && low.length !== X.length)
      throw new UsageError(`there are ${X.length} high parts and ${low.length} low parts`);
    const rows = X.length / p;
    if (weights !== undefined && weights.length !== rows)
      throw new UsageError(`weights has ${weights.length} values, the data have ${rows} rows`);
    const block = new Float64Array(BLOCK_ROWS * p);
    const blockLow = low === undefined ? undefined : new Float64Array(BLOCK_ROWS * p);
    for (let start = 0; start < rows; start += BLOCK_ROWS) {
      const size = Math.min(BLOCK_ROWS, rows - start);
      for (let j = 0; j < p; j++)
        for (let r = 0; r < size; r++) {
          block[j * BLOCK_ROWS + r] = X[(start + r) * p + j]!;
          if (blockLow !== undefined) blockLow[j * BLOCK_ROWS + r] = low![(start + r) * p + j]!;
        }
      this.updateBlock(block, blockLow, size, BLOCK_ROWS, weights?.subarray(start, start + size));
    }
    return this;
  }

  /**
   * Adds one block of rows, column-major as in Moments.updateBlock, `low` its low parts or undefined for none; the
   * twin of the double-double Gram kernel.
   */
  updateBlock(
    block: Float64Array,
    low: Float64Array | undefined,
    rows: number,
    stride: number,
    weights?: Float64Array,
  ): this {
    const p = this.columns.length;
    const { n, sumLogW } = checkBlock(p, block.length, rows, stride, weights);
    if (n === 0) return this;
    const part = ExtendedMoments.empty(this.columns);
    part.n = n;
    part.sumLogW = sumLogW;
    let total = new DoubleDouble(0);
    for (let r = 0; r < rows; r++) total = total.add(new DoubleDouble(weights?.[r] ?? 1));
    part.sumW = total.hi;
    part.sumWLow = total.lo;
    const hi = new Float64Array(rows * p);
    const lo = new Float64Array(rows * p);
    for (let j = 0; j < p; j++) {
      const start = j * rows;
      for (let r = 0; r < rows; r++) {
        hi[start + r] = block[j * stride + r]!;
        lo[start + r] = low?.[j * stride + r] ?? 0;
      }
      // From the first row's value on, as in Moments.
      const origin = new DoubleDouble(hi[start]!, lo[start]!);
      for (let r = 0; r < rows; r++) {
        addAt(hi, lo, start + r, -origin.hi, -origin.lo);
        addProductAt(part.mean, part.meanLow, j, hi[start + r]!, lo[start + r]!, weights?.[r] ?? 1, 0);
      }
      const offset = new DoubleDouble(part.mean[j]!, part.meanLow[j]!).div(total);
      const mean = origin.add(offset);
      part.mean[j] = mean.hi;
      part.meanLow[j] = mean.lo;
      for (let r = 0; r < rows; r++) addAt(hi, lo, start + r, -offset.hi, -offset.lo);
    }
    const weightedHi = new Float64Array(rows);
    const weightedLo = new Float64Array(rows);
    for (let i = 0; i < p; i++) {
      weightedHi.fill(0);
      weightedLo.fill(0);
      for (let r = 0; r < rows; r++)
        addProductAt(weightedHi, weightedLo, r, hi[i * rows + r]!, lo[i * rows + r]!, weights?.[r] ?? 1, 0);
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        let sumLow = 0;
        for (let r = 0; r < rows; r++) {
          const ah = weightedHi[r]!;
          const bh = hi[j * rows + r]!;
          const product = ah * bh;
          const e = productError(ah, bh, product) + (ah * lo[j * rows + r]! + weightedLo[r]! * bh);
          const s = sum + product;
          const t = sumError(sum, product, s) + (e + sumLow);
          sum = s + t;
          sumLow = t - (sum - s);
        }
        part.c[packedIndex(i, j)] = sum;
        part.cLow[packedIndex(i, j)] = sumLow;
      }
    }
    return this.absorb(part);
  }

  /** Merges `other` into this one; see {@link Moments.absorb}. */
  absorb(other: CrossProducts): this {
    const aligned = this.alignWith(other);
    if (aligned.n === 0) return this;
    this.sumLogW += other.sumLogW;
    if (this.n === 0) {
      this.n = aligned.n;
      this.sumW = aligned.sumW;
      this.sumWLow = aligned.sumWLow;
      this.mean.set(aligned.mean);
      this.meanLow.set(aligned.meanLow);
      this.c.set(aligned.c);
      this.cLow.set(aligned.cLow);
      return this;
    }
    const before = new DoubleDouble(this.sumW, this.sumWLow);
    const added = new DoubleDouble(aligned.sumW, aligned.sumWLow);
    const total = before.add(added);
    this.shift(aligned, 1, added.div(total), before.mul(added).div(total));
    this.n += aligned.n;
    this.sumW = total.hi;
    this.sumWLow = total.lo;
    return this;
  }

  /** The moments of both sets of rows, as new ones. */
  merge(other: CrossProducts): ExtendedMoments {
    return this.clone().absorb(other);
  }

  /** The inverse of `merge`, as {@link Moments.subtract}. */
  subtract(other: CrossProducts): ExtendedMoments {
    checkAmong(this, other);
    const left = this.clone();
    if (other.n === 0) return left;
    if (other.n === this.n) return ExtendedMoments.empty(this.columns);
    const taken = other.extendedSumW;
    const total = new DoubleDouble(this.sumW, this.sumWLow);
    const rest = total.sub(taken);
    if (!(rest.hi > 0))
      throw new UsageError(`cannot take weights of ${other.sumW} in all away from ${this.sumW}`);
    left.shift(left.alignWith(other), -1, taken.div(rest).negate(), total.mul(taken).div(rest).negate());
    left.n = this.n - other.n;
    left.sumLogW = this.sumLogW - other.sumLogW;
    left.sumW = rest.hi;
    left.sumWLow = rest.lo;
    const p = this.columns.length;
    for (let i = 0; i < p; i++) {
      const ii = packedIndex(i, i);
      if (left.c[ii]! > 2 ** -96 * this.c[ii]!) continue;
      for (let j = 0; j < p; j++) {
        left.c[packedIndex(i, j)] = 0;
        left.cLow[packedIndex(i, j)] = 0;
      }
    }
    return left;
  }

  /** Whether column i is not zero in every row. */
  occurs(i: number): boolean {
    return this.mean[i] !== 0 || this.product(i, i) !== 0;
  }

  /** These moments themselves, every entry of which is at hand; those of combined columns where such are asked for. */
  over(keys: readonly string[] = []): ExtendedMoments {
    const rows = combinedRows(keys, (key) => this.index(key));
    if (rows === undefined) return this;
    const { mean, c } = combinedExtended(
      { hi: this.mean, lo: this.meanLow },
      { hi: this.c, lo: this.cLow },
      rows,
    );
    const out = ExtendedMoments.empty(keys).countAs(this);
    out.mean.set(mean.hi);
    out.meanLow.set(mean.lo);
    out.c.set(c.hi);
    out.cLow.set(c.lo);
    return out;
  }

  /** The moments of the columns at `indices`, in that order. */
  select(indices: readonly number[]): ExtendedMoments {
    const picked = ExtendedMoments.empty(indices.map((i) => this.columns[i]!)).countAs(this);
    for (let i = 0; i < indices.length; i++) {
      picked.mean[i] = this.mean[indices[i]!]!;
      picked.meanLow[i] = this.meanLow[indices[i]!]!;
      for (let j = 0; j <= i; j++) {
        const from = packedIndex(indices[i]!, indices[j]!);
        picked.c[packedIndex(i, j)] = this.c[from]!;
        picked.cLow[packedIndex(i, j)] = this.cLow[from]!;
      }
    }
    return picked;
  }

  /** Appends columns, which are zero in every row so far. */
  widen(names: readonly string[]): this {
    if (names.length === 0) return this;
    const wide = ExtendedMoments.empty([...this.columns, ...names]);
    wide.mean.set(this.mean);
    wide.meanLow.set(this.meanLow);
    wide.c.set(this.c);
    wide.cLow.set(this.cLow);
    this.columns = wide.columns;
    this.mean = wide.mean;
    this.meanLow = wide.meanLow;
    this.c = wide.c;
    this.cLow = wide.cLow;
    return this;
  }

  /** The same moments rounded to doubles. */
  toMoments(): Moments {
    const { columns, n, sumW, sumLogW } = this;
    return Moments.of({ columns, n, sumW, sumLogW, mean: this.mean.slice(), c: this.c.slice() });
  }

  /** A copy that shares nothing but the names. */
  clone(): ExtendedMoments {
    const copy = ExtendedMoments.empty(this.columns).countAs(this);
    copy.mean.set(this.mean);
    copy.meanLow.set(this.meanLow);
    copy.c.set(this.c);
    copy.cLow.set(this.cLow);
    return copy;
  }

  toJSON(): ExtendedMomentsJson {
    return {
      ...this.toLists(),
      mean: plainList(this.mean),
      meanLow: plainList(this.meanLow),
      c: plainList(this.c),
      cLow: plainList(this.cLow),
    };
  }

  /** The same with typed arrays in the place of long lists. */
  toLists() {
    const { n, sumLogW, mean, meanLow, c, cLow } = this;
    const sumW: [number, number] = [this.sumW, this.sumWLow];
    return { columns: [...this.columns], n, sumW, sumLogW, mean, meanLow, c, cLow };
  }

  /** Reads what toJSON wrote; throws UsageError where the lengths do not fit or a number is not finite. */
  static fromJSON(json: ExtendedMomentsJson): ExtendedMoments {
    return ended(ExtendedMoments.fromJsonSteps(json));
  }

  /** Reads what toJSON wrote, with pauses; throws UsageError where the lengths do not fit or a number is not finite. */
  static *fromJsonSteps(json: ExtendedMomentsJson): Generator<undefined, ExtendedMoments, void> {
    const { columns, n, sumLogW, mean, c } = json;
    const high = yield* Moments.fromJsonSteps({ columns, n, sumW: json.sumW[0], sumLogW, mean, c });
    const low = yield* Moments.fromJsonSteps({
      columns,
      n,
      sumW: json.sumW[1],
      sumLogW,
      mean: json.meanLow,
      c: json.cLow,
    });
    const moments = ExtendedMoments.empty(columns);
    moments.n = n;
    moments.sumW = high.sumW;
    moments.sumWLow = low.sumW;
    moments.sumLogW = sumLogW;
    moments.mean = high.mean;
    moments.meanLow = low.mean;
    moments.c = high.c;
    moments.cLow = low.c;
    return moments;
  }

  /** x̄ += δ·share and C += sign·C_b + δδᵀ·factor, where δ = x̄_b − x̄: what merging and its inverse share. */
  private shift(other: ExtendedMoments, sign: 1 | -1, share: DoubleDouble, factor: DoubleDouble): void {
    const p = this.columns.length;
    const delta = other.mean.slice();
    const deltaLow = other.meanLow.slice();
    for (let i = 0; i < p; i++) addAt(delta, deltaLow, i, -this.mean[i]!, -this.meanLow[i]!);
    for (let i = 0, k = 0; i < p; i++) {
      const step = new DoubleDouble(delta[i]!, deltaLow[i]!);
      const scaled = step.mul(factor);
      for (let j = 0; j <= i; j++, k++) {
        addAt(this.c, this.cLow, k, sign * other.c[k]!, sign * other.cLow[k]!);
        addProductAt(this.c, this.cLow, k, scaled.hi, scaled.lo, delta[j]!, deltaLow[j]!);
      }
      const moved = step.mul(share);
      addAt(this.mean, this.meanLow, i, moved.hi, moved.lo);
      if (sign < 0 && Math.abs(this.mean[i]!) <= 2 ** -98 * Math.abs(moved.hi)) {
        this.mean[i] = 0;
        this.meanLow[i] = 0;
      }
    }
  }

  private countAs(other: ExtendedMoments): this {
    this.n = other.n;
    this.sumW = other.sumW;
    this.sumWLow = other.sumWLow;
    this.sumLogW = other.sumLogW;
    return this;
  }

  private alignWith(given: CrossProducts): ExtendedMoments {
    const other = given.over([...given.columns]) as ExtendedMoments;
    checkAlike(this, other);
    if (sameColumns(this.columns, other.columns)) return other;
    const { added, indices } = alignColumns(this.columns, other.columns);
    this.widen(added);
    const aligned = ExtendedMoments.empty(this.columns).countAs(other);
    for (let i = 0; i < indices.length; i++) {
      aligned.mean[indices[i]!] = other.mean[i]!;
      aligned.meanLow[indices[i]!] = other.meanLow[i]!;
      for (let j = 0; j <= i; j++) {
        const to = packedIndex(indices[i]!, indices[j]!);
        aligned.c[to] = other.c[packedIndex(i, j)]!;
        aligned.cLow[to] = other.cLow[packedIndex(i, j)]!;
      }
    }
    return aligned;
  }
}
