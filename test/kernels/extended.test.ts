import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BLOCK_ROWS } from "../../src/kernels/block-rows.js";
import { ExtendedAccumulator, type ExtendedParts } from "../../src/kernels/extended.js";
import { Kernels } from "../../src/kernels/kernels.js";
import { ExtendedMoments } from "../../src/stats/extended-moments.js";
import { PATIENCE, runs } from "./bytes.js";
import { toFixedPoint } from "./doubles.js";

const kernels = new Kernels();

interface Rows {
  /** Columns of values, high parts and low parts. */
  high: number[][];
  low: number[][] | undefined;
  weights: number[] | undefined;
}

function accumulate({ high, low, weights }: Rows, blockRows = BLOCK_ROWS): ExtendedParts {
  const p = high.length;
  const n = high[0]!.length;
  const mark = kernels.mark();
  const moments = new ExtendedAccumulator(kernels, p);
  const block = kernels.allocBlock(p);
  const lowBlock = low === undefined ? 0 : kernels.allocBlock(p);
  const weightsAt = weights === undefined ? 0 : kernels.alloc(8 * BLOCK_ROWS);
  for (let first = 0; first < n; first += blockRows) {
    const size = Math.min(blockRows, n - first);
    for (let j = 0; j < p; j++) {
      const put = (at: number, column: number[]) => {
        kernels.doublesAt(at + 8 * BLOCK_ROWS * j, BLOCK_ROWS).fill(Number.NaN);
        kernels.doubles.set(column.slice(first, first + size), at / 8 + BLOCK_ROWS * j);
      };
      put(block, high[j]!);
      if (low !== undefined) put(lowBlock, low[j]!);
    }
    if (weights !== undefined) kernels.doubles.set(weights.slice(first, first + size), weightsAt / 8);
    moments.add(block, size, weightsAt, lowBlock);
  }
  const parts = moments.read();
  kernels.release(mark);
  return parts;
}

/**
 * Checks moments against exact rational arithmetic: all numbers are integers times 2^−SHIFT, W·C =
 * W Σwxy − Σwx Σwy. Errors are relative to √(Cii·Cjj), means' to the largest value.
 */
function expectExact({ high, low, weights }: Rows, got: ExtendedParts, tolerance: number): void {
  const n = high[0]!.length;
  const columns = high.map((column, j) =>
    column.map((x, r) => toFixedPoint(x) + toFixedPoint(low === undefined ? 0 : low[j]![r]!)),
  );
  const w = Array.from({ length: n }, (_, r) => toFixedPoint(weights?.[r] ?? 1));
  const sum = (terms: bigint[]) => terms.reduce((a, b) => a + b, 0n);
  const W = sum(w);
  const products = (i: number, j: number) => sum(w.map((v, r) => v * columns[i]![r]! * columns[j]![r]!));
  const first = columns.map((column) => sum(w.map((v, r) => v * column[r]!)));
  const exact = (i: number, j: number) => W * products(i, j) - first[i]! * first[j]!;
  const one = toFixedPoint(1);
  // Both to about 1000 bits, which a double's range holds.
  const ratio = (a: bigint, b: bigint) => {
    const shift = BigInt(Math.max(0, b.toString(2).length - 1000));
    return Number(a >> shift) / Number(b >> shift);
  };
  for (let i = 0, at = 0; i < high.length; i++) {
    const largest = toFixedPoint(Math.max(...high[i]!.map(Math.abs)));
    const mean = toFixedPoint(got.mean[i]!) + toFixedPoint(got.meanLow[i]!);
    expect(Math.abs(ratio(mean * W - first[i]!, largest * W))).toBeLessThanOrEqual(tolerance);
    for (let j = 0; j <= i; j++, at++) {
      const c = (toFixedPoint(got.c[at]!) + toFixedPoint(got.cLow[at]!)) * W * one * one;
      const error = c - exact(i, j);
      // error² against tolerance²·Cii·Cjj, so that no root is taken.
      expect(ratio(error * error, exact(i, i) * exact(j, j))).toBeLessThanOrEqual(tolerance ** 2);
    }
  }
}

const random = (seed: number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
};

/** Columns that are hard in double: powers of one variable, far from zero. */
function powers(n: number, p: number, seed: number, parts: { low?: boolean; weighted?: boolean }): Rows {
  const next = random(seed);
  const x = Array.from({ length: n }, () => -9 + 6 * next());
  const high = Array.from({ length: p }, (_, j) => x.map((v) => v ** (j + 1) + 1000));
  return {
    high,
    low: parts.low ? high.map((column) => column.map((v) => v * (next() - 0.5) * 2 ** -53)) : undefined,
    weights: parts.weighted ? x.map((_, r) => (r % 9 === 0 ? 0 : next() * 3)) : undefined,
  };
}

describe.each([{}, { low: true }, { weighted: true }, { low: true, weighted: true }])(
  "extended %j",
  (parts) => {
    test("moments agree with exact arithmetic to 2⁻⁹⁶", () => {
      for (const n of [3, 4, 127, 128, 300]) {
        const rows = powers(n, 5, n, parts);
        // Rounding errors of 2⁻¹⁰⁴ or so in each of up to 300 terms, of random signs, and larger terms cancelled.
        expectExact(rows, accumulate(rows), 2 ** -96);
      }
    });

    test("moments are the twin's", () => {
      const rows = powers(333, 9, 7, parts);
      const got = accumulate(rows);
      const names = rows.high.map((_, j) => `x${j}`);
      const matrix = (columns: number[][]) =>
        Float64Array.from({ length: 333 * 9 }, (_, k) => columns[k % 9]![Math.floor(k / 9)]!);
      const want = ExtendedMoments.fromRows(
        names,
        matrix(rows.high),
        rows.weights === undefined ? undefined : Float64Array.from(rows.weights),
        rows.low === undefined ? undefined : matrix(rows.low),
      );
      expect(got.n).toBe(want.n);
      expect(Math.abs(got.sumW - want.sumW + (got.sumWLow - want.sumWLow))).toBeLessThan(
        2 ** -95 * want.sumW,
      );
      expect(Math.abs(got.sumLogW - want.sumLogW)).toBeLessThan(1e-11);
      for (let i = 0, at = 0; i < 9; i++) {
        for (let j = 0; j <= i; j++, at++) {
          const size = Math.sqrt(want.c[(i * (i + 3)) / 2]! * want.c[(j * (j + 3)) / 2]!);
          const error = got.c[at]! - want.c[at]! + (got.cLow[at]! - want.cLow[at]!);
          expect(Math.abs(error)).toBeLessThan(2 ** -95 * size);
        }
      }
    });
  },
);

test(
  "an entry's bits depend neither on the columns' places nor on their number",
  () => {
    const all = powers(300, 20, 3, { weighted: true });
    const entry = ({ c, cLow }: ExtendedParts, i: number, j: number) => {
      const at = i > j ? (i * (i + 1)) / 2 + j : (j * (j + 1)) / 2 + i;
      return [c[at], cLow[at]];
    };
    const whole = accumulate(all);
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(19), { minLength: 1 }), (chosen) => {
        const some = accumulate({ ...all, high: chosen.map((j) => all.high[j]!) });
        for (const [i, a] of chosen.entries()) {
          expect([some.mean[i], some.meanLow[i]]).toEqual([whole.mean[a], whole.meanLow[a]]);
          for (const [j, b] of chosen.entries()) expect(entry(some, i, j)).toEqual(entry(whole, a, b));
        }
      }),
      runs(20),
    );
  },
  PATIENCE,
);

test("a constant column has its value as mean and no variation, exactly", () => {
  const rows = { high: [Array(300).fill(0.1)], low: [Array(300).fill(1e-18)], weights: undefined };
  const { mean, meanLow, c, cLow } = accumulate(rows, 100);
  expect([mean[0], meanLow[0], c[0], cLow[0]]).toEqual([0.1, 1e-18, 0, 0]);
});

test("widened and reset moments are as those that had the columns from the start", () => {
  const { high } = powers(100, 3, 5, {});
  const put = (block: number) => {
    for (const [j, column] of high.entries()) kernels.doubles.set(column, block / 8 + BLOCK_ROWS * j);
  };
  const block = kernels.allocBlock(3);
  const moments = new ExtendedAccumulator(kernels, 1);
  put(block);
  moments.add(block, 100);
  moments.widen(3);
  kernels.doubles.fill(0, block / 8, block / 8 + BLOCK_ROWS * 3);
  const { c } = moments.read();
  expect([...c.subarray(1)]).toEqual([0, 0, 0, 0, 0]);
  expect(c[0]).toBeGreaterThan(0);
  moments.reset();
  put(block);
  moments.add(block, 100);
  expect(moments.read()).toEqual(accumulate({ high, low: undefined, weights: undefined }));
});
