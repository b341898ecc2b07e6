import fc from "fast-check";
import { expect, test } from "vitest";
import { CellGatherer } from "../../src/stats/cell-gatherer.js";
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

test.each([
  { width: 2, products: 1 },
  { width: 2, products: 0 },
  { width: 3, products: 1 },
  { width: 3, products: 0, counted: true },
])("%o: the cells are those that merge one after the other", ({ width, products, counted = false }) => {
  const columns = counted ? 0 : 2;
  const kind: CellKind = { factors: width - 1, columns, products, extended: false, logs: false };
  const { stride } = new CellTable(kind);
  fc.assert(
    fc.property(
      fc.array(
        fc.array(fc.tuple(fc.array(fc.nat(3), { minLength: width, maxLength: width }), record), {
          maxLength: 12,
        }),
        { maxLength: 6 },
      ),
      fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
      fc.constantFrom(0, 1 << 22),
      (chunks, recode, pending) => {
        const gatherer = new CellGatherer(kind, counted, pending);
        const expected = new CellTable({ ...kind, factors: width });
        for (const cells of chunks) {
          const keys = Int32Array.from(cells.flatMap(([key]) => key));
          const records = new Float64Array(cells.length * stride);
          cells.forEach(([, [w, x, y]], i) => {
            records.set(counted ? [w, w, 0] : [1, w, 0, x, y], i * stride);
          });
          cells.forEach(([key], i) => {
            const codes = key.map((code, j) => (j === 0 ? code : recode[code]!));
            expected.add(expected.cell(Int32Array.from(codes)), records, i * stride);
          });
          through(gatherer.push(keys, counted ? records.filter((_, i) => i % stride === 0) : records, []));
        }
        const identity = Int32Array.of(0, 1, 2, 3);
        const found = through(
          gatherer.finish([undefined, ...Array.from({ length: width - 1 }, () => recode)], 4),
        );
        const ordered = expected.recoded(Array.from({ length: width }, () => identity));
        const keys = found.flatMap(({ codes, count }, fold) =>
          Array.from({ length: count }, (_, cell) => [
            fold,
            ...codes.subarray(cell * (width - 1), (cell + 1) * (width - 1)),
          ]),
        );
        expect(keys.flat()).toEqual([...ordered.codes.subarray(0, ordered.count * width)]);
        // The same merges in the same order: the same bits.
        expect(found.flatMap(({ records, count }) => [...records.subarray(0, count * stride)])).toEqual([
          ...ordered.records.subarray(0, ordered.count * stride),
        ]);
      },
    ),
  );
});
