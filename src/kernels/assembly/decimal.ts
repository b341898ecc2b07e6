// A decimal's text to the nearest double.
import { CR, LF } from "./bytes";
import { lastDigitsOf, nonDigits } from "./digits";
import { integerTen, multiplyHigh, powerOfFive, powerOfTen } from "./powers";

/** What `readDecimal` found. */
export const VALUE: i32 = 0;
/** A number whose rounding is left to the host: subnormal, or more digits than decide it. */
export const UNDECIDED: i32 = 1;
/** Not a number. */
export const BAD: i32 = 2;

/** The character that stands before the fraction. */
export let decimalPoint: u32 = 0x2e;

/** The character between groups of digits; 0 for none. */
let separator: u32 = 0;

export function setMarks(point: u32, between: u32): void {
  decimalPoint = point;
  separator = between;
}

/** The value `readDecimal` read, where it returned VALUE. */
export let decimalValue: f64 = 0;

/**
 * The double nearest to w·10^q, ties to even, or −1 where this method does not say (subnormal results).
 * Source: Lemire 2021, "Number parsing at a gigabyte per second", section 5, with the proof of Mushtak & Lemire
 * 2023 that the 128-bit product always decides. Overflow gives infinity. w must not be zero.
 */
function eiselLemire(w: u64, q: i32): f64 {
  if (q < -326 || q > 308) return -1;
  const zeros = <i32>clz(w);
  w <<= zeros;
  const power = powerOfFive(q);
  const factor = load<u64>(power);
  let low = w * factor;
  let high = multiplyHigh(w, factor);
  if ((high & 0x1ff) == 0x1ff) {
    const correction = multiplyHigh(w, load<u64>(power, 8));
    low += correction;
    if (correction > low) high++;
  }
  const upper = <i32>(high >> 63);
  const shift = upper + 9;
  let mantissa = high >> shift;
  let exponent = ((217706 * q) >> 16) + 63 + upper - zeros + 1023;
  if (exponent <= 0) return -1;
  if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << shift == high) mantissa &= ~1;
  mantissa = (mantissa + (mantissa & 1)) >> 1;
  if (mantissa >= (<u64>1) << 53) {
    mantissa = (<u64>1) << 52;
    exponent++;
  }
  if (exponent >= 0x7ff) return Infinity;
  return reinterpret<f64>((mantissa & 0xfffffffffffff) | ((<u64>exponent) << 52));
}

/** |w·10^q| to the nearest double for w below 10¹⁹, or −1 where the host must say. */
export function scale(w: u64, q: i32): f64 {
  if (w == 0) return 0;
  if (w < (<u64>1) << 53 && q >= -22 && q <= 22) {
    // Both factors are exact doubles, so that one operation rounds once (Clinger 1990).
    const m = <f64>(<i64>w);
    return q < 0 ? m / powerOfTen(-q) : m * powerOfTen(q);
  }
  return eiselLemire(w, q);
}

/**
 * Reads [+-]?(digits[.digits?]|.digits)([eE][+-]?digits)? that fills [p, end) exactly, into `decimalValue`; the point
 * is `decimalPoint`. Digits before it may stand in groups: the last of three, the first of one to three, those between
 * of two or three.
 * An overflow is UNDECIDED, so that the host refuses it with the cell's text.
 */
export function readDecimal(p: usize, end: usize): i32 {
  let negative = false;
  if (p < end) {
    const sign: u32 = load<u8>(p);
    negative = sign == 0x2d;
    if (negative || sign == 0x2b) p++;
  }
  let w: u64 = 0;
  let significant = 0;
  let exponent = 0;
  let digits = 0;
  let cut = false;
  let point = false;
  let group = 0;
  let grouped = false;
  for (; p < end; p++) {
    const c: u32 = load<u8>(p);
    const d = c - 0x30;
    if (d <= 9) {
      digits++;
      group++;
      if (significant < 19) {
        w = w * 10 + d;
        if (w) significant++;
        if (point) exponent--;
      } else {
        cut = cut || d != 0;
        if (!point) exponent++;
      }
    } else if (c == decimalPoint && !point) {
      point = true;
      if (grouped && group != 3) return BAD;
    } else if (c == separator && !point) {
      if (group > 3 || group < 1 + i32(grouped)) return BAD;
      grouped = true;
      group = 0;
    } else break;
  }
  if (grouped && !point && group != 3) return BAD;
  if (!digits) return BAD;
  if (p < end) {
    if ((load<u8>(p) | 0x20) != 0x65) return BAD;
    p++;
    let down = false;
    if (p < end) {
      const sign: u32 = load<u8>(p);
      down = sign == 0x2d;
      if (down || sign == 0x2b) p++;
    }
    if (p >= end) return BAD;
    let e = 0;
    for (; p < end; p++) {
      const d = <u32>load<u8>(p) - 0x30;
      if (d > 9) return BAD;
      if (e < 100000000) e = e * 10 + d;
    }
    // Beyond the cap, no cell that fits into memory has digits enough to make up for the exponent.
    exponent += down ? -e : e;
  }
  let value = scale(w, exponent);
  // Digits past the 19th matter only where the next mantissa rounds to another double.
  if (cut && value != scale(w + 1, exponent)) value = -1;
  if (value < 0 || value == Infinity) return UNDECIDED;
  decimalValue = negative ? -value : value;
  return VALUE;
}

/**
 * Reads digits[.digits][e[sign]digits] of up to 19 digits at `p` that ends at a delimiter or a line end, into
 * `decimalValue`; returns where it ends, 0 for anything else, which says nothing about the cell.
 */
export function readLong(p: usize, delimiter: u32): usize {
  if (decimalPoint == delimiter) return 0;
  const marks = <u32>nonDigits(v128.load(p)) | (<u32>nonDigits(v128.load(p, 16)) << 16);
  const whole = ctz(marks);
  const pointed = i32(load<u8>(p + whole) == decimalPoint);
  const length = pointed ? ctz(marks & (marks - 1)) : whole;
  if (length - pointed > 19 || length == pointed || whole > 16) return 0;
  let stop = p + length;
  let c: u32 = load<u8>(stop);
  let w = lastDigitsOf(v128.load(p + whole - 16), whole);
  let exponent = 0;
  if (pointed) {
    let fraction = length - whole - 1;
    exponent = -fraction;
    if (fraction > 16) {
      w = w * integerTen(fraction - 16) + lastDigitsOf(v128.load(stop - 32), fraction - 16);
      fraction = 16;
    }
    w = w * integerTen(fraction) + lastDigitsOf(v128.load(stop - 16), fraction);
  }
  if ((c | 0x20) == 0x65) {
    c = load<u8>(++stop);
    const down = c == 0x2d;
    if (down || c == 0x2b) c = load<u8>(++stop);
    let e = 0;
    const from = stop;
    for (let d = c - 0x30; d <= 9 && stop - from < 4; d = c - 0x30) {
      e = e * 10 + d;
      c = load<u8>(++stop);
    }
    if (stop == from) return 0;
    exponent += down ? -e : e;
  }
  if (c != delimiter && c != LF && (c != CR || load<u8>(stop, 1) != LF)) return 0;
  const value = scale(w, exponent);
  if (value < 0 || value == Infinity) return 0;
  decimalValue = value;
  return stop;
}
