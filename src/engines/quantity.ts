import type { DatabaseValue } from "../sources/database/rowset.js";
import { DoubleDouble } from "../stats/double-double.js";
import type { IntegerScale } from "./sums.js";

/**
 * How sums about shifts are added, and made means and centred cross-products: mean = a + b/W, C = c − b bᵀ/W, both in
 * double-double.
 */
export interface Quantities<Q> {
  read(value: DatabaseValue): Q;
  add(a: Q, b: Q): Q;
  readonly zero: Q;
  /** Σw as double-double. */
  weight(w: Q): DoubleDouble;
  mean(b: Q, w: Q, i: number): DoubleDouble;
  product(c: Q, bi: Q, bj: Q, w: Q, i: number, j: number): DoubleDouble;
}

const ZERO = new DoubleDouble(0);

/** Sums in double, which only their own rounding has touched. */
export function doubleSums(shifts: readonly number[]): Quantities<DoubleDouble> {
  return {
    zero: ZERO,
    read: (value) => (value === null ? ZERO : new DoubleDouble(finite(Number(value)))),
    add: (a, b) => a.add(b),
    weight: (w) => w,
    mean: (b, w, i) => b.div(w).add(new DoubleDouble(shifts[i]!)),
    product: (c, bi, bj, w) => c.sub(bi.mul(bj).div(w)),
  };
}

/** Exact sums of integers, those of number i scaled by 2^s_i. */
export function integerSums(shifts: readonly number[], { scales }: IntegerScale): Quantities<bigint> {
  return {
    zero: 0n,
    read: (value) => (value === null ? 0n : BigInt(value)),
    add: (a, b) => a + b,
    weight: (w) => nearest(w),
    mean: (b, w, i) => scaled(nearest(b).div(nearest(w)), -scales[i]!).add(new DoubleDouble(shifts[i]!)),
    product: (c, bi, bj, w, i, j) =>
      scaled(nearest(w * c - bi * bj).div(nearest(w)), -scales[i]! - scales[j]!),
  };
}

function finite(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new RangeError("a sum is not finite");
}

/** The double-double nearest to an integer. */
function nearest(value: bigint): DoubleDouble {
  const hi = Number(value);
  return DoubleDouble.sum(hi, Number(value - BigInt(hi)));
}

/** x 2^power, in two steps, for 2^power alone may be beyond a double. */
function scaled(x: DoubleDouble, power: number): DoubleDouble {
  const half = Math.trunc(power / 2);
  const [first, second] = [2 ** half, 2 ** (power - half)];
  return new DoubleDouble(x.hi * first * second, x.lo * first * second);
}
