/** Dekker's splitting constant, 2^27 + 1: half the bits of a double, rounded up. */
const SPLITTER = 134217729;

/**
 * An unevaluated sum hi + lo of two doubles with |lo| ≤ ulp(hi)/2: about 106 bits.
 *
 * Written without a fused multiply-add, which JavaScript does not have. Operands of a product must stay below
 * about 1e300 in magnitude (the splitting multiplies by 2^27), and a product must stay above about 1e-290 for its
 * low part not to underflow. Source: Dekker 1971; Hida, Li & Bailey 2001; Joldes, Muller & Popescu 2017.
 */
export class DoubleDouble {
  readonly hi: number;
  readonly lo: number;

  constructor(hi: number, lo = 0) {
    this.hi = hi;
    this.lo = lo;
  }

  /** a + b, exactly, of two doubles. */
  static sum(a: number, b: number): DoubleDouble {
    const s = a + b;
    return new DoubleDouble(s, sumError(a, b, s));
  }

  /** a · b, exactly, of two doubles. */
  static product(a: number, b: number): DoubleDouble {
    const p = a * b;
    return new DoubleDouble(p, productError(a, b, p));
  }

  /** this + other, relative error at most 3·2⁻¹⁰⁶ (accurate addition, also under cancellation). */
  add(other: DoubleDouble): DoubleDouble {
    const s = this.hi + other.hi;
    const t = this.lo + other.lo;
    const high = fastSum(s, sumError(this.hi, other.hi, s) + t);
    return fastSum(high.hi, high.lo + sumError(this.lo, other.lo, t));
  }

  /** −this. */
  negate(): DoubleDouble {
    return new DoubleDouble(-this.hi, -this.lo);
  }

  /** this − other. */
  sub(other: DoubleDouble): DoubleDouble {
    return this.add(other.negate());
  }

  /** this · other, relative error at most 8·2⁻¹⁰⁶. */
  mul(other: DoubleDouble): DoubleDouble {
    const p = this.hi * other.hi;
    return fastSum(p, productError(this.hi, other.hi, p) + (this.hi * other.lo + this.lo * other.hi));
  }

  /** this / other, by two steps of long division. */
  div(other: DoubleDouble): DoubleDouble {
    const q = this.hi / other.hi;
    if (!Number.isFinite(q) || q === 0) return new DoubleDouble(q);
    const first = this.sub(other.mul(new DoubleDouble(q)));
    const r = first.hi / other.hi;
    const second = first.sub(other.mul(new DoubleDouble(r)));
    return fastSum(q, r).add(new DoubleDouble(second.hi / other.hi));
  }

  /** √this, by one Newton step from the double's root; NaN below zero. */
  sqrt(): DoubleDouble {
    const x = Math.sqrt(this.hi);
    if (!(x > 0) || x === Infinity) return new DoubleDouble(x);
    const rest = this.sub(DoubleDouble.product(x, x));
    return fastSum(x, rest.hi / (2 * x));
  }

  /** The nearest double. */
  toNumber(): number {
    return this.hi + this.lo;
  }
}

/** The rounding error of s = fl(a + b), exactly, whichever is larger (Knuth's TwoSum). */
export function sumError(a: number, b: number, s: number): number {
  const bb = s - a;
  return a - (s - bb) + (b - bb);
}

/** The rounding error of p = fl(a · b), exactly (Dekker's TwoProduct with Veltkamp's splitting). */
export function productError(a: number, b: number, p: number): number {
  const ca = SPLITTER * a;
  const ah = ca - (ca - a);
  const al = a - ah;
  const cb = SPLITTER * b;
  const bh = cb - (cb - b);
  const bl = b - bh;
  return al * bl - (p - ah * bh - al * bh - ah * bl);
}

/** hi + lo renormalised, for |hi| ≥ |lo| (FastTwoSum). */
function fastSum(hi: number, lo: number): DoubleDouble {
  const s = hi + lo;
  return new DoubleDouble(s, lo - (s - hi));
}

/** (hi[k], lo[k]) += (bh, bl), in place, without allocating. */
export function addAt(hi: Float64Array, lo: Float64Array, k: number, bh: number, bl: number): void {
  const ah = hi[k]!;
  const al = lo[k]!;
  const s = ah + bh;
  const t = al + bl;
  const v = sumError(ah, bh, s) + t;
  const high = s + v;
  const low = v - (high - s) + sumError(al, bl, t);
  const sum = high + low;
  hi[k] = sum;
  lo[k] = low - (sum - high);
}

/** (hi[k], lo[k]) += (ah, al) · (bh, bl), in place, without allocating. */
export function addProductAt(
  hi: Float64Array,
  lo: Float64Array,
  k: number,
  ah: number,
  al: number,
  bh: number,
  bl: number,
): void {
  const p = ah * bh;
  const e = productError(ah, bh, p) + (ah * bl + al * bh);
  const s = p + e;
  addAt(hi, lo, k, s, e - (s - p));
}
