// Powers of five to 128 bits, shared by reading (Eisel–Lemire) and writing (Schubfach) of decimals.

export const MIN_POWER: i32 = -342;
export const MAX_POWER: i32 = 324;

const table: usize = memory.data(16 * (324 + 342 + 1), 16);
const limbs: usize = memory.data(4 * 9, 4);

/** Powers of ten that are exact doubles, 10⁰ to 10²². */
const tens: usize = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
  1e20, 1e21, 1e22,
]);

// @ts-ignore: decorator
@inline
export function powerOfTen(exponent: i32): f64 {
  return load<f64>(tens + (exponent << 3));
}

/** 10⁰ to 10¹⁶ as integers. */
const integerTens: usize = memory.data<u64>([
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
  1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000,
]);

// @ts-ignore: decorator
@inline
export function integerTen(exponent: i32): u64 {
  return load<u64>(integerTens + (exponent << 3));
}

/**
 * The address of 5^q, scaled to 2^127 <= m < 2^128 and rounded down: the high u64, then the low one.
 * For −27 <= q <= −1 the low one is rounded up, which Eisel–Lemire's proof needs.
 */
// @ts-ignore: decorator
@inline
export function powerOfFive(q: i32): usize {
  return table + ((q - MIN_POWER) << 4);
}

/** Limb 1 (lowest) to 8 (highest) hold the number, limb 0 is room for the bits that division shifts up. */
// @ts-ignore: decorator
@inline
function limb(i: i32): usize {
  return limbs + (i << 2);
}

function setOne(): void {
  for (let i = 0; i < 8; i++) store<u32>(limb(i), 0);
  store<u32>(limb(8), 0x80000000);
}

function keep(q: i32, up: u64): void {
  const entry = powerOfFive(q);
  store<u64>(entry, ((<u64>load<u32>(limb(8))) << 32) | load<u32>(limb(7)));
  store<u64>(entry, (((<u64>load<u32>(limb(6))) << 32) | load<u32>(limb(5))) + up, 8);
}

/**
 * Fills the table by 256-bit multiplications and divisions by five: each step loses less than 2⁻²⁵⁵ of the
 * number, so the 128 bits kept are exact (a test compares all of them with BigInt). Ten microseconds, against
 * 10 KB more in the file.
 */
export function initPowers(): void {
  setOne();
  keep(0, 0);
  for (let q = 1; q <= MAX_POWER; q++) {
    let carry: u64 = 0;
    for (let i = 1; i <= 8; i++) {
      carry += <u64>load<u32>(limb(i)) * 5;
      store<u32>(limb(i), <u32>carry);
      carry >>= 32;
    }
    const shift = 32 - clz(<u32>carry);
    let above = <u32>carry;
    for (let i = 8; i >= 1; i--) {
      const here = load<u32>(limb(i));
      store<u32>(limb(i), (here >> shift) | (above << (32 - shift)));
      above = here;
    }
    keep(q, 0);
  }
  setOne();
  for (let q = -1; q >= MIN_POWER; q--) {
    let rest: u64 = 0;
    for (let i = 8; i >= 0; i--) {
      rest = (rest << 32) | (i > 0 ? load<u32>(limb(i)) : 0);
      store<u32>(limb(i), <u32>(rest / 5));
      rest %= 5;
    }
    const shift = clz(load<u32>(limb(8)));
    for (let i = 8; i >= 1; i--) {
      store<u32>(limb(i), (load<u32>(limb(i)) << shift) | (load<u32>(limb(i - 1)) >> (32 - shift)));
    }
    keep(q, u64(q >= -27));
  }
}

/** The high 64 bits of a·b; the low ones are the wrapping product. */
// @ts-ignore: decorator
@inline
export function multiplyHigh(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const low = a0 * b0;
  const middle = a1 * b0 + (low >> 32);
  const cross = a0 * b1 + (middle & 0xffffffff);
  return a1 * b1 + (middle >> 32) + (cross >> 32);
}
