import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cellsOf, DyadicGrid, gridQuantiles } from "../../src/stats/dyadic-grid.js";

const values = fc.oneof(
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.integer({ min: -5, max: 5 }),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e200, max: 1e200 }),
);
const points = fc.array(fc.tuple(values, values), { minLength: 1, maxLength: 80 });

describe("a dyadic grid", () => {
  test("counts what lies between the edges of its cells", () => {
    fc.assert(
      fc.property(points, (all) => {
        const grid = new DyadicGrid([16, 8]);
        for (const [x, y] of all) grid.add(x, y);
        const { cells, width, height } = cellsOf(grid.take()!);
        expect(cells.reduce((sum, { count }) => sum + count, 0)).toBe(all.length);
        for (const { x, y, count } of cells) {
          const within = all.filter(([a, b]) => a >= x && a < x + width && b >= y && b < y + height);
          expect(within.length).toBe(count);
        }
      }),
    );
  });

  test("is the same whatever parts its points came in", () => {
    fc.assert(
      fc.property(points, fc.nat(80), (all, cut) => {
        const parts = [all.slice(0, cut), all.slice(cut)].reverse();
        const merged = new DyadicGrid([16, 8]);
        for (const part of parts) {
          const grid = new DyadicGrid([16, 8]);
          for (const [x, y] of part) grid.add(x, y);
          const taken = grid.take();
          if (taken !== undefined) merged.merge(taken);
        }
        const whole = new DyadicGrid([16, 8]);
        for (const [x, y] of all) whole.add(x, y);
        expect(cellsOf(merged.take()!)).toEqual(cellsOf(whole.take()!));
      }),
    );
  });

  test("has as many bins as it says, and no fewer than half of them in use", () => {
    const grid = new DyadicGrid([64, 1]);
    for (let i = 0; i <= 1000; i++) grid.add(i / 7);
    const { cells } = cellsOf(grid.take()!);
    expect(cells.length).toBeGreaterThan(32);
    expect(cells.length).toBeLessThanOrEqual(64);
  });

  test("keeps sums, and passes over what is not finite", () => {
    const grid = new DyadicGrid([4, 1], 2);
    grid.add(1, 0, 1, 10);
    grid.add(1, 0, 3, 30);
    grid.add(Number.NaN, 0, 5, 5);
    grid.add(1, Number.POSITIVE_INFINITY, 5, 5);
    grid.add(100, 0, 7, 70);
    expect(cellsOf(grid.take()!).cells.map(({ count, means }) => [count, ...means])).toEqual([
      [2, 2, 20],
      [1, 7, 70],
    ]);
    expect(grid.take()).toBeUndefined();
  });

  test("knows quantiles to a bin's width", () => {
    const all = Float64Array.from({ length: 5000 }, (_, i) =>
      Math.tan((((i * 7919) % 4999) / 5001 - 0.5) * 3),
    );
    const grid = new DyadicGrid([4096, 1]);
    for (const value of all) grid.add(value);
    const parts = grid.take()!;
    const [found, { width }] = [gridQuantiles(parts), cellsOf(parts)];
    const sorted = all.toSorted();
    for (const p of [0, 0.01, 0.25, 0.5, 0.9, 1]) {
      // In the tails values lie farther apart than bins are wide: between its two neighbours, then.
      const rank = p * (sorted.length - 1);
      expect(found(p)).toBeGreaterThanOrEqual(sorted[Math.floor(rank)]! - width);
      expect(found(p)).toBeLessThanOrEqual(sorted[Math.ceil(rank)]! + width);
    }
  });
});
