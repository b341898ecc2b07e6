import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { factorMeat } from "../../../src/linear/covariance/meat-factor.js";
import { packedIndex, packedLength } from "../../../src/stats/packed.js";
import { fit } from "../../../src/training/fit.js";
import { generator } from "../samples.js";

/** S = Σ z zᵀ of `rows` random vectors of scales from 10⁻⁴ to 10⁴, packed. */
function sumOfSquares(seed: number, size: number, rows: number): Float64Array {
  const next = generator(seed);
  const S = new Float64Array(packedLength(size));
  const scale = Array.from({ length: size }, () => 10 ** (4 * next()));
  for (let r = 0; r < rows; r++) {
    const z = scale.map((d) => d * next());
    for (let i = 0; i < size; i++) for (let j = 0; j <= i; j++) S[packedIndex(i, j)]! += z[i]! * z[j]!;
  }
  return S;
}

describe("a factor of a meat", () => {
  test("gives it back, and has no more columns than there were scores", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 16 }),
        (seed, size, rows) => {
          const S = sumOfSquares(seed, size, rows);
          const { rank, order, values } = factorMeat(S, size);
          expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
          expect(rank).toBeLessThanOrEqual(Math.min(size, rows));
          for (let p = 0; p < size; p++)
            for (let q = 0; q <= p; q++) {
              let sum = 0;
              for (let s = 0; s < rank; s++) sum += values[p * rank + s]! * values[q * rank + s]!;
              const [a, b] = [order[p]!, order[q]!];
              const expected = S[packedIndex(Math.max(a, b), Math.min(a, b))]!;
              const bound = Math.sqrt(S[packedIndex(a, a)]! * S[packedIndex(b, b)]!);
              // Pivots below 2⁻⁴⁶ are left out: 1.4e-14.
              expect(Math.abs(sum - expected)).toBeLessThanOrEqual(1e-13 * bound);
            }
        },
      ),
    );
  });

  test("robust errors, and those of predictions, are 0 where a group is fitted exactly, whatever the scales", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom("hc0", "hc1", "cluster"),
        fc.constantFrom(1, 1e-6, 1e6),
        (seed, vcov, scale) => {
          const next = generator(seed);
          // y ~ x * g with two rows of the first level, which its own line fits exactly.
          const rows = Array.from({ length: 14 }, (_, i) => {
            const g = i < 2 ? 0 : i < 8 ? 1 : 2;
            const x = (next() * 5 + 10) * scale;
            return { g, x, y: next() * 3 + g };
          });
          const X = rows.map(({ g, x }) => [
            x,
            Number(g === 1),
            Number(g === 2),
            g === 1 ? x : 0,
            g === 2 ? x : 0,
          ]);
          const model = fit(
            X,
            rows.map(({ y }) => y),
            { vcov, ...(vcov === "cluster" ? { clusters: rows.map((_, i) => i % 7) } : {}) },
          );
          const errors = [...model.standardErrors];
          expect(errors.slice(0, 2)).toEqual([0, 0]);
          for (const error of errors.slice(2)) expect(error).toBeGreaterThan(0);
          const { stdError } = model.predictInterval(Float64Array.from(X.flat()), { interval: "confidence" });
          const largest = Math.max(...stdError);
          // By a factor the digits of S are those of errors; without one half of them would be.
          for (const error of stdError.slice(0, 2)) expect(error).toBeLessThan(1e-11 * largest);
          for (const error of stdError.slice(2)) expect(error).toBeGreaterThan(1e-6 * largest);
        },
      ),
      { numRuns: 200 },
    );
  });
});
