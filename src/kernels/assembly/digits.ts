// Decimal digits to integers, sixteen at a time.

// Vectors are read from memory: the compiler would put constants together anew at every use.
const DIGIT_SHIFT: usize = 0;
const LAST_DIGIT: usize = 16;
const ZEROS: usize = 32;
const POINTS: usize = 48;
const PAIR: usize = 64;
const HUNDREDS: usize = 80;
const MYRIADS: usize = 96;
const PLACES: usize = 112;
const DECIMAL_SHIFT: usize = 128;
const LAST_DECIMAL: usize = 144;
const COMMAS: usize = 160;
const TWOS: usize = 176;
const vectors: usize = memory.data(192, 16);

/** For a point at `whole` and an end at `length`, which character goes to which of the last places of a vector. */
const shuffles: usize = memory.data(16 * 256, 16);

/** Fills the tables. */
export function initDigits(): void {
  // '0' to '9' become −128 to −119, everything else is above.
  v128.store(vectors + DIGIT_SHIFT, i8x16.splat(0x50));
  v128.store(vectors + LAST_DIGIT, i8x16.splat(-119));
  // And '-' to '9' become −128 to −116.
  v128.store(vectors + DECIMAL_SHIFT, i8x16.splat(0x53));
  v128.store(vectors + LAST_DECIMAL, i8x16.splat(-116));
  v128.store(vectors + ZEROS, i8x16.splat(0x30));
  v128.store(vectors + POINTS, i8x16.splat(0x2e));
  v128.store(vectors + COMMAS, i8x16.splat(0x2c));
  v128.store(vectors + TWOS, i8x16.splat(2));
  // Little-endian pairs: a + 256 b times 10·256 + 1 has 10 a + b in its upper byte.
  v128.store(vectors + PAIR, i16x8.splat(2561));
  v128.store(vectors + HUNDREDS, i16x8(100, 1, 100, 1, 100, 1, 100, 1));
  v128.store(vectors + MYRIADS, i16x8(10000, 1, 10000, 1, 10000, 1, 10000, 1));
  for (let i = 0; i < 16; i++) store<u8>(vectors + PLACES + i, i);
  for (let whole = 0; whole < 16; whole++) {
    for (let length = whole; length < 16; length++) {
      const row = shuffles + (<usize>((whole << 4) | length) << 4);
      let place = 15;
      for (let i = length - 1; i >= 0; i--) if (i != whole) store<u8>(row + place--, i);
      while (place >= 0) store<u8>(row + place--, 0x80);
    }
  }
}

/** One bit per character: set where it is no digit. */
// @ts-ignore: decorator
@inline
export function nonDigits(text: v128): i32 {
  const shifted = i8x16.add(text, v128.load(vectors + DIGIT_SHIFT));
  return i8x16.bitmask(i8x16.gt_s(shifted, v128.load(vectors + LAST_DIGIT)));
}

/** One bit per character: set where it is neither minus, point, slash nor digit (which stand in this order). */
// @ts-ignore: decorator
@inline
export function beyondDecimal(text: v128): i32 {
  const shifted = i8x16.add(text, v128.load(vectors + DECIMAL_SHIFT));
  return i8x16.bitmask(i8x16.gt_s(shifted, v128.load(vectors + LAST_DECIMAL)));
}

/** One bit per character: set where it is a point. */
// @ts-ignore: decorator
@inline
export function points(text: v128): i32 {
  return i8x16.bitmask(i8x16.eq(text, v128.load(vectors + POINTS)));
}

/**
 * The text with its points become commas, which no number has, and, with `commas`, its commas become points: that of a
 * number with a decimal comma as one with a point. The two differ in one bit.
 */
// @ts-ignore: decorator
@inline
export function swapPoints(text: v128, commas: bool): v128 {
  let marks = i8x16.eq(text, v128.load(vectors + POINTS));
  if (commas) marks = v128.or(marks, i8x16.eq(text, v128.load(vectors + COMMAS)));
  return v128.xor(text, v128.and(marks, v128.load(vectors + TWOS)));
}

/** The number of sixteen digits, first the most significant, in pairs, fours and eights. */
// @ts-ignore: decorator
@inline
function number(digits: v128): i64 {
  const twos = i16x8.shr_u(i16x8.mul(digits, v128.load(vectors + PAIR)), 8);
  const fours = i32x4.dot_i16x8_s(twos, v128.load(vectors + HUNDREDS));
  const eights = i32x4.dot_i16x8_s(i16x8.narrow_i32x4_s(fours, fours), v128.load(vectors + MYRIADS));
  const both = i64x2.extract_lane(eights, 0);
  return (both & 0xffffffff) * 100000000 + (both >> 32);
}

/**
 * The number that the first `length` < 16 characters of `text` are: a minus or none, `whole` characters up to the
 * point (`whole` = `length` where there is none), and digits.
 */
// @ts-ignore: decorator
@inline
export function digitsOf(text: v128, whole: i32, length: i32): i64 {
  // A minus, which is below '0', becomes a zero.
  const digits = i8x16.sub_sat_u(text, v128.load(vectors + ZEROS));
  return number(i8x16.swizzle(digits, v128.load(shuffles + (<usize>((whole << 4) | length) << 4))));
}

/** The number that the last `count` <= 16 characters of `text` are. */
// @ts-ignore: decorator
@inline
export function lastDigitsOf(text: v128, count: i32): u64 {
  const digits = i8x16.sub_sat_u(text, v128.load(vectors + ZEROS));
  const kept = i8x16.ge_s(v128.load(vectors + PLACES), i8x16.splat(<i8>(16 - count)));
  return number(v128.and(digits, kept));
}
