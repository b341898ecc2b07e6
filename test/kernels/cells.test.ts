import { describe, expect, test } from "vitest";
import { BLOCK_ROWS } from "../../src/kernels/block-rows.js";
import { LOG_AT, meansAt, ROWS_AT, recordLength, WEIGHT_AT } from "../../src/kernels/cell-record.js";
import { CellAccumulator, type CellShape } from "../../src/kernels/cells.js";
import { Kernels } from "../../src/kernels/kernels.js";
import { CellTable } from "../../src/stats/cell-table.js";

const kernels = new Kernels();
const p = 5;
const rows = 3000;
const value = (i: number, j: number) => (((i + 1) * 7919 + (j + 1) * 104729) % 1009) / 7;
const weight = (i: number) => (i % 7 === 0 ? 0 : 0.5 + (i % 5));
const target = (i: number) => (((i * 7) % 11) % 4) - 1;
/** Few levels and many: the table grows on the way. */
const code = (i: number, f: number) => (f === 0 ? (i * 31) % 17 : f === 1 ? (i * 131) % 701 : i % 3);

const shapes: Omit<CellShape, "extended" | "logs">[] = [
  { columns: [], products: 0, factors: [0] },
  { columns: [0, 1, 2, 3, 4], products: 0, factors: [0] },
  { columns: [0, 1, 2], products: 0, factors: [1] },
  { columns: [3, 1, 0, 4], products: 2, factors: [2, 0] },
  { columns: [0, 1, 2, 3, 4], products: 5, factors: [0, 1] },
  { columns: [4, 2, 0], products: 3, factors: [] },
];

describe.each(shapes)("cells of %j", (shape) => {
  describe.each([
    { weighted: false, extended: false },
    { weighted: true, extended: false },
    { weighted: true, extended: true },
  ])("%j", ({ weighted, extended }) => {
    const full: CellShape = { ...shape, extended, logs: weighted };
    const accumulator = new CellAccumulator(kernels, full);
    const block = kernels.allocBlock(p);
    const low = extended ? kernels.allocBlock(p) : 0;
    const weights = weighted ? kernels.alloc(8 * BLOCK_ROWS) : 0;
    const targets = kernels.alloc(4 * BLOCK_ROWS);
    const codes = kernels.alloc(4 * BLOCK_ROWS * 3);
    const kind = {
      factors: shape.factors.length + 1,
      columns: shape.columns.length,
      products: shape.products,
      extended,
      logs: weighted,
    };

    const run = () => {
      const twin = new CellTable(kind);
      for (let first = 0; first < rows; first += 100) {
        for (let r = 0; r < 100; r++) {
          const i = first + r;
          for (let j = 0; j < p; j++) {
            kernels.doubles[block / 8 + BLOCK_ROWS * j + r] = value(i, j);
            if (extended) kernels.doubles[low / 8 + BLOCK_ROWS * j + r] = value(j, i) * 1e-18;
          }
          if (weighted) kernels.doubles[weights / 8 + r] = weight(i);
          kernels.ints[targets / 4 + r] = target(i);
          for (let f = 0; f < 3; f++) kernels.ints[codes / 4 + BLOCK_ROWS * f + r] = code(i, f);
          if (target(i) < 0 || (weighted && weight(i) === 0)) continue;
          // A row is a cell of its own: Σ w = w, means its values, no cross-products.
          const record = new Float64Array(recordLength(kind));
          record[ROWS_AT] = 1;
          record[WEIGHT_AT] = weighted ? weight(i) : 1;
          if (weighted) {
            const exponent = Math.floor(Math.log2(weight(i)));
            record[LOG_AT] = weight(i) / 2 ** exponent;
            record[LOG_AT + 1] = exponent;
          }
          for (const [j, column] of shape.columns.entries()) {
            record[meansAt(kind) + j] = value(i, column);
            if (extended) record[meansAt(kind) + kind.columns + j] = value(column, i) * 1e-18;
          }
          const key = Int32Array.of(target(i), ...shape.factors.map((f) => code(i, f)));
          twin.add(twin.cell(key), record, 0);
        }
        accumulator.add(block, 100, { targets, codes, weights, low });
      }
      return twin;
    };

    test("are those of their rows, merged one by one", () => {
      const twin = run();
      const { keys, records } = accumulator.read();
      expect(keys).toEqual(twin.codes.slice(0, keys.length));
      expect(twin.count).toBe(keys.length / kind.factors);
      const expected = twin.records.slice(0, records.length);
      if (!extended) {
        // The same operations in the same order.
        expect(records).toEqual(expected);
        return;
      }
      // Divisions are rounded differently in their last of 106 bits.
      const { stride } = twin;
      const first = meansAt(kind);
      for (let cell = 0; cell < twin.count; cell++)
        for (let i = 0; i < stride; i++) {
          const at = cell * stride + i;
          const lowPart = i >= first + kind.columns && i < first + 2 * kind.columns;
          const tolerance = lowPart ? 1e-13 : 1e-14 * Math.abs(expected[at]!) + 1e-10;
          expect(Math.abs(records[at]! - expected[at]!)).toBeLessThanOrEqual(tolerance);
        }
    });

    test("are forgotten by reset, whatever size the table has grown to", () => {
      const before = accumulator.read();
      accumulator.reset();
      expect(accumulator.count).toBe(0);
      run();
      expect(accumulator.read()).toEqual(before);
    });
  });
});
