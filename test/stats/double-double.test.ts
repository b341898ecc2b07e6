import fc from "fast-check";
import { expect, test } from "vitest";
import { addAt, addProductAt, DoubleDouble } from "../../src/stats/double-double.js";
import { Rational } from "./rational.js";

// Magnitudes within 1e±60 keep every product and error term away from overflow and underflow, where the
// guarantees end.
const real = fc
  .tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.integer({ min: -60, max: 60 }))
  .map(([m, e]) => (Math.abs(m) < 1e-9 ? 0.5 : m) * 10 ** e);
const pair = fc
  .tuple(real, fc.double({ min: -1, max: 1, noNaN: true }))
  .map(([hi, f]) => DoubleDouble.sum(hi, hi * f * 2 ** -54));

const exact = (x: DoubleDouble): Rational => Rational.from(x.hi).add(Rational.from(x.lo));

function relativeError(found: DoubleDouble, truth: Rational): number {
  const error = exact(found).sub(truth);
  return error.isZero() ? 0 : error.over(truth);
}

test("the sum and the product of two doubles are exact", () => {
  fc.assert(
    fc.property(real, real, (a, b) => {
      expect(relativeError(DoubleDouble.sum(a, b), Rational.from(a).add(Rational.from(b)))).toBe(0);
      expect(relativeError(DoubleDouble.product(a, b), Rational.from(a).mul(Rational.from(b)))).toBe(0);
    }),
  );
});

test("add, sub, mul, div are exact to about 106 bits", () => {
  fc.assert(
    fc.property(pair, pair, (a, b) => {
      const [x, y] = [exact(a), exact(b)];
      // Bounds: Joldes, Muller & Popescu 2017 prove 3u² for the sum and at most 9u² for the products, u = 2⁻⁵³;
      // the division here is bounded by about 15u².
      expect(relativeError(a.add(b), x.add(y))).toBeLessThan(4 * 2 ** -106);
      expect(relativeError(a.sub(b), x.sub(y))).toBeLessThan(4 * 2 ** -106);
      expect(relativeError(a.mul(b), x.mul(y))).toBeLessThan(10 * 2 ** -106);
      expect(relativeError(a.div(b), x.div(y))).toBeLessThan(16 * 2 ** -106);
    }),
  );
});

test("addition is accurate under cancellation", () => {
  const a = DoubleDouble.sum(1, 2 ** -60);
  const b = DoubleDouble.sum(-1, 2 ** -100);
  expect(a.add(b)).toEqual(DoubleDouble.sum(2 ** -60, 2 ** -100));
});

test("sqrt squares back", () => {
  fc.assert(
    fc.property(pair, (a) => {
      const positive = a.hi < 0 ? a.negate() : a;
      const root = exact(positive.sqrt());
      // A relative error e of the root is 2e of its square.
      const error = root.mul(root).sub(exact(positive));
      expect(error.isZero() ? 0 : error.over(exact(positive))).toBeLessThan(32 * 2 ** -106);
    }),
  );
  expect(new DoubleDouble(0).sqrt().toNumber()).toBe(0);
  expect(new DoubleDouble(-1).sqrt().toNumber()).toBeNaN();
});

test("division by zero and of zero are those of doubles", () => {
  expect(new DoubleDouble(1).div(new DoubleDouble(0)).toNumber()).toBe(Infinity);
  expect(new DoubleDouble(0).div(new DoubleDouble(3)).toNumber()).toBe(0);
});

test("the in-place forms give what the class gives", () => {
  fc.assert(
    fc.property(pair, pair, pair, (a, b, c) => {
      const hi = Float64Array.of(c.hi, c.hi);
      const lo = Float64Array.of(c.lo, c.lo);
      addAt(hi, lo, 0, a.hi, a.lo);
      addProductAt(hi, lo, 1, a.hi, a.lo, b.hi, b.lo);
      const sum = c.add(a);
      const fused = c.add(a.mul(b));
      expect([hi[0], lo[0], hi[1], lo[1]]).toEqual([sum.hi, sum.lo, fused.hi, fused.lo]);
    }),
  );
});
