import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cholesky, inverseFromFactor } from "../../../src/linear/solve/cholesky.js";
import { extendedCholesky, extendedInverse } from "../../../src/linear/solve/extended-cholesky.js";
import type { SymmetricRows } from "../../../src/linear/solve/spd-factor.js";
import { TiledFactor } from "../../../src/linear/solve/tiled-factor.js";
import { inOneGo } from "../../../src/parallel/steps.js";
import { withPauses } from "../../../src/parallel/with-pauses.js";
import { packedIndex } from "../../../src/stats/packed.js";
import { correlations, withDependent } from "./correlations.js";

const rowsOf = (a: Float64Array, order: number, low?: Float64Array): SymmetricRows => ({
  order,
  row(i, high, rest) {
    const at = packedIndex(i, 0);
    high.set(a.subarray(at, at + i + 1));
    if (rest !== undefined) rest.set((low ?? new Float64Array(a.length)).subarray(at, at + i + 1));
  },
});

const largest = (values: Iterable<number>) => {
  let most = 0;
  for (const v of values) most = Math.max(most, Math.abs(v));
  return most;
};
const difference = (a: Float64Array, b: Float64Array) => largest(a.map((v, i) => v - b[i]!)) / largest(b);

describe("the tiled factor", () => {
  it("is that of the plain loops: kept columns, solutions and inverse, for orders around the tiles' edges", () => {
    // Widths 1 to 200 with dependent columns anywhere. Both are backward stable: they differ by some ulps times the
    // condition number, which 5 k rows of noise keep below 100.
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), fc.nat({ max: 5 }), (order, seed, more) => {
        const { packed } = withDependent(order, seed, Math.min(more, order - 1));
        const plain = cholesky(packed, order, 1e-11);
        const tiled = inOneGo(TiledFactor.of(rowsOf(packed, order), { tolerance: 1e-11 }));
        expect(tiled.kept).toEqual(plain.kept);
        expect(tiled.aliased).toEqual(plain.aliased);
        const r = plain.kept.length;
        const b = Float64Array.from({ length: r }, (_, i) => Math.sin(seed + i));
        const { high } = inOneGo(tiled.solve(b));
        const product = new Float64Array(r);
        for (let i = 0; i < r; i++)
          for (let j = 0; j < r; j++)
            product[i]! += packed[packedIndex(plain.kept[i]!, plain.kept[j]!)]! * high[j]!;
        expect(difference(product, b)).toBeLessThan(1e-11);
        const inverse = inOneGo(tiled.inverse());
        expect(difference(inverse, inverseFromFactor(plain.lower, r))).toBeLessThan(1e-10);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps 28 digits in double-double, and finds the dependent columns that the plain loops find", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 150 }), fc.nat(), fc.nat({ max: 4 }), (order, seed, more) => {
        const { packed } = withDependent(order, seed, Math.min(more, order - 1));
        const gram = { hi: packed, lo: packed.map((v, i) => v * 2 ** -60 * Math.sin(i)) };
        for (let i = 0; i < order; i++) gram.lo[packedIndex(i, i)] = 0;
        const rounding = Float64Array.from({ length: order }, (_, i) => 2 ** -50 * (1 + (i % 3)));
        const plain = extendedCholesky(gram, order, 1e-26, rounding);
        const tiled = inOneGo(
          TiledFactor.of(rowsOf(gram.hi, order, gram.lo), {
            tolerance: 1e-26,
            extended: true,
            rounding,
          }),
        );
        expect(tiled.kept).toEqual(plain.kept);
        const r = plain.kept.length;
        const b = Float64Array.from({ length: r }, (_, i) => Math.cos(seed + i));
        const x = inOneGo(tiled.solve(b));
        const residual = residualOf(gram, plain.kept, x, b);
        expect(largest(residual)).toBeLessThan(1e-27 * largest(x.high) * r);
        // Both inverses are rounded to doubles from some 28 digits: they agree to the last bit or two.
        expect(difference(inOneGo(tiled.inverse()), extendedInverse(plain.rows))).toBeLessThan(1e-15);
      }),
      { numRuns: 25 },
    );
  });

  it("has the same bits on any number of threads", async () => {
    for (const [order, extended] of [
      [530, false],
      [200, true],
    ] as const) {
      const { packed } = withDependent(order, 7, 3);
      const b = new Float64Array(order - 3).map((_, i) => Math.sin(i));
      const steps = function* () {
        const factor = yield* TiledFactor.of(rowsOf(packed, order), { tolerance: 1e-11, extended });
        const { high, low, half } = yield* factor.solve(b);
        return { kept: factor.kept, high, low, half, inverse: yield* factor.inverse() };
      };
      const alone = inOneGo(steps());
      for (const threads of [1, 2, 3, 8]) expect(await withPauses(steps(), { threads })).toEqual(alone);
    }
  });

  it("ends when the signal aborts, and the threads with it", async () => {
    const { packed } = correlations(700, 3);
    const controller = new AbortController();
    const steps = TiledFactor.of(rowsOf(packed, 700), { tolerance: 1e-11, extended: true });
    setTimeout(() => controller.abort(), 30);
    await expect(withPauses(steps, { threads: 2, signal: controller.signal })).rejects.toMatchObject({
      kind: "interrupted",
    });
    const small = correlations(600, 4).packed;
    const after = await withPauses(TiledFactor.of(rowsOf(small, 600), { tolerance: 1e-11 }), { threads: 2 });
    expect(after.kept.length).toBe(600);
  });
});

/** b − A x in exact arithmetic of 200 bits: fractions of integers. */
function residualOf(
  gram: { hi: Float64Array; lo: Float64Array },
  kept: number[],
  x: { high: Float64Array; low: Float64Array },
  b: Float64Array,
): number[] {
  const SCALE = 300n;
  const exact = (v: number): bigint => {
    // v = m 2^e with |m| < 2^53.
    if (v === 0) return 0n;
    const e = Math.max(-1022, Math.floor(Math.log2(Math.abs(v)))) - 52;
    const m = BigInt(v / 2 ** e);
    const shift = SCALE + BigInt(e);
    return shift >= 0n ? m << shift : m >> -shift;
  };
  const column = Array.from(x.high, (v, i) => exact(v) + exact(x.low[i]!));
  return kept.map((row, i) => {
    let sum = exact(b[i]!) << SCALE;
    kept.forEach((at, j) => {
      const k = packedIndex(row, at);
      sum -= (exact(gram.hi[k]!) + exact(gram.lo[k]!)) * column[j]!;
    });
    return Number(sum >> (2n * SCALE - 1000n)) / 2 ** 1000;
  });
}
