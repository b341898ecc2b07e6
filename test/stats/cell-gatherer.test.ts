import fc from "fast-check";
import { expect, test } from "vitest";
import { CellGatherer, sliceOf } from "../../src/stats/cell-gatherer.js";
import { cellOrder } from "../../src/stats/cell-order.js";
import { type CellKind, CellTable } from "../../src/stats/cell-table.js";

/** All that a generator does. */
function through<T>(steps: Generator<unknown, T, void>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value as T;
  }
}

test("keys are put into their order, those alike in the order in which they stand", () => {
  const numbers = fc.oneof(fc.nat(3), fc.nat(1 << 30));
  fc.assert(
    fc.property(
      fc
        .integer({ min: 1, max: 3 })
        .chain((width) =>
          fc
            .array(fc.array(numbers, { minLength: width, maxLength: width }), { maxLength: 40 })
            .map((keys) => ({ width, keys })),
        ),
      ({ width, keys }) => {
        const compare = (a: number[], b: number[]) => a.map((v, j) => v - b[j]!).find((d) => d !== 0) ?? 0;
        const expected = keys.map((_, i) => i).sort((a, b) => compare(keys[a]!, keys[b]!) || a - b);
        expect([...cellOrder(Int32Array.from(keys.flat()), keys.length, width)]).toEqual(expected);
      },
    ),
  );
});

/** A record of one row: rows, Σw, its low part, and two means. */
const record = fc.tuple(
  fc.integer({ min: 1, max: 4 }),
  fc.integer({ min: -9, max: 9 }),
  fc.integer({ min: -9, max: 9 }),
);

test.each([2, 3])("keys of %i numbers: the cells are those that merge one after the other", (factors) => {
  const kind: CellKind = { factors, columns: 2, products: 1, extended: false, logs: false };
  const { stride } = new CellTable(kind);
  fc.assert(
    fc.property(
      fc.array(
        fc.array(fc.tuple(fc.array(fc.nat(3), { minLength: factors, maxLength: factors }), record), {
          maxLength: 12,
        }),
        { maxLength: 6 },
      ),
      fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
      (chunks, recode) => {
        const gatherer = new CellGatherer(kind);
        const expected = new CellTable(kind);
        for (const cells of chunks) {
          const keys = Int32Array.from(cells.flatMap(([key]) => key));
          const records = new Float64Array(cells.length * stride);
          cells.forEach(([, [w, x, y]], i) => {
            records.set([1, w, 0, x, y], i * stride);
          });
          through(gatherer.push(keys, records, []));
          cells.forEach(([key], i) => {
            const codes = key.map((code, j) => (j === 0 ? code : recode[code]!));
            expected.add(expected.cell(Int32Array.from(codes)), records, i * stride);
          });
        }
        const identity = Int32Array.of(0, 1, 2, 3);
        const found = through(
          gatherer.finish([undefined, ...Array.from({ length: factors - 1 }, () => recode)]),
        );
        const ordered = expected.recoded(Array.from({ length: factors }, () => identity));
        expect([...found.codes.subarray(0, found.count * factors)]).toEqual([
          ...ordered.codes.subarray(0, ordered.count * factors),
        ]);
        // The same merges in the same order: the same bits.
        expect([...found.records.subarray(0, found.count * stride)]).toEqual([
          ...ordered.records.subarray(0, ordered.count * stride),
        ]);
        const sliced = [0, 1, 2, 3].map((first) => sliceOf(found, first).count);
        expect(sliced.reduce((sum, count) => sum + count, 0)).toBe(found.count);
      },
    ),
  );
});
