import { DoubleDouble, productError, sumError } from "./double-double.js";

/** What is known of a column of numbers: plain data, so that it can leave a worker. */
export interface PowerSumsData {
  n: number;
  least: number;
  most: number;
  /** What the powers are about: one of the values. */
  origin: number;
  /** Σ (x − origin)^k for k = 0 … as far as asked for, high and low parts. */
  hi: number[];
  lo: number[];
}

/**
 * Sums of the powers 1 to `degree` of a column about one of its values, in double-double arithmetic (about 106 bits), with
 * its least and greatest value. Values that are not finite are passed over.
 */
export class PowerSums {
  n = 0;
  least = Number.POSITIVE_INFINITY;
  most = Number.NEGATIVE_INFINITY;
  origin = 0;
  readonly #hi: Float64Array;
  readonly #lo: Float64Array;

  constructor(degree: number) {
    this.#hi = new Float64Array(degree + 1);
    this.#lo = new Float64Array(degree + 1);
  }

  static of({ n, least, most, origin, hi, lo }: PowerSumsData): PowerSums {
    const sums = new PowerSums(hi.length - 1);
    Object.assign(sums, { n, least, most, origin });
    sums.#hi.set(hi);
    sums.#lo.set(lo);
    return sums;
  }

  add(x: number): void {
    if (!Number.isFinite(x)) return;
    if (this.n++ === 0) this.origin = x;
    if (x < this.least) this.least = x;
    if (x > this.most) this.most = x;
    const [hi, lo] = [this.#hi, this.#lo];
    const u = x - this.origin;
    const ul = sumError(x, -this.origin, u);
    let p = u;
    let pl = ul;
    for (let k = 1; k < hi.length; k++) {
      if (k > 1) {
        const q = p * u;
        const error = productError(p, u, q) + (p * ul + pl * u);
        p = q + error;
        pl = error - (p - q);
      }
      const s = hi[k]! + p;
      const error = sumError(hi[k]!, p, s) + (lo[k]! + pl);
      hi[k] = s + error;
      lo[k] = error - (hi[k]! - s);
    }
    hi[0] = this.n;
  }

  /** Adds those of later rows, about the origin of these. */
  merge(later: PowerSums): this {
    if (later.n === 0) return this;
    if (this.n === 0) this.origin = later.origin;
    const moved = later.about(this.origin);
    this.n += later.n;
    this.least = Math.min(this.least, later.least);
    this.most = Math.max(this.most, later.most);
    moved.forEach((sum, k) => {
      const { hi, lo } = new DoubleDouble(this.#hi[k], this.#lo[k]).add(sum);
      this.#hi[k] = hi;
      this.#lo[k] = lo;
    });
    return this;
  }

  /** Σ (x − at)^k for every k: by the binomial theorem. */
  about(at: number): DoubleDouble[] {
    const own = Array.from(this.#hi, (hi, k) => new DoubleDouble(hi, this.#lo[k]));
    const shift = DoubleDouble.sum(this.origin, -at);
    // (x − at)^k from those of lower powers, one factor after the other: Pascal's triangle with shifts.
    for (let step = 1; step < own.length; step++)
      for (let k = own.length - 1; k >= step; k--) own[k] = own[k]!.add(own[k - 1]!.mul(shift));
    return own;
  }

  data(): PowerSumsData {
    const { n, least, most, origin } = this;
    return { n, least, most, origin, hi: [...this.#hi], lo: [...this.#lo] };
  }
}
