import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addProducts,
  chosenProducts,
  movedProducts,
  productCount,
  productIndex,
} from "../../src/stats/symmetric-products.js";

const value = fc.integer({ min: -8, max: 8 });
/** Rows of three variables, and weights: integers, so that all sums are exact. */
const rows = fc.array(fc.tuple(value, value, value, fc.integer({ min: 1, max: 3 })), {
  minLength: 1,
  maxLength: 6,
});

function sumsOf(
  all: readonly (readonly number[])[],
  weights: readonly number[],
  degree: 2 | 4,
): Float64Array {
  const sums = new Float64Array(productCount(all[0]!.length + 1, degree));
  all.forEach((row, r) => {
    addProducts(sums, 0, Float64Array.of(1, ...row), weights[r]!, degree);
  });
  return sums;
}

describe.each([2, 4] as const)("sums of products of %i variables", (degree) => {
  test("are where their variables say, in any order", () => {
    fc.assert(
      fc.property(
        rows,
        fc.array(fc.nat({ max: 3 }), { minLength: degree, maxLength: degree }),
        (all, asked) => {
          const sums = sumsOf(
            all.map((row) => row.slice(0, 3)),
            all.map((row) => row[3]),
            degree,
          );
          const expected = all.reduce(
            (sum, [x, y, z, w]) => sum + w * asked.reduce((p, v) => p * [1, x, y, z][v]!, 1),
            0,
          );
          expect(sums[productIndex(asked)]).toBe(expected);
        },
      ),
    );
  });

  test("of variables that are moved, left out, or zero are those of such rows", () => {
    fc.assert(
      fc.property(rows, fc.tuple(value, value, value), (all, [a, b, c]) => {
        const weights = all.map((row) => row[3]);
        const sums = sumsOf(
          all.map((row) => row.slice(0, 3)),
          weights,
          degree,
        );
        const moved = movedProducts(sums, [0, a, b, c], degree);
        expect([...moved]).toEqual([
          ...sumsOf(
            all.map(([x, y, z]) => [x + a, y + b, z + c]),
            weights,
            degree,
          ),
        ]);
        const chosen = chosenProducts(sums, [0, 3, -1, 1], degree);
        expect([...chosen]).toEqual([
          ...sumsOf(
            all.map(([x, , z]) => [z, 0, x]),
            weights,
            degree,
          ),
        ]);
      }),
    );
  });
});
