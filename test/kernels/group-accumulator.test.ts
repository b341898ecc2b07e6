import { describe, expect, test } from "vitest";
import { BLOCK_ROWS } from "../../src/kernels/block-rows.js";
import { GroupAccumulator } from "../../src/kernels/group-accumulator.js";
import { Kernels } from "../../src/kernels/kernels.js";
import { CellTable } from "../../src/stats/cell-table.js";
import { ExtendedMoments } from "../../src/stats/extended-moments.js";
import { cellKind, type GroupKind, GroupTable } from "../../src/stats/group-table.js";
import { LevelCodes } from "../../src/stats/level-codes.js";
import { Moments } from "../../src/stats/moments.js";
import { uniform } from "../uniform.js";

const columns = ["y", "a", "b", "c"];
const p = columns.length;

/** Rows of groups of very different sizes; far from zero, so that sums of squares alone would lose all digits. */
function rowsOf(seed: number, count: number) {
  const next = uniform(seed);
  return Array.from({ length: count }, () => ({
    // About half of the rows are of group 0, a quarter of group 1, and so on; some of none.
    group: next() < 0.05 ? -1 : Math.min(9, Math.floor(-Math.log2(next()))),
    weight: next() < 0.1 ? 0 : 0.5 + next(),
    values: columns.map((_, j) => 10 ** (2 * j) + next()),
  }));
}

describe.each([false, true])("extended %s", (extended) => {
  describe.each([false, true])("weighted %s", (weighted) => {
    const kernels = new Kernels();
    const block = kernels.allocBlock(p);
    const weights = weighted ? kernels.alloc(8 * BLOCK_ROWS) : 0;
    const targets = kernels.alloc(4 * BLOCK_ROWS);
    const accumulator = new GroupAccumulator(kernels, { columns: p, weighted, extended, low: false });
    const add = (rows: ReturnType<typeof rowsOf>, step: number) => {
      for (let from = 0; from < rows.length; from += step) {
        const some = rows.slice(from, from + step);
        for (const [r, { group, weight, values }] of some.entries()) {
          values.forEach((value, j) => {
            kernels.doubles[block / 8 + BLOCK_ROWS * j + r] = value;
          });
          if (weighted) kernels.doubles[weights / 8 + r] = weight;
          kernels.ints[targets / 4 + r] = group;
        }
        accumulator.add(block, some.length, targets, weights);
      }
    };
    const kind: GroupKind = { columns, folds: 1, extended, weighted };
    const table = () => {
      const { records, more } = accumulator.take();
      const cells = new CellTable(cellKind(kind));
      cells.codes = records.keys;
      cells.records = records.records;
      cells.count = records.keys.length;
      const made = new GroupTable(kind, new LevelCodes(), cells);
      for (const { group, parts } of more) made.add(group, 0, parts);
      return { made, large: more.map(({ group }) => group).sort() };
    };

    test("a group has the moments of its rows, few or many", () => {
      const rows = rowsOf(1, 3000);
      add(rows, 100);
      const { made, large } = table();
      expect(large.slice(0, 3)).toEqual([0, 1, 2]);
      expect(large.length).toBeLessThan(6);
      for (let g = 0; g < 10; g++) {
        const own = rows.filter(({ group }) => group === g);
        const values = Float64Array.from(own.flatMap((row) => row.values));
        const w = weighted ? Float64Array.from(own, ({ weight }) => weight) : undefined;
        const whole = extended
          ? ExtendedMoments.empty(columns).update(values, w)
          : Moments.empty(columns).update(values, w);
        const found = made.moments(g, 0);
        expect(found.n).toBe(whole.n);
        if (found.n === 0) continue;
        expect(Math.abs(found.sumLogW - whole.sumLogW)).toBeLessThan(1e-11);
        for (let i = 0; i < p; i++) {
          // The numbers' own size is 10^2i: eps of it is what a sum in double can keep of a mean.
          expect(Math.abs(found.mean[i]! / whole.mean[i]! - 1)).toBeLessThan(1e-14);
          for (let j = 0; j <= i; j++) {
            const scale = Math.sqrt(whole.product(i, i) * whole.product(j, j)) || 1;
            const size = 10 ** (2 * i);
            // A sum of centred products keeps the digits of the centred numbers, whose rounding is eps of the size.
            const bound = extended ? 1e-14 : 64 * Number.EPSILON * size;
            expect(Math.abs(found.product(i, j) - whole.product(i, j))).toBeLessThan(bound * scale + 1e-13);
          }
        }
      }
    });

    test("what was before, and how rows come in blocks, does not show", () => {
      const rows = rowsOf(2, 900);
      add(rows, 128);
      const first = table().made;
      add(rowsOf(3, 500), 64);
      accumulator.take();
      add(rows, 57);
      const again = table().made;
      for (let g = 0; g < 10; g++) expect(again.moments(g, 0)).toEqual(first.moments(g, 0));
    });
  });
});

test("groups that cannot be told apart by rows that they have not are empty", () => {
  const kind: GroupKind = { columns, folds: 3, extended: false, weighted: false };
  const groups = new LevelCodes(["a", "b"]);
  const made = new GroupTable(kind, groups);
  made.add(1, 2, { n: 1, sumW: 1, sumLogW: 0, mean: new Float64Array(p), c: new Float64Array(10) });
  expect(made.foldsOf("b").map(({ n }) => n)).toEqual([0, 0, 1]);
  expect(made.foldsOf("a").map(({ n }) => n)).toEqual([0, 0, 0]);
  expect(made.foldsOf("unknown").map(({ n }) => n)).toEqual([0, 0, 0]);
});
