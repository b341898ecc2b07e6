// Doubles to the shortest decimals that read back to them.
import { LF } from "./bytes";
import { multiplyHigh, powerOfFive } from "./powers";

/** "00" to "99". */
const pairs: usize = memory.data(200);
/** Where digits are put before they are laid out: 17 of them, and zeros that copies may run into. */
const digits: usize = memory.data(48);

/** Fills the table of digit pairs. */
export function initPairs(): void {
  for (let i = 0; i < 100; i++) {
    store<u8>(pairs + 2 * i, 0x30 + i / 10);
    store<u8>(pairs + 2 * i, 0x30 + (i % 10), 1);
  }
}

/** The decimal that `shortest` found is its result times ten to this power. */
let exponent: i32 = 0;

/** ⌊g·c / 2¹²⁸⌋ with its lowest bit set where that is not exact (rounding to odd). */
// @ts-ignore: decorator
@inline
function roundToOdd(high: u64, low: u64, c: u64): u64 {
  const x = multiplyHigh(low, c);
  const y = high * c + x;
  const top = multiplyHigh(high, c) + u64(y < x);
  return top | u64(y > 1);
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
  const c4 = c << 2;
  const lower = roundToOdd(high, low, (c4 - 2 + u64(irregular)) << h) + u64(!even);
  const middle = roundToOdd(high, low, c4 << h);
  const upper = roundToOdd(high, low, (c4 + 2) << h) - u64(!even);
  const s = middle >> 2;
  if (s >= 10) {
    const t = s / 10;
    const below = lower <= 40 * t;
    const above = 40 * t + 40 <= upper;
    if (below != above) {
      exponent = k + 1;
      return t + u64(above);
    }
  }
  exponent = k;
  const below = lower <= 4 * s;
  const above = 4 * s + 4 <= upper;
  if (below != above) return s + u64(above);
  const half = 4 * s + 2;
  return s + u64(middle > half || (middle == half && (s & 1) == 1));
}

// @ts-ignore: decorator
@inline
function putPair(at: usize, value: u32): void {
  store<u16>(at, load<u16>(pairs + (value << 1)));
}

// @ts-ignore: decorator
@inline
function putEight(at: usize, value: u32): void {
  const top = value / 10000;
  const rest = value % 10000;
  putPair(at, top / 100);
  putPair(at + 2, top % 100);
  putPair(at + 4, rest / 100);
  putPair(at + 6, rest % 100);
}

// @ts-ignore: decorator
@inline
function copy24(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  store<u64>(to + 16, load<u64>(from + 16));
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

  const top = decimal / 100000000;
  const front = <u32>(top / 100000000);
  store<u8>(digits, 0x30 + front);
  putEight(digits + 1, <u32>(top - <u64>front * 100000000));
  putEight(digits + 9, <u32>(decimal - top * 100000000));
  let from = digits;
  while (load<u8>(from) == 0x30) from++;
  let end = digits + 17;
  while (load<u8>(end - 1) == 0x30) end--;
  const count = <i32>(end - from);
  /** Digits before the point, where the number is written without an exponent. */
  const n = <i32>(digits + 17 - from) + exponent;
  if (n > 0 && n <= 21) {
    if (n >= count) {
      copy24(at, from);
      for (let i = count; i < n; i++) store<u8>(at + i, 0x30);
      return at + n;
    }
    copy24(at, from);
    store<u8>(at + n, 0x2e);
    copy24(at + n + 1, from + n);
    return at + count + 1;
  }
  if (n > -6 && n <= 0) {
    store<u64>(at, 0x3030303030302e30); // 0.000000
    copy24(at + 2 - n, from);
    return at + 2 - n + count;
  }
  store<u8>(at++, load<u8>(from));
  if (count > 1) {
    store<u8>(at++, 0x2e);
    copy24(at, from + 1);
    at += count - 1;
  }
  let e = n - 1;
  store<u16>(at, e < 0 ? 0x2d65 : 0x2b65); // e- or e+
  at += 2;
  if (e < 0) e = -e;
  if (e >= 100) {
    store<u8>(at++, 0x30 + e / 100);
    putPair(at, e % 100);
    return at + 2;
  }
  if (e >= 10) {
    putPair(at, e);
    return at + 2;
  }
  store<u8>(at, 0x30 + e);
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
