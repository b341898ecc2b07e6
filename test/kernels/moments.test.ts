import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BLOCK_ROWS, Kernels } from "../../src/kernels/kernels.js";
import { GroupedMoments, MomentsAccumulator, type RawMoments } from "../../src/kernels/moments.js";
import { addBlock, noMoments } from "../../src/kernels/reference/moments.js";
import { runs } from "./bytes.js";

const kernels = new Kernels();

/** Rows of a seeded data set: column j of row i, of different sizes, with a mean that is not zero. */
const value = (i: number, j: number) =>
  ((((i + 1) * 7919 + (j + 1) * 104729) % 1009) / 1009 - 0.3) * 10 ** (j % 5);
const weight = (i: number) => (i % 7 === 0 ? 0 : 0.5 + (i % 5));

/** Feeds rows [from, to) in blocks cut at multiples of `blockRows`. */
function feed(
  add: (block: number, rows: number, weights: number, first: number) => void,
  columns: number[],
  [from, to]: [number, number],
  { weighted = false, blockRows = BLOCK_ROWS }: { weighted?: boolean; blockRows?: number } = {},
): void {
  const mark = kernels.mark();
  const block = kernels.allocBlock(columns.length);
  const weights = kernels.alloc(8 * BLOCK_ROWS);
  for (let first = from; first < to; first += blockRows) {
    const rows = Math.min(blockRows, to - first);
    // Rows past the last hold what an earlier use of the memory left there.
    kernels.doublesAt(block, Math.ceil(columns.length / 4) * 4 * BLOCK_ROWS).fill(Number.NaN);
    kernels.doublesAt(weights, BLOCK_ROWS).fill(Number.NaN);
    for (let r = 0; r < rows; r++) {
      for (const [j, column] of columns.entries()) {
        kernels.doubles[block / 8 + BLOCK_ROWS * j + r] = value(first + r, column);
      }
      kernels.doubles[weights / 8 + r] = weight(first + r);
    }
    add(block, rows, weighted ? weights : 0, first);
  }
  kernels.release(mark);
}

function twin(
  columns: number[],
  range: [number, number],
  weighted = false,
  blockRows = BLOCK_ROWS,
): RawMoments {
  const moments = noMoments(columns.length);
  feed(
    (block, rows, weights) =>
      addBlock(
        moments,
        kernels.doublesAt(block, BLOCK_ROWS * columns.length),
        BLOCK_ROWS,
        rows,
        weights === 0 ? undefined : kernels.doublesAt(weights, rows),
      ),
    columns,
    range,
    { weighted, blockRows },
  );
  return moments;
}

/**
 * The kernel sums in another order than its twin: a sum of m products, of which each is at most √(Gii·Gjj), moves
 * by a few ulp of that; 1e-13 is 500 ulp.
 */
function expectClose(got: RawMoments, want: RawMoments): void {
  expect(got.n).toBe(want.n);
  expect(Math.abs(got.weight - want.weight)).toBeLessThanOrEqual(1e-13 * want.weight);
  const p = want.mean.length;
  const diagonal = (i: number) => want.products[(i * (i + 1)) / 2 + i]!;
  for (let i = 0, at = 0; i < p; i++) {
    const spread = Math.sqrt(diagonal(i) / want.weight);
    expect(Math.abs(got.mean[i]! - want.mean[i]!)).toBeLessThanOrEqual(
      1e-13 * (spread + Math.abs(want.mean[i]!)),
    );
    for (let j = 0; j <= i; j++, at++) {
      const size = Math.sqrt(diagonal(i) * diagonal(j));
      expect(Math.abs(got.products[at]! - want.products[at]!)).toBeLessThanOrEqual(1e-13 * size);
    }
  }
}

describe.each([false, true])("moments, weighted: %s", (weighted) => {
  test.each([1, 2, 3, 4, 5, 13, 32, 33, 70])("of %i columns are the twin's", (p) => {
    const columns = Array.from({ length: p }, (_, j) => j);
    for (const rows of [1, 2, 127, 128, 129, 300]) {
      const mark = kernels.mark();
      const moments = new MomentsAccumulator(kernels, p);
      feed((block, n, weights) => moments.add(block, n, weights), columns, [1, 1 + rows], { weighted });
      expectClose(moments.read(), twin(columns, [1, 1 + rows], weighted));
      kernels.release(mark);
    }
  });

  test("an entry's bits depend neither on the columns' places nor on their number", () => {
    const read = (columns: number[]) => {
      const moments = new MomentsAccumulator(kernels, columns.length);
      feed((block, n, weights) => moments.add(block, n, weights), columns, [0, 333], { weighted });
      return moments.read();
    };
    const entry = ({ products }: RawMoments, i: number, j: number) => {
      const [a, b] = i > j ? [i, j] : [j, i];
      return products[(a * (a + 1)) / 2 + b];
    };
    const all = read(Array.from({ length: 41 }, (_, j) => j));
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 41 }), (columns) => {
        const mark = kernels.mark();
        const some = read(columns);
        for (const [i, a] of columns.entries()) {
          expect(some.mean[i]).toBe(all.mean[a]);
          for (const [j, b] of columns.entries()) expect(entry(some, i, j)).toBe(entry(all, a, b));
        }
        kernels.release(mark);
      }),
      runs(30),
    );
  });

  test("grouped moments are those of each group's rows", () => {
    const p = 6;
    const columns = Array.from({ length: p }, (_, j) => j);
    const grouped = new GroupedMoments(kernels, 3, p, { weighted });
    const targetOf = (i: number) => (((i * 7) % 11) % 4) - 1;
    const targets = kernels.alloc(4 * BLOCK_ROWS);
    feed(
      (block, rows, weights, first) => {
        for (let r = 0; r < rows; r++) kernels.ints[targets / 4 + r] = targetOf(first + r);
        grouped.add(block, rows, targets, weights);
      },
      columns,
      [0, 1500],
      { weighted, blockRows: 100 },
    );
    grouped.flush();
    for (const [g, group] of grouped.groups.entries()) {
      const want = noMoments(p);
      const rows = Array.from({ length: 1500 }, (_, i) => i).filter((i) => targetOf(i) === g);
      for (let first = 0; first < rows.length; first += BLOCK_ROWS) {
        const some = rows.slice(first, first + BLOCK_ROWS);
        const block = Float64Array.from(columns.flatMap((j) => some.map((i) => value(i, j))));
        addBlock(
          want,
          block,
          some.length,
          some.length,
          weighted ? Float64Array.from(some, weight) : undefined,
        );
      }
      expectClose(group.read(), want);
    }
    grouped.reset();
    grouped.flush();
    expect(grouped.groups.map((group) => group.read().n)).toEqual([0, 0, 0]);
  });
});

test("columns appended while rows go by are zero in the rows before", () => {
  const late = (i: number, j: number) => (i < 128 * j ? 0 : 1 + ((i * 31 + j) % 5));
  const p = 7;
  const fixed = new MomentsAccumulator(kernels, p);
  const growing = new MomentsAccumulator(kernels, 1);
  const grouped = new GroupedMoments(kernels, 1, 1);
  const targets = kernels.allocZeroed(4 * BLOCK_ROWS);
  for (let b = 0; b < p + 2; b++) {
    const block = kernels.allocBlock(p);
    const fill = () => {
      const columns = Math.min(b + 1, p);
      for (let j = 0; j < p; j++) {
        for (let r = 0; r < BLOCK_ROWS; r++)
          kernels.doubles[block / 8 + BLOCK_ROWS * j + r] = late(128 * b + r, j);
      }
      return columns;
    };
    growing.widen(fill());
    growing.add(block, BLOCK_ROWS);
    grouped.widen(fill());
    grouped.add(block, 100, targets);
    kernels.ints.fill(-1, targets / 4, targets / 4 + 100);
    kernels.ints.fill(0, targets / 4 + 100, targets / 4 + 128);
    grouped.add(block, BLOCK_ROWS, targets);
    kernels.ints.fill(0, targets / 4, targets / 4 + 128);
    fill();
    fixed.add(block, BLOCK_ROWS);
  }
  grouped.flush();
  expect(growing.read()).toEqual(fixed.read());
  expect(grouped.groups[0]!.read()).toEqual(fixed.read());
});

test("a reset accumulator is as new", () => {
  const columns = [0, 1, 2, 3, 4];
  const moments = new MomentsAccumulator(kernels, 5);
  feed((block, rows) => moments.add(block, rows), columns, [0, 500]);
  moments.reset();
  expect(moments.read()).toEqual({ ...noMoments(5) });
  feed((block, rows) => moments.add(block, rows), columns, [0, 200]);
  const fresh = new MomentsAccumulator(kernels, 5);
  feed((block, rows) => fresh.add(block, rows), columns, [0, 200]);
  expect(moments.read()).toEqual(fresh.read());
});
