import { describe, expect, test } from "vitest";
import { BLOCK_ROWS } from "../../src/kernels/block-rows.js";
import { ExtendedAccumulator } from "../../src/kernels/extended.js";
import { GroupedMoments } from "../../src/kernels/grouped.js";
import { Kernels } from "../../src/kernels/kernels.js";
import { MomentsAccumulator } from "../../src/kernels/moments.js";

const kernels = new Kernels();
const p = 6;
const rows = 1500;

const value = (i: number, j: number) => ((i + 1) * 7919 + (j + 1) * 104729) % 1009;
const weight = (i: number) => (i % 7 === 0 ? 0 : 0.5 + (i % 5));
const target = (i: number) => (((i * 7) % 11) % 4) - 1;

describe.each([MomentsAccumulator, ExtendedAccumulator])("%o", (Accumulator) => {
  describe.each([{}, { weighted: true }, { low: true }])("%j", (options) => {
    const { weighted, low } = { weighted: false, low: false, ...options };
    const block = kernels.allocBlock(p);
    const lowBlock = low ? kernels.allocBlock(p) : 0;
    const weights = weighted ? kernels.alloc(8 * BLOCK_ROWS) : 0;
    const targets = kernels.alloc(4 * BLOCK_ROWS);
    const put = (r: number, i: number, columns = p) => {
      for (let j = 0; j < p; j++) {
        kernels.doubles[block / 8 + BLOCK_ROWS * j + r] = j < columns ? value(i, j) : 0;
        if (low) kernels.doubles[lowBlock / 8 + BLOCK_ROWS * j + r] = j < columns ? value(j, i) * 1e-20 : 0;
      }
      if (weighted) kernels.doubles[weights / 8 + r] = weight(i);
      kernels.ints[targets / 4 + r] = target(i);
    };

    test("each group has the moments of its rows alone, bit for bit", () => {
      const grouped = new GroupedMoments(
        kernels,
        Array.from({ length: 3 }, () => new Accumulator(kernels, p)),
        { weighted, low },
      );
      for (let first = 0; first < rows; first += 100) {
        for (let r = 0; r < 100; r++) put(r, first + r);
        grouped.add(block, 100, targets, weights, lowBlock);
      }
      grouped.flush();
      for (const [g, group] of grouped.groups.entries()) {
        const alone = new Accumulator(kernels, p);
        const mine = Array.from({ length: rows }, (_, i) => i).filter((i) => target(i) === g);
        expect(mine.length).toBeGreaterThan(2 * BLOCK_ROWS);
        for (let first = 0; first < mine.length; first += BLOCK_ROWS) {
          const some = mine.slice(first, first + BLOCK_ROWS);
          for (const [r, i] of some.entries()) put(r, i);
          alone.add(block, some.length, weights, lowBlock);
        }
        expect(group.read()).toEqual(alone.read());
      }
      grouped.reset();
      grouped.flush();
      expect(grouped.groups.map((group) => group.read().n)).toEqual([0, 0, 0]);
    });

    test("columns appended while rows go by are zero in the rows before", () => {
      const growing = new GroupedMoments(
        kernels,
        Array.from({ length: 3 }, () => new Accumulator(kernels, 1)),
        { weighted, low },
      );
      const fixed = new GroupedMoments(
        kernels,
        Array.from({ length: 3 }, () => new Accumulator(kernels, p)),
        { weighted, low },
      );
      for (let first = 0; first < rows; first += 100) {
        const columns = Math.min(p, 1 + first / 100);
        for (let r = 0; r < 100; r++) put(r, first + r, columns);
        growing.widen(columns);
        growing.add(block, 100, targets, weights, lowBlock);
        fixed.add(block, 100, targets, weights, lowBlock);
      }
      for (const grouped of [growing, fixed]) grouped.flush();
      expect(growing.groups.map((g) => g.read())).toEqual(fixed.groups.map((g) => g.read()));
    });

    test("groups appended while rows go by have the bits of groups that were there from the start", () => {
      const make = () => new Accumulator(kernels, p);
      const growing = new GroupedMoments<MomentsAccumulator | ExtendedAccumulator>(kernels, [], {
        columns: p,
        weighted,
        low,
      });
      const fixed = new GroupedMoments(kernels, [make(), make(), make()], { weighted, low });
      for (let first = 0; first < rows; first += 100) {
        // Group g comes with the row that is its first: after 0, 200 and 400 rows.
        while (growing.groups.length < Math.min(3, 1 + first / 200)) growing.append([make()]);
        for (let r = 0; r < 100; r++) {
          put(r, first + r);
          if (target(first + r) >= growing.groups.length) kernels.ints[targets / 4 + r] = -1;
        }
        for (const grouped of [growing, fixed]) grouped.add(block, 100, targets, weights, lowBlock);
      }
      growing.flush([0, 1, 2]);
      fixed.flush();
      expect(growing.groups.map((g) => g.read())).toEqual(fixed.groups.map((g) => g.read()));
      expect(growing.groups.map((g) => g.read().n).every((n) => n > BLOCK_ROWS)).toBe(true);
      growing.reset([1]);
      expect(growing.groups.map((g) => g.read().n === 0)).toEqual([false, true, false]);
    });
  });
});
