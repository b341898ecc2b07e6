// Doubles to the shortest decimals that read back to them.
import { LF } from "./bytes";
import { integerTen, multiplyHigh, powerOfFive } from "./powers";

/** Vectors that `sixteen` needs: 5243, 100, 103, 10, and the characters of sixteen zeros. */
const vectors: usize = memory.data(80, 16);
/** 0 to 31: read at k, the shuffle that moves a vector down by k characters. */
const slide: usize = memory.data(32, 16);

/** Fills the tables. */
export function initFormat(): void {
  v128.store(vectors, i32x4.splat(5243));
  v128.store(vectors, i32x4.splat(100), 16);
  v128.store(vectors, i16x8.splat(103), 32);
  v128.store(vectors, i16x8.splat(10), 48);
  v128.store(vectors, i8x16.splat(0x30), 64);
  for (let i = 0; i < 32; i++) store<u8>(slide + i, i);
}

/** The decimal that `shortest` found is its result times ten to this power. */
let exponent: i32 = 0;

/** The integer part of a product over 2¹²⁸, its lowest bit set where there is a fraction (rounding to odd). */
// @ts-ignore: decorator
@inline
function roundToOdd(top: u64, middle: u64): u64 {
  // The power is less than one unit too large, which must not count as a fraction.
  return top | u64(middle > 1);
}

/**
 * The digits of the shortest decimal in the rounding interval of the double c·2^q, the closest one if several are
 * as short, the even one of two as close. Source: Giulietti 2020, "The Schubfach way to render doubles"; here with
 * 128-bit powers, and without its minimum of two digits.
 */
function shortest(c: u64, q: i32, irregular: bool): u64 {
  const even = (c & 1) == 0;
  const k = (q * 1262611 - (irregular ? 524031 : 0)) >> 22;
  const h = q + ((-k * 1741647) >> 19) + 1;
  const power = powerOfFive(-k);
  let high = load<u64>(power);
  let low = load<u64>(power, 8);
  // The table rounds down, and this needs the power rounded up: it is exact up to 5⁵⁵, and up already from −27 on.
  if (k > 27 || k < -55) {
    low++;
    if (low == 0) high++;
  }
  // 4c·10^−k as 192 bits, and 2·10^−k, half an interval, or 10^−k, half the narrower one below a power of two.
  const c4 = c << (2 + h);
  const p0 = low * c4;
  const carry = multiplyHigh(low, c4);
  const p1 = high * c4 + carry;
  const p2 = multiplyHigh(high, c4) + u64(p1 < carry);
  const up0 = low << (h + 1);
  const up1 = (high << (h + 1)) | (low >> (63 - h));
  const up2 = high >> (63 - h);
  let s0 = p0 + up0;
  const c0 = u64(s0 < p0);
  let s1 = p1 + up1;
  let c1 = u64(s1 < p1);
  s1 += c0;
  c1 += u64(s1 < c0);
  const upper = roundToOdd(p2 + up2 + c1, s1) - u64(!even);
  const narrow = i32(irregular);
  const down0 = low << (h + 1 - narrow);
  const down1 = (high << (h + 1 - narrow)) | (low >> (63 - h + narrow));
  const down2 = high >> (63 - h + narrow);
  s0 = p1 - down1;
  const b0 = u64(p0 < down0);
  const b1 = u64(p1 < down1) + u64(s0 < b0);
  const lower = roundToOdd(p2 - down2 - b1, s0 - b0) + u64(!even);
  const middle = roundToOdd(p2, p1);
  const s = middle >> 2;
  // Whether a digit less will do is as good as random: no branches.
  const t = s / 10;
  const below10 = lower <= 40 * t;
  const above10 = 40 * t + 40 <= upper;
  const shorter = i32(below10 != above10) & i32(s >= 10);
  const below = lower <= 4 * s;
  const above = 4 * s + 4 <= upper;
  const half = 4 * s + 2;
  const nearer = i32(middle > half) | (i32(middle == half) & <i32>(s & 1));
  const up = select<i32>(i32(above), nearer, below != above);
  exponent = k + shorter;
  return select<u64>(t + u64(above10), s + <u64>up, shorter);
}

/** Sixteen digits as characters: of `high` < 10⁸, then of `low` < 10⁸. */
// @ts-ignore: decorator
@inline
function sixteen(high: u32, low: u32): v128 {
  const a = high / 10000;
  const c = low / 10000;
  // Fours to twos to ones: x·5243 >> 19 is x / 100 below 10000, x·103 >> 10 is x / 10 below 100.
  let fours = i32x4.splat(<i32>a);
  fours = i32x4.replace_lane(fours, 1, high - a * 10000);
  fours = i32x4.replace_lane(fours, 2, c);
  fours = i32x4.replace_lane(fours, 3, low - c * 10000);
  const hundreds = i32x4.shr_u(i32x4.mul(fours, v128.load(vectors)), 19);
  const twos = v128.or(
    hundreds,
    i32x4.shl(i32x4.sub(fours, i32x4.mul(hundreds, v128.load(vectors, 16))), 16),
  );
  const tens = i16x8.shr_u(i16x8.mul(twos, v128.load(vectors, 32)), 10);
  const ones = i16x8.sub(twos, i16x8.mul(tens, v128.load(vectors, 48)));
  return v128.or(v128.or(tens, i16x8.shl(ones, 8)), v128.load(vectors, 64));
}

/** How many digits a positive integer below 10¹⁷ has. */
// @ts-ignore: decorator
@inline
function decimalLength(x: u64): i32 {
  const guess = ((64 - <i32>clz(x)) * 1233) >> 12; // bits · log₁₀ 2
  return guess + i32(guess < 17 && x >= integerTen(guess));
}

function putWord(at: usize, negative: bool, infinite: bool): usize {
  if (!infinite) {
    store<u32>(at, 0x4e614e); // NaN
    return at + 3;
  }
  if (negative) store<u8>(at++, 0x2d);
  store<u64>(at, 0x7974696e69666e49); // Infinity
  return at + 8;
}

/** Writes String(x) at `at`, of which 56 bytes may change, and returns its end. */
function putNumber(at: usize, x: f64): usize {
  const bits = reinterpret<u64>(x);
  const biased = <i32>((bits >> 52) & 0x7ff);
  const fraction = bits & 0xfffffffffffff;
  const negative = bits >> 63 != 0;
  if (biased == 0x7ff) return putWord(at, negative, fraction == 0);
  if ((bits << 1) == 0) {
    store<u8>(at, 0x30);
    return at + 1;
  }
  if (negative) store<u8>(at++, 0x2d);
  let decimal: u64;
  const c = biased ? fraction | 0x10000000000000 : fraction;
  const q = (biased ? biased : 1) - 1075;
  if (q <= 0 && q > -53 && (c & (((<u64>1) << -q) - 1)) == 0) {
    // An integer below 2⁵³: all its digits are needed.
    decimal = c >> -q;
    exponent = 0;
  } else decimal = shortest(c, q, fraction == 0 && biased > 1);

  // The decimal as d.ddd…, one digit and sixteen more; `count` is how many of the 17 it takes.
  const length = decimalLength(decimal);
  decimal *= integerTen(17 - length);
  const front = <u32>(decimal / 100000000);
  const first = front / 100000000;
  const rest = sixteen(front - first * 100000000, <u32>(decimal - <u64>front * 100000000));
  const count = 33 - <i32>clz(i8x16.bitmask(i8x16.ne(rest, v128.load(vectors, 64))));
  /** Digits before the point, where the number is written without an exponent. */
  const n = length + exponent;
  if (n > 0 && n <= 21) {
    store<u8>(at, 0x30 + first);
    v128.store(at, rest, 1);
    if (n >= count) {
      store<u32>(at, 0x30303030, 17);
      return at + n;
    }
    store<u8>(at + n, 0x2e);
    v128.store(at + n, i8x16.swizzle(rest, v128.load(slide + n - 1)), 1);
    return at + count + 1;
  }
  if (n > -6 && n <= 0) {
    store<u64>(at, 0x3030303030302e30); // 0.000000
    at += 2 - n;
    store<u8>(at, 0x30 + first);
    v128.store(at, rest, 1);
    return at + count;
  }
  store<u8>(at, 0x30 + first);
  if (count > 1) {
    store<u8>(at, 0x2e, 1);
    v128.store(at, rest, 2);
    at++;
  }
  at += count;
  let e = n - 1;
  store<u16>(at, e < 0 ? 0x2d65 : 0x2b65); // e- or e+
  at += 2;
  if (e < 0) e = -e;
  if (e >= 100) store<u8>(at++, 0x30 + e / 100);
  if (e >= 10) store<u8>(at++, 0x30 + ((e / 10) % 10));
  store<u8>(at, 0x30 + (e % 10));
  return at + 1;
}

/**
 * Writes rows of numbers as CSV: column j, row r at values + j·strideBytes + 8r, each as JavaScript's String(x) has
 * it, delimiters between them and LF after each row. `spans`, if not 0, has two addresses (i32) per row, and the
 * bytes between them go before the row's numbers. `out` has room for the spans, 25 bytes per number, a delimiter
 * per row and 64 bytes more. Returns the end of what was written.
 */
export function formatRows(
  values: usize,
  rows: i32,
  columns: i32,
  strideBytes: usize,
  spans: usize,
  delimiter: u32,
  out: usize,
): usize {
  for (let r = 0; r < rows; r++) {
    if (spans) {
      const from = load<u32>(spans + (<usize>r << 3));
      const length = load<u32>(spans + (<usize>r << 3), 4) - from;
      memory.copy(out, from, length);
      out += length;
      store<u8>(out++, delimiter);
    }
    let place = values + (<usize>r << 3);
    for (let j = 0; j < columns; j++, place += strideBytes) {
      out = putNumber(out, load<f64>(place));
      store<u8>(out++, delimiter);
    }
    store<u8>(out - 1, LF);
  }
  return out;
}
