import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ExtendedVector,
  extendedBack,
  extendedCholesky,
  extendedForward,
  extendedVector,
} from "../../../src/linear/solve/extended-cholesky.js";
import { MlFactor } from "../../../src/linear/solve/ml-factor.js";
import { refine } from "../../../src/linear/solve/refine.js";
import { packedRows } from "../../../src/linear/solve/solution.js";
import { inOneGo } from "../../../src/parallel/steps.js";
import { packedIndex, packedLength } from "../../../src/stats/packed.js";
import { correlations, withDependent } from "./correlations.js";

/** A with its last column turned towards the one before it by `angle`: κ(A) grows as 1/angle². */
function illConditioned(order: number, seed: number, angle: number): ExtendedVector {
  const { packed } = correlations(order, seed);
  const gram = { hi: packed, lo: new Float64Array(packed.length) };
  const [last, before] = [order - 1, order - 2];
  const cosine = Math.sqrt(1 - angle * angle);
  for (let j = 0; j < before; j++)
    gram.hi[packedIndex(last, j)] =
      cosine * gram.hi[packedIndex(before, j)]! + angle * gram.hi[packedIndex(last, j)]!;
  gram.hi[packedIndex(last, before)] = cosine;
  return gram;
}

describe("refinement by residuals", () => {
  it("gives what a factor in double-double gives, to far more digits than a double has", () => {
    // κ(A) up to about 1e14: the double factor alone leaves as few as two digits. The two solutions agree to 1e-20 of
    // the largest entry: their own errors are κ times 2⁻¹⁰⁴ or so.
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 25 }),
        fc.nat(),
        fc.double({ min: 1, max: 6, noNaN: true }),
        (order, seed, digits) => {
          const gram = illConditioned(order, seed, 10 ** -digits);
          const factor = MlFactor.of(packedRows(gram.hi, order), 1e-15);
          fc.pre(factor.aliased.length === 0);
          const b = extendedVector(order);
          for (let i = 0; i < order; i++) b.hi[i] = Math.sin(seed + i);
          const refined = inOneGo(refine(gram, factor.kept, factor, b));
          expect(refined).toBeDefined();
          const exact = { hi: b.hi.slice(), lo: b.lo.slice() };
          const { rows } = extendedCholesky(gram, order, 0);
          extendedForward(rows, exact);
          extendedBack(rows, exact);
          const largest = Math.max(...exact.hi.map(Math.abs));
          for (let i = 0; i < order; i++) {
            const difference = refined!.x.hi[i]! - exact.hi[i]! + (refined!.x.lo[i]! - exact.lo[i]!);
            expect(Math.abs(difference)).toBeLessThan(1e-17 * largest);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("says so where it does not converge", () => {
    // A factor of another matrix is no approximate inverse of this one.
    const gram = illConditioned(10, 3, 1e-5);
    const other = MlFactor.of(packedRows(correlations(10, 4).packed, 10), 1e-11);
    const b = extendedVector(10);
    b.hi.fill(1);
    expect(inOneGo(refine(gram, other.kept, other, b))).toBeUndefined();
  });

  it("needs no step for a right side of zeros", () => {
    const { packed } = correlations(5, 1);
    const gram = { hi: packed, lo: new Float64Array(packedLength(5)) };
    const factor = MlFactor.of(packedRows(packed, 5), 1e-11);
    const refined = inOneGo(refine(gram, factor.kept, factor, extendedVector(5)));
    expect(refined).toMatchObject({ steps: 0, x: { hi: new Float64Array(5) } });
  });
});

describe("ml-matrix's factor", () => {
  it("leaves the dependent columns out that the plain loops do", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30 }), fc.nat(), fc.nat({ max: 4 }), (order, seed, more) => {
        const { packed, dependent } = withDependent(order, seed, Math.min(more, order - 1));
        const { kept, aliased } = MlFactor.of(packedRows(packed, order), 1e-11);
        expect(new Set(aliased)).toEqual(dependent);
        expect([...kept, ...aliased].sort((a, b) => a - b)).toEqual(
          Array.from({ length: order }, (_, i) => i),
        );
      }),
    );
  });
});
