const view = new DataView(new ArrayBuffer(8));

/** The double with these 64 bits. */
export function fromBits(bits: bigint): number {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

/** The exact decimal of a positive double, or of the middle between it and the next, without an exponent. */
export function exactDecimal(bits: bigint, halfway: boolean): string {
  const biased = bits >> 52n;
  const fraction = bits & 0xfffffffffffffn;
  const mantissa = 2n * (biased === 0n ? fraction : fraction | (1n << 52n)) + (halfway ? 1n : 0n);
  const exponent = (biased === 0n ? 1n : biased) - 1076n;
  if (exponent >= 0n) return (mantissa << exponent).toString();
  const places = Number(-exponent);
  const text = (mantissa * 5n ** -exponent).toString().padStart(places + 1, "0");
  return `${text.slice(0, -places)}.${text.slice(-places)}`;
}

/** A double times 2¹⁰⁷⁴, an integer. */
export function toFixedPoint(x: number): bigint {
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const biased = (bits >> 52n) & 0x7ffn;
  const fraction = bits & 0xfffffffffffffn;
  const magnitude = biased === 0n ? fraction : (fraction | (1n << 52n)) << (biased - 1n);
  return x < 0 ? -magnitude : magnitude;
}
