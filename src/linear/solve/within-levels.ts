import { addProductAt, DoubleDouble } from "../../stats/double-double.js";
import { ExtendedMoments } from "../../stats/extended-moments.js";
import { Moments } from "../../stats/moments.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { Found, SparseMoments } from "../../stats/sparse-moments.js";

/**
 * The share of a column's squares that must be left within the levels for it to count as varying there; below, it is
 * the rounding of sums over a column that is constant within each level. As the pivots of `solve`, in either arithmetic.
 */
const WITHIN_TOLERANCE = { double: 1e-11, extended: 1e-26 };

/** The columns that are not eliminated, about their means within the levels of a factor. */
export class WithinLevels {
  readonly #moments: SparseMoments;
  readonly #table: number;
  readonly #columns: readonly (Found | undefined)[];
  /** The columns of numbers, with their places. */
  readonly #numbers: readonly { at: number; number: number }[];
  /** Per level, the sums Σ w x of columns of cells that are not zero there. */
  readonly #sums: { at: number; sum: DoubleDouble }[][];

  constructor(moments: SparseMoments, table: number, columns: readonly (Found | undefined)[]) {
    this.#moments = moments;
    this.#table = table;
    this.#columns = columns;
    this.#sums = this.#sumsByLevel();
    this.#numbers = columns.flatMap((column, at) =>
      column !== undefined && "number" in column ? [{ at, number: column.number }] : [],
    );
  }

  get levels(): number {
    return this.#moments.tables[this.#table]!.count;
  }

  /** Σw of a level; 0 for one without rows. */
  weight(level: number): DoubleDouble {
    return this.#moments.tables[this.#table]!.extendedWeight(level);
  }

  /** The means of the columns that are not zero throughout a level, with the columns' places. */
  sparseMeans(level: number): { at: number; mean: DoubleDouble }[] {
    const { shape, tables } = this.#moments;
    const weight = this.weight(level);
    const { columns: stored } = shape.tables[this.#table]!;
    const numbers = this.#numbers.map(({ at, number }) => ({
      at,
      mean: tables[this.#table]!.extendedMean(level, stored.indexOf(number)),
    }));
    return [...numbers, ...this.#sums[level]!.map(({ at, sum }) => ({ at, mean: sum.div(weight) }))];
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
    for (const { at, sum } of this.#sums[level]!) means[at] = sum.div(weight);
    return means;
  }

  /** S, packed, as high and low parts; and by how much the squares of a column have become smaller, at most. */
  reduce(): { reduced: { hi: Float64Array; lo: Float64Array }; loss: number } {
    const moments = this.#moments;
    const columns = this.#columns;
    const p = columns.length;
    const hi = new Float64Array(packedLength(p));
    const lo = new Float64Array(packedLength(p));
    const spread = new Float64Array(p);
    // Numbers are taken about their means; columns of cells as they stand. The levels span both differences.
    this.#start(hi, lo, spread);
    const numbers = this.#numbers;
    const { columns: stored } = moments.shape.tables[this.#table]!;
    const places = numbers.map(({ number }) => stored.indexOf(number));
    const centres = numbers.map(({ number }) => moments.base.extendedMean(number));
    const table = moments.tables[this.#table]!;
    for (let level = 0; level < table.count; level++) {
      if (table.rows(level) === 0) continue;
      const weight = this.weight(level);
      const own = this.#sums[level]!;
      const deviations = places.map((place, i) => table.extendedMean(level, place).sub(centres[i]!));
      for (let i = 0; i < numbers.length; i++) {
        const scaled = weight.mul(deviations[i]!).negate();
        for (let j = 0; j <= i; j++) {
          const at = packedIndex(numbers[i]!.at, numbers[j]!.at);
          addProductAt(hi, lo, at, scaled.hi, scaled.lo, deviations[j]!.hi, deviations[j]!.lo);
        }
        for (const { at: other, sum } of own) {
          const at = packedIndex(numbers[i]!.at, other);
          addProductAt(hi, lo, at, -sum.hi, -sum.lo, deviations[i]!.hi, deviations[i]!.lo);
        }
      }
      for (let i = 0; i < own.length; i++) {
        const share = own[i]!.sum.div(weight).negate();
        for (let j = 0; j <= i; j++) {
          const at = packedIndex(own[i]!.at, own[j]!.at);
          addProductAt(hi, lo, at, share.hi, share.lo, own[j]!.sum.hi, own[j]!.sum.lo);
        }
      }
    }
    return { reduced: { hi, lo }, loss: this.#clear(hi, lo, spread) };
  }

  /** The products before anything is eliminated: numbers about their means, columns of cells about zero. */
  #start(hi: Float64Array, lo: Float64Array, spread: Float64Array): void {
    const moments = this.#moments;
    this.#columns.forEach((a, i) => {
      if (a === undefined) return;
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
    });
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

  #sumsByLevel(): { at: number; sum: DoubleDouble }[][] {
    const { shape, tables } = this.#moments;
    const levels = Array.from(
      { length: tables[this.#table]!.count },
      () => [] as { at: number; sum: DoubleDouble }[],
    );
    const families = new Map<number, Map<number, number>>();
    this.#columns.forEach((column, at) => {
      if (column === undefined || "number" in column) return;
      const cells = families.get(column.family) ?? new Map<number, number>();
      families.set(column.family, cells.set(column.cell, at));
    });
    for (const [family, cells] of families) {
      const { table: own, number } = shape.families[family]!;
      const union = this.#moments.union(own, this.#table);
      const table = tables[union]!;
      const m = shape.tables[union]!.columns.indexOf(number);
      const cellOf = this.#moments.projection(union, own);
      const levelOf = this.#moments.projection(union, this.#table);
      for (let cell = 0; cell < table.count; cell++) {
        const at = cells.get(cellOf(cell));
        if (at === undefined || table.rows(cell) === 0) continue;
        const weight = table.extendedWeight(cell);
        const sum = m < 0 ? weight : weight.mul(table.extendedMean(cell, m));
        const level = levels[levelOf(cell)]!;
        // A column of more factors than this one has several cells within a level.
        const known = level.find((entry) => entry.at === at);
        if (known === undefined) level.push({ at, sum });
        else known.sum = known.sum.add(sum);
      }
    }
    return levels;
  }
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
