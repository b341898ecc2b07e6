/** An exact fraction of BigInts, for tests: what double arithmetic should have given. */
export class Rational {
  readonly num: bigint;
  readonly den: bigint;

  constructor(num: bigint, den = 1n) {
    this.num = den < 0n ? -num : num;
    this.den = den < 0n ? -den : den;
  }

  /** The exact value of a finite double. */
  static from(x: number): Rational {
    let exponent = 0;
    let mantissa = x;
    while (!Number.isInteger(mantissa)) {
      mantissa *= 2;
      exponent++;
    }
    return new Rational(BigInt(mantissa), 1n << BigInt(exponent));
  }

  add(o: Rational): Rational {
    return new Rational(this.num * o.den + o.num * this.den, this.den * o.den);
  }

  sub(o: Rational): Rational {
    return this.add(new Rational(-o.num, o.den));
  }

  mul(o: Rational): Rational {
    return new Rational(this.num * o.num, this.den * o.den);
  }

  div(o: Rational): Rational {
    return new Rational(this.num * o.den, this.den * o.num);
  }

  isZero(): boolean {
    return this.num === 0n;
  }

  /** |this / scale|, to about 60 bits; fine for comparing errors with bounds. */
  over(scale: Rational): number {
    const r = this.div(scale);
    const num = r.num < 0n ? -r.num : r.num;
    const shift = BigInt(Math.max(0, num.toString(2).length - r.den.toString(2).length));
    const scaled = (num << 1100n) / r.den;
    return shift > 900n ? Infinity : ratio(scaled);
  }
}

function ratio(scaled: bigint): number {
  const bits = scaled.toString(2).length;
  const drop = Math.max(0, bits - 60);
  return Number(scaled >> BigInt(drop)) * 2 ** (drop - 1100);
}
