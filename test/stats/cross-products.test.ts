import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keepColumns } from "../../src/stats/block-layout.js";
import type { CrossProducts } from "../../src/stats/cross-products.js";
import { ExtendedMoments } from "../../src/stats/extended-moments.js";
import { asExtended, mergeFolds } from "../../src/stats/merge-folds.js";
import { Moments } from "../../src/stats/moments.js";
import { readMoments } from "../../src/stats/read-moments.js";

const NAMES = ["a", "b", "c"];
const rows = fc.array(fc.tuple(...NAMES.map(() => fc.integer({ min: -1000, max: 1000 }))), {
  minLength: 1,
  maxLength: 300,
});
const X = (data: readonly (readonly number[])[]) => Float64Array.from(data.flat());

type FromRows = (columns: readonly string[], X: Float64Array, weights?: Float64Array) => CrossProducts;
const kinds: [name: string, extended: boolean, fromRows: FromRows][] = [
  ["Moments", false, (...parts) => Moments.fromRows(...parts)],
  ["ExtendedMoments", true, (...parts) => ExtendedMoments.fromRows(...parts)],
];

describe.each(kinds)("%s as cross-products", (_, extended, fromRows) => {
  test("know their arithmetic, and their columns by name", () => {
    const moments = fromRows(NAMES, X([[1, 2, 3]]));
    expect(moments.extended).toBe(extended);
    expect(NAMES.map((name) => moments.index(name))).toEqual([0, 1, 2]);
    expect(["d", "constructor", ""].map((name) => moments.index(name))).toEqual([-1, -1, -1]);
    moments.widen(["d"]);
    expect(moments.index("d")).toBe(3);
    expect(moments.select([2, 0]).index("a")).toBe(1);
  });

  test("give the products about zero and about the means that integers have exactly", () => {
    fc.assert(
      fc.property(rows, fc.boolean(), (data, weighted) => {
        const w = data.map((_, r) => (weighted ? 1 + (r % 4) : 1));
        const moments = fromRows(NAMES, X(data), weighted ? Float64Array.from(w) : undefined);
        const sum = (value: (row: readonly number[]) => number) =>
          data.reduce((total, row, r) => total + BigInt(w[r]! * value(row)), 0n);
        const W = sum(() => 1);
        for (let i = 0; i < 3; i++)
          for (let j = 0; j < 3; j++) {
            const aboutZero = sum((row) => row[i]! * row[j]!);
            // n Σ w x y − Σ w x Σ w y is an integer; 1e6 is the square of the largest number.
            const centred = W * aboutZero - sum((row) => row[i]!) * sum((row) => row[j]!);
            const expected = [Number(aboutZero), Number(centred) / Number(W)];
            const double = [moments.product(i, j, false), moments.product(i, j)];
            const both = [moments.extendedProduct(i, j, false), moments.extendedProduct(i, j, true)];
            // Rounding of sums of up to 300 products of up to 4e6, in one of 2⁵³; some 10 ulps of the largest sum.
            const bound = 10 * Number.EPSILON * Number(W) * 1e6;
            for (const values of [double, both.map((value) => value.toNumber())])
              values.forEach((value, k) => {
                expect(Math.abs(value - expected[k]!)).toBeLessThanOrEqual(bound);
              });
          }
        expect(moments.extendedSumW.toNumber()).toBe(Number(W));
        NAMES.forEach((_, i) => {
          expect(moments.extendedMean(i).hi).toBe(moments.mean[i]);
        });
      }),
    );
  });

  test("have zeros for a column that is not there, as for one that is zero in every row", () => {
    const moments = fromRows(
      NAMES,
      X([
        [1, 2, 3],
        [4, 6, 5],
      ]),
    );
    const wide = moments.clone();
    wide.widen(["d"]);
    for (const centred of [true, false])
      for (const [i, j] of [
        [-1, 1],
        [1, -1],
        [-1, -1],
      ] as const) {
        expect(moments.product(i, j, centred)).toBe(0);
        expect(moments.extendedProduct(i, j, centred).toNumber()).toBe(0);
        expect(wide.product(i < 0 ? 3 : i, j < 0 ? 3 : j, centred)).toBe(0);
      }
    expect(moments.extendedMean(-1).toNumber()).toBe(0);
  });

  test("are read back from JSON as what they were", () => {
    fc.assert(
      fc.property(rows, (data) => {
        const moments = fromRows(NAMES, X(data));
        const read = readMoments(JSON.parse(JSON.stringify(moments)));
        expect(read).toEqual(moments);
        expect(read.extended).toBe(extended);
      }),
    );
  });

  test("keep the columns asked for, and are themselves where those are all", () => {
    const moments = fromRows(NAMES, X([[1, 2, 3]]));
    expect(keepColumns(moments, () => true)).toBe(moments);
    expect(keepColumns(moments, (name) => name !== "b")).toEqual(moments.select([0, 2]));
  });
});

describe("double beside double-double", () => {
  const left = X([
    [1, 2, 3],
    [2, 7, 1],
  ]);
  const right = X([[4, 6, 5]]);

  test("is refused by what merges and subtracts", () => {
    const [double, extended]: CrossProducts[] = [
      Moments.fromRows(NAMES, left),
      ExtendedMoments.fromRows(NAMES, right),
    ];
    for (const [a, b] of [
      [double!, extended!],
      [extended!, double!],
    ] as const) {
      expect(() => a.merge(b)).toThrow("do not merge");
      expect(() => a.absorb(b)).toThrow("do not merge");
    }
    expect(() => double!.subtract(extended!)).toThrow("do not merge");
  });

  test("is taken over as it is, and merged in double-double", () => {
    const double: CrossProducts = Moments.fromRows(NAMES, left);
    const extended: CrossProducts = ExtendedMoments.fromRows(NAMES, right);
    const taken = asExtended(double);
    expect(taken.extended).toBe(true);
    expect(taken.toMoments()).toEqual(double);
    expect(asExtended(extended)).toBe(extended);
    expect(mergeFolds([double, extended])).toEqual(taken.merge(extended));
    expect(mergeFolds([extended, double])).toEqual(extended.merge(taken));
    expect(mergeFolds([double, double])).toEqual(double.merge(double));
  });
});
