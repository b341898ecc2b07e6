import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BLOCK_ROWS } from "../../src/kernels/block-rows.js";
import { Kernels } from "../../src/kernels/kernels.js";
import { MomentsAccumulator, type MomentsParts } from "../../src/kernels/moments.js";
import { Moments } from "../../src/stats/moments.js";
import { PATIENCE, runs } from "./bytes.js";

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

function twin(columns: number[], range: [number, number], weighted = false, blockRows = BLOCK_ROWS): Moments {
  const moments = Moments.empty(columns.map(String));
  feed(
    (block, rows, weights) => {
      const values = kernels.doublesAt(block, BLOCK_ROWS * columns.length);
      moments.updateBlock(
        values,
        rows,
        BLOCK_ROWS,
        weights === 0 ? undefined : kernels.doublesAt(weights, rows),
      );
    },
    columns,
    range,
    { weighted, blockRows },
  );
  return moments;
}

/**
 * The kernel sums in another order than its twin: a sum of m products, of which each is at most √(Cii·Cjj), moves
 * by a few ulp of that; 1e-13 is 500 ulp. So do means, of the spread plus one ulp of themselves.
 */
function expectClose(got: MomentsParts, want: MomentsParts): void {
  expect(got.n).toBe(want.n);
  expect(Math.abs(got.sumW - want.sumW)).toBeLessThanOrEqual(1e-13 * want.sumW);
  expect(Math.abs(got.sumLogW - want.sumLogW)).toBeLessThanOrEqual(1e-12 * want.n);
  const diagonal = (i: number) => want.c[(i * (i + 1)) / 2 + i]!;
  for (let i = 0, at = 0; i < want.mean.length; i++) {
    const spread = Math.sqrt(diagonal(i) / want.sumW);
    expect(Math.abs(got.mean[i]! - want.mean[i]!)).toBeLessThanOrEqual(
      1e-13 * spread + 1e-15 * Math.abs(want.mean[i]!),
    );
    for (let j = 0; j <= i; j++, at++) {
      const size = Math.sqrt(diagonal(i) * diagonal(j));
      expect(Math.abs(got.c[at]! - want.c[at]!)).toBeLessThanOrEqual(1e-13 * size);
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

  test(
    "an entry's bits depend neither on the columns' places nor on their number",
    () => {
      const read = (columns: number[]) => {
        const moments = new MomentsAccumulator(kernels, columns.length);
        feed((block, n, weights) => moments.add(block, n, weights), columns, [0, 333], { weighted });
        return moments.read();
      };
      const entry = ({ c }: MomentsParts, i: number, j: number) => {
        const [a, b] = i > j ? [i, j] : [j, i];
        return c[(a * (a + 1)) / 2 + b];
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
    },
    PATIENCE,
  );
});

test("columns appended while rows go by are zero in the rows before", () => {
  const late = (i: number, j: number) => (i < 128 * j ? 0 : 1 + ((i * 31 + j) % 5));
  const p = 7;
  const fixed = new MomentsAccumulator(kernels, p);
  const growing = new MomentsAccumulator(kernels, 1);
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
    fill();
    fixed.add(block, BLOCK_ROWS);
  }
  expect(growing.read()).toEqual(fixed.read());
});

test("a reset accumulator is as new", () => {
  const columns = [0, 1, 2, 3, 4];
  const moments = new MomentsAccumulator(kernels, 5);
  feed((block, rows) => moments.add(block, rows), columns, [0, 500]);
  moments.reset();
  const { n, sumW, sumLogW, mean, c } = Moments.empty(columns.map(String));
  expect(moments.read()).toEqual({ n, sumW, sumLogW, mean, c });
  feed((block, rows) => moments.add(block, rows), columns, [0, 200]);
  const fresh = new MomentsAccumulator(kernels, 5);
  feed((block, rows) => fresh.add(block, rows), columns, [0, 200]);
  expect(moments.read()).toEqual(fresh.read());
});

test("a constant column has its value as mean and no variation, exactly; a far one keeps its digits", () => {
  const block = kernels.allocBlock(2);
  const moments = new MomentsAccumulator(kernels, 2);
  for (let b = 0; b < 9; b++) {
    for (let r = 0; r < BLOCK_ROWS; r++) {
      kernels.doubles[block / 8 + r] = 0.1;
      kernels.doubles[block / 8 + BLOCK_ROWS + r] = 1e9 + (r % 2);
    }
    moments.add(block, BLOCK_ROWS);
  }
  const { mean, c } = moments.read();
  expect(mean).toEqual(Float64Array.of(0.1, 1e9 + 0.5));
  expect(c).toEqual(Float64Array.of(0, 0, 9 * BLOCK_ROWS * 0.25));
});

test("Σ ln w is there for tiny and huge weights", () => {
  const weights = [5e-324, 1e-310, 1e300, 3, 1e-200, 1e200, 0, 7e307, 1];
  const moments = new MomentsAccumulator(kernels, 1);
  const block = kernels.allocBlock(1);
  const at = kernels.alloc(8 * BLOCK_ROWS);
  let sum = 0;
  for (let round = 0; round < 30; round++) {
    for (const [r, w] of weights.entries()) {
      kernels.doubles[at / 8 + r] = w;
      kernels.doubles[block / 8 + r] = r;
      if (w > 0) sum += Math.log(w);
    }
    moments.add(block, weights.length, at);
  }
  expect(moments.read().n).toBe(30 * 8);
  // The terms are up to 744 in magnitude, 240 of them.
  expect(Math.abs(moments.read().sumLogW - sum)).toBeLessThan(1e-10);
});
