import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCK_ROWS } from "../../src/kernels/block-rows.js";
import { ChunkColumns } from "../../src/kernels/chunk-columns.js";
import { Kernels } from "../../src/kernels/kernels.js";

const column = fc.array(fc.oneof(fc.double(), fc.constantFrom(1e308, -1e308, -0, 5e-324)), {
  minLength: 1,
  maxLength: 300,
});

describe("ChunkColumns", () => {
  it("says whether a column has only finite numbers, as Number.isFinite does", () => {
    fc.assert(
      fc.property(
        column,
        fc.option(fc.tuple(fc.nat(), fc.constantFrom(Number.NaN, 1 / 0, -1 / 0))),
        (values, odd) => {
          const columns = new ChunkColumns(new Kernels(), 2, 300);
          const numbers = values.map((value) => (Number.isFinite(value) ? value : 0));
          if (odd !== null) numbers[odd[0] % numbers.length] = odd[1];
          // What lies beside it is not looked at.
          columns.column(0, 300).fill(Number.NaN);
          columns.column(1, 300).fill(Number.NaN);
          columns.column(1, numbers.length).set(numbers);
          expect(columns.allFinite(1, numbers.length)).toBe(numbers.every(Number.isFinite));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("copies rows of all columns to a block", () => {
    const kernels = new Kernels();
    const block = kernels.allocBlock(3);
    const columns = new ChunkColumns(kernels, 3, 500);
    for (let j = 0; j < 3; j++)
      columns.column(j, 500).set(Array.from({ length: 500 }, (_, r) => 1000 * j + r));
    for (const [from, rows] of [
      [0, 128],
      [128, 128],
      [384, 116],
    ] as const) {
      columns.copyTo(block, from, rows);
      for (let j = 0; j < 3; j++)
        expect([...kernels.doublesAt(block + 8 * BLOCK_ROWS * j, rows)]).toEqual(
          Array.from({ length: rows }, (_, r) => 1000 * j + from + r),
        );
    }
  });
});
