import type { Steps } from "../../parallel/steps.js";
import { addAt, addProductAt, DoubleDouble } from "../../stats/double-double.js";
import { ExtendedMoments } from "../../stats/extended-moments.js";
import { Moments } from "../../stats/moments.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { SparseMoments } from "../../stats/sparse-moments.js";
import type { Found } from "../../stats/sparse-shape.js";

/**
 * The share of a column's squares that must be left within the levels for it to count as varying there; below, it is
 * the rounding of sums over a column that is constant within each level. As the pivots of `solve`, in either arithmetic.
 */
const WITHIN_TOLERANCE = { double: 1e-11, extended: 1e-26 };

/** Levels whose products are summed up in double. */
const SUMMED = 256;

/** The columns that are not eliminated, about their means within the levels of a factor. */
export class WithinLevels {
  readonly #moments: SparseMoments;
  readonly #table: number;
  readonly #columns: readonly (Found | undefined)[];
  /** The columns of numbers, with their places. */
  readonly #numbers: readonly { at: number; number: number }[];
  /** Per level, the sums Σ w x of columns of cells that are not zero there. */
  readonly #sums: LevelSums;
  /** Where the numbers' means stand in the table of the factor. */
  readonly #stored: readonly number[];

  constructor(moments: SparseMoments, table: number, columns: readonly (Found | undefined)[]) {
    this.#moments = moments;
    this.#table = table;
    this.#columns = columns;
    this.#sums = this.#sumsByLevel();
    this.#numbers = columns.flatMap((column, at) =>
      column !== undefined && "number" in column ? [{ at, number: column.number }] : [],
    );
    const { columns: stored } = moments.shape.tables[table]!;
    this.#stored = this.#numbers.map(({ number }) => stored.indexOf(number));
  }

  get levels(): number {
    return this.#moments.tables[this.#table]!.count;
  }

  /** Σw of a level; 0 for one without rows. */
  weight(level: number): DoubleDouble {
    return this.#moments.tables[this.#table]!.extendedWeight(level);
  }

  /** Calls `visit` with each column that is not zero throughout a level, by its place, and its mean there. */
  visitMeans(level: number, visit: (at: number, mean: number) => void): void {
    const table = this.#moments.tables[this.#table]!;
    for (let i = 0; i < this.#numbers.length; i++)
      visit(this.#numbers[i]!.at, table.mean(level, this.#stored[i]!));
    const { from, end, at, hi } = this.#sums;
    const weight = table.weight(level);
    for (let entry = from[level]!; entry < end[level]!; entry++) visit(at[entry]!, hi[entry]! / weight);
  }

  /** The columns' means in a level, the target's last. */
  means(level: number): DoubleDouble[] {
    const { shape, tables } = this.#moments;
    const weight = this.weight(level);
    const means = this.#columns.map((column) =>
      column !== undefined && "number" in column
        ? tables[this.#table]!.extendedMean(level, shape.tables[this.#table]!.columns.indexOf(column.number))
        : ZERO,
    );
    const { from, end, at, hi, lo } = this.#sums;
    for (let entry = from[level]!; entry < end[level]!; entry++)
      means[at[entry]!] = new DoubleDouble(hi[entry]!, lo[entry]!).div(weight);
    return means;
  }

  /** S, packed, as high and low parts; and by how much the squares of a column have become smaller, at most. */
  *reduce(): Steps<{ reduced: { hi: Float64Array; lo: Float64Array }; loss: number }> {
    const moments = this.#moments;
    const columns = this.#columns;
    const p = columns.length;
    const hi = new Float64Array(packedLength(p));
    const lo = new Float64Array(packedLength(p));
    const spread = new Float64Array(p);
    // Numbers are taken about their means; columns of cells as they stand. The levels span both differences.
    yield* this.#start(hi, lo, spread);
    if (moments.extended) yield* this.#subtractExtended(hi, lo);
    else yield* this.#subtractDouble(hi, lo);
    return { reduced: { hi, lo }, loss: this.#clear(hi, lo, spread) };
  }

  /** Takes what the levels' means explain out of the products. */
  *#subtractExtended(hi: Float64Array, lo: Float64Array): Steps<void> {
    const moments = this.#moments;
    const numbers = this.#numbers;
    const centres = numbers.map(({ number }) => moments.base.extendedMean(number));
    const table = moments.tables[this.#table]!;
    const sums = this.#sums;
    for (let level = 0; level < table.count; level++) {
      if (table.rows(level) === 0) continue;
      yield;
      const weight = table.extendedWeight(level);
      const [from, end] = [sums.from[level]!, sums.end[level]!];
      const deviations = this.#stored.map((place, i) => table.extendedMean(level, place).sub(centres[i]!));
      for (let i = 0; i < numbers.length; i++) {
        const own = numbers[i]!.at;
        const d = deviations[i]!;
        const scaled = weight.mul(d).negate();
        for (let j = 0; j <= i; j++) {
          const at = packedIndex(own, numbers[j]!.at);
          addProductAt(hi, lo, at, scaled.hi, scaled.lo, deviations[j]!.hi, deviations[j]!.lo);
        }
        for (let entry = from; entry < end; entry++) {
          const at = packedIndex(own, sums.at[entry]!);
          addProductAt(hi, lo, at, -sums.hi[entry]!, -sums.lo[entry]!, d.hi, d.lo);
        }
      }
      for (let a = from; a < end; a++) {
        const share = new DoubleDouble(sums.hi[a]!, sums.lo[a]!).div(weight).negate();
        for (let b = from; b <= a; b++) {
          const at = packedIndex(sums.at[a]!, sums.at[b]!);
          addProductAt(hi, lo, at, share.hi, share.lo, sums.hi[b]!, sums.lo[b]!);
        }
      }
    }
  }

  /** The same in double: the sums of some hundred levels are plain, and add up in double-double. */
  *#subtractDouble(hi: Float64Array, lo: Float64Array): Steps<void> {
    const { base, tables } = this.#moments;
    const centres = Float64Array.from(this.#numbers, ({ number }) => base.extendedMean(number).hi);
    const { count } = tables[this.#table]!;
    const part = new Float64Array(hi.length);
    for (let from = 0; from < count; from += SUMMED) {
      yield;
      this.#addLevels(part, centres, from, Math.min(count, from + SUMMED));
      for (let k = 0; k < part.length; k++) {
        addAt(hi, lo, k, part[k]!, 0);
        part[k] = 0;
      }
    }
  }

  /** Takes levels `first` to `last` − 1 out of `part`, numbers about `centres`. */
  #addLevels(part: Float64Array, centres: Float64Array, first: number, last: number): void {
    const numbers = this.#numbers.map(({ at }) => at);
    const count = numbers.length;
    const stored = this.#stored;
    const table = this.#moments.tables[this.#table]!;
    const { at, hi: sum, from: begins, end: ends } = this.#sums;
    const d = new Float64Array(count);
    for (let level = first; level < last; level++) {
      const weight = table.weight(level);
      if (!(weight > 0)) continue;
      const [from, end] = [begins[level]!, ends[level]!];
      for (let i = 0; i < count; i++) d[i] = table.mean(level, stored[i]!) - centres[i]!;
      for (let i = 0; i < count; i++) {
        const own = numbers[i]!;
        const scaled = weight * d[i]!;
        for (let j = 0; j <= i; j++) part[packedIndex(own, numbers[j]!)]! -= scaled * d[j]!;
        for (let entry = from; entry < end; entry++)
          part[packedIndex(own, at[entry]!)]! -= sum[entry]! * d[i]!;
      }
      for (let a = from; a < end; a++) {
        const own = at[a]!;
        const row = packedIndex(own, 0);
        const share = sum[a]! / weight;
        for (let b = from; b <= a; b++) {
          const other = at[b]!;
          part[other <= own ? row + other : packedIndex(other, own)]! -= share * sum[b]!;
        }
      }
    }
  }

  /** The products before anything is eliminated: numbers about their means, columns of cells about zero. */
  *#start(hi: Float64Array, lo: Float64Array, spread: Float64Array): Steps<void> {
    const moments = this.#moments;
    for (const [i, a] of this.#columns.entries()) {
      if (a === undefined) continue;
      yield;
      for (let j = 0; j <= i; j++) {
        const b = this.#columns[j];
        if (b === undefined) continue;
        const at = packedIndex(i, j);
        const centred = "number" in a || "number" in b;
        const product = moments.productOf(a, b, centred);
        hi[at] = product.hi;
        lo[at] = product.lo;
      }
      spread[i] = moments.productOf(a, a, true).toNumber();
    }
  }

  /** Makes zero what is the rounding of a column that is constant within every level; the largest loss of others. */
  #clear(hi: Float64Array, lo: Float64Array, spread: Float64Array): number {
    const tolerance = this.#moments.extended ? WITHIN_TOLERANCE.extended : WITHIN_TOLERANCE.double;
    const p = this.#columns.length;
    let loss = 1;
    for (let i = 0; i < p; i++) {
      const left = hi[packedIndex(i, i)]!;
      if (left > tolerance * spread[i]!) {
        if (i < p - 1) loss = Math.max(loss, spread[i]! / left);
        continue;
      }
      for (let j = 0; j < p; j++) {
        hi[packedIndex(i, j)] = 0;
        lo[packedIndex(i, j)] = 0;
      }
    }
    return loss;
  }

  /** Counts the entries of each level, and fills them in. */
  #sumsByLevel(): LevelSums {
    const { shape, tables } = this.#moments;
    const families = new Map<number, Int32Array>();
    this.#columns.forEach((column, place) => {
      if (column === undefined || "number" in column) return;
      const { table: own } = shape.families[column.family]!;
      const cells = families.get(column.family) ?? new Int32Array(tables[own]!.count).fill(-1);
      cells[column.cell] = place;
      families.set(column.family, cells);
    });
    // Per family, the cells of the union with the place of the column and the level of each.
    const parts = [...families].map(([family, cells]) => {
      const { table: own, number } = shape.families[family]!;
      const union = this.#moments.union(own, this.#table);
      const table = tables[union]!;
      const places = this.#moments.projected(union, own);
      const levels = this.#moments.projected(union, this.#table);
      for (let cell = 0; cell < table.count; cell++) {
        places[cell] = table.rows(cell) === 0 ? -1 : cells[places[cell]!]!;
        if (places[cell]! < 0) levels[cell] = -1;
      }
      return { table, number: shape.tables[union]!.columns.indexOf(number), places, levels };
    });
    const count = tables[this.#table]!.count;
    const from = new Int32Array(count + 1);
    for (const { levels } of parts)
      for (let cell = 0; cell < levels.length; cell++) if (levels[cell]! >= 0) from[levels[cell]! + 1]!++;
    for (let level = 0; level < count; level++) from[level + 1]! += from[level]!;
    const total = from[count]!;
    const sums = {
      from,
      end: from.slice(0, count),
      at: new Int32Array(total),
      hi: new Float64Array(total),
      lo: new Float64Array(total),
    };
    for (const { table, number: m, places, levels } of parts)
      for (let cell = 0; cell < table.count; cell++) {
        const place = places[cell]!;
        if (place < 0) continue;
        const level = levels[cell]!;
        let hi = table.weight(cell);
        let lo = 0;
        if (m >= 0 || table.kind.extended) {
          const weight = table.extendedWeight(cell);
          ({ hi, lo } = m < 0 ? weight : weight.mul(table.extendedMean(cell, m)));
        }
        // One cell for each column and level: the union has no other factors.
        const entry = sums.end[level]!++;
        sums.at[entry] = place;
        sums.hi[entry] = hi;
        sums.lo[entry] = lo;
      }
    return sums;
  }
}

/** The sums of a level are the entries from `from` up to before `end`. */
interface LevelSums {
  from: Int32Array;
  end: Int32Array;
  /** The columns' places. */
  at: Int32Array;
  hi: Float64Array;
  lo: Float64Array;
}

const ZERO = new DoubleDouble(0);

/** S as moments of columns whose means are zero. */
export function asMoments(
  { n, sumW, sumLogW, extended, extendedSumW }: SparseMoments,
  columns: readonly string[],
  { hi, lo }: { hi: Float64Array; lo: Float64Array },
): Moments | ExtendedMoments {
  const mean = new Float64Array(columns.length);
  if (!extended) return Moments.of({ columns, n, sumW, sumLogW, mean, c: hi });
  const parts = { sumWLow: extendedSumW.lo, meanLow: mean.slice(), c: hi, cLow: lo };
  return ExtendedMoments.of({ columns, n, sumW, sumLogW, mean, ...parts });
}
