import fc from "fast-check";
import { expect, test } from "vitest";
import { BLOCK_ROWS } from "../../src/kernels/block-rows.js";
import { LinearPredictor } from "../../src/kernels/gemv.js";
import { Kernels } from "../../src/kernels/kernels.js";
import { predictRows } from "../../src/kernels/reference/gemv.js";
import { PATIENCE, runs } from "./bytes.js";

const kernels = new Kernels();
const numbers = (length: number) => fc.array(fc.double(), { minLength: length, maxLength: length });

test(
  "predictions from rows, shared rows and blocks are the plain loop's, bit for bit",
  () => {
    const cases = fc
      .tuple(fc.nat(20), fc.nat(300))
      .chain(([p, n]) => fc.tuple(fc.constant([p, n] as const), numbers(p), fc.double(), numbers(50)));
    fc.assert(
      fc.property(cases, ([[p, n], theta, intercept, values]) => {
        const mark = kernels.mark();
        const X = Float64Array.from({ length: n * p }, (_, k) => values[(k * 7) % 50]! * (k + 1));
        const want = new Float64Array(n);
        predictRows(X, Float64Array.from(theta), intercept, want);
        const predictor = new LinearPredictor(kernels, theta, intercept);
        const out = new Float64Array(n);
        predictor.rows(X, out);
        expect(out).toEqual(want);
        const shared = new Float64Array(new SharedArrayBuffer(8 * n * p));
        shared.set(X);
        const last = out.subarray(Math.floor(n / 2)).fill(0);
        predictor.rows(shared, last, Math.floor(n / 2));
        expect(out).toEqual(want);

        const block = kernels.allocBlock(p);
        const outAt = kernels.alloc(8 * BLOCK_ROWS);
        for (let first = 0; first < n; first += BLOCK_ROWS) {
          const rows = Math.min(BLOCK_ROWS, n - first);
          for (let j = 0; j < p; j++) {
            for (let r = 0; r < rows; r++)
              kernels.doubles[block / 8 + BLOCK_ROWS * j + r] = X[(first + r) * p + j]!;
          }
          predictor.block(block, rows, outAt);
          expect(kernels.doublesAt(outAt, rows)).toEqual(want.subarray(first, first + rows));
        }
        kernels.release(mark);
      }),
      runs(100),
    );
  },
  PATIENCE,
);

test("more rows than X has are refused", () => {
  const predictor = new LinearPredictor(kernels, [1, 2], 0);
  expect(() => predictor.rows(new Float64Array(5), new Float64Array(3))).toThrow(RangeError);
});

test("wide rows go in chunks", () => {
  const p = 3000;
  const X = Float64Array.from({ length: 300 * p }, (_, k) => Math.sin(k));
  const theta = Float64Array.from({ length: p }, (_, j) => Math.cos(j));
  const out = new Float64Array(300);
  const want = new Float64Array(300);
  new LinearPredictor(kernels, theta, 3).rows(X, out);
  predictRows(X, theta, 3, want);
  expect(out).toEqual(want);
});
