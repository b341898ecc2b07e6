// Counting rows and quotes of a chunk without knowing whether it starts within quotes.
import { CR, LF, QUOTE } from "./bytes";

/** One bit per byte of the 64 at `p`: set where the byte equals the splatted one. */
// @ts-ignore: decorator
@inline
function maskOf(a: v128, b: v128, c: v128, d: v128, byte: v128): u64 {
  return (
    <u64>(<u32>i8x16.bitmask(i8x16.eq(a, byte))) |
    ((<u64>(<u32>i8x16.bitmask(i8x16.eq(b, byte)))) << 16) |
    ((<u64>(<u32>i8x16.bitmask(i8x16.eq(c, byte)))) << 32) |
    ((<u64>(<u32>i8x16.bitmask(i8x16.eq(d, byte)))) << 48)
  );
}

/** One bit per byte of the 64: set where it is NUL or not ASCII, which need a closer look. */
// @ts-ignore: decorator
@inline
function closerLook(a: v128, b: v128, c: v128, d: v128): u64 {
  const high =
    <u64>(<u32>i8x16.bitmask(a)) |
    ((<u64>(<u32>i8x16.bitmask(b))) << 16) |
    ((<u64>(<u32>i8x16.bitmask(c))) << 32) |
    ((<u64>(<u32>i8x16.bitmask(d))) << 48);
  return high | maskOf(a, b, c, d, i8x16.splat(0));
}

/** Whether one of the bytes [p, end) is NUL or not ASCII; 64 more bytes must be readable. */
export function hasSpecial(p: usize, end: usize): i32 {
  for (; p < end; p += 64) {
    const marks = closerLook(v128.load(p), v128.load(p, 16), v128.load(p, 32), v128.load(p, 48));
    const valid: u64 = p + 64 > end ? ((<u64>1) << (end - p)) - 1 : ~0;
    if (marks & valid) return 1;
  }
  return 0;
}

/** Bit i of the result is the exclusive or of bits 0..i. */
// @ts-ignore: decorator
@inline
function prefixXor(x: u64): u64 {
  x ^= x << 1;
  x ^= x << 2;
  x ^= x << 4;
  x ^= x << 8;
  x ^= x << 16;
  return x ^ (x << 32);
}

/**
 * Counts over the bytes [ptr, ptr + len): writes five i32 to `out`: rows that start there if the chunk starts
 * outside quotes, rows that start there if it starts inside, line feeds, the parity of quotes, and 1 where a byte is
 * NUL or not ASCII.
 *
 * A row starts at byte i if byte i − 1 is LF outside quotes and the line is not blank: byte i is not LF, nor CR
 * before LF or before the zero past the end. ptr[−1] (LF at the start of data) and ptr[len], ptr[len + 1] (zero
 * past the end) are read; 64 more bytes must be readable, whatever they hold.
 */
export function countRows(ptr: usize, len: usize, out: usize): void {
  const feeds = i8x16.splat(<i8>LF);
  const returns = i8x16.splat(<i8>CR);
  const quotes = i8x16.splat(<i8>QUOTE);
  const end = ptr + len;
  let outside: i64 = 0;
  let either: i64 = 0;
  let lines: i64 = 0;
  // All bytes or-ed together have a high bit where one has; the least of them is 0 where one is.
  let union = i8x16.splat(0);
  let least = i8x16.splat(1);
  let special: u64 = 0;
  let inside: u64 = 0; // all ones where the bytes so far leave us within quotes, had we started outside
  let feedBefore: u64 = u64(load<u8>(ptr - 1) == LF);
  let outsideFeedBefore: u64 = feedBefore;
  for (let p = ptr; p < end; p += 64) {
    const a = v128.load(p);
    const b = v128.load(p, 16);
    const c = v128.load(p, 32);
    const d = v128.load(p, 48);
    let feed = maskOf(a, b, c, d, feeds);
    const cr = maskOf(a, b, c, d, returns);
    let quote = maskOf(a, b, c, d, quotes);
    let valid: u64 = ~0;
    if (p + 64 > end) {
      valid = ((<u64>1) << (end - p)) - 1;
      special = closerLook(a, b, c, d) & valid;
    } else {
      union = v128.or(v128.or(v128.or(a, b), v128.or(c, d)), union);
      least = i8x16.min_u(i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d)), least);
    }
    let blank = feed;
    const after = <u64>load<u8>(p, 64);
    if (cr) blank |= cr & ((feed >> 1) | (u64(after == LF) << 63));
    // A CR that ends the data stands before the zero there, and is a blank line's end.
    if (p + 64 >= end) blank |= (u64(load<u8>(end) == 0) << (end - 1 - p)) & cr;
    blank = ~blank & valid;
    feed &= valid;
    quote &= valid;
    let within = inside;
    if (quote) within ^= prefixXor(quote);
    const outsideFeed = feed & ~within;
    either += popcnt(((feed << 1) | feedBefore) & blank);
    outside += popcnt(((outsideFeed << 1) | outsideFeedBefore) & blank);
    lines += popcnt(feed);
    feedBefore = feed >> 63;
    outsideFeedBefore = outsideFeed >> 63;
    inside = <u64>(<i64>within >> 63);
    // The last, partial block: bits past the end repeat the state of the last valid one, as quote is masked.
  }
  store<i32>(out, <i32>outside);
  store<i32>(out, <i32>(either - outside), 4);
  store<i32>(out, <i32>lines, 8);
  store<i32>(out, <i32>(inside & 1), 12);
  store<i32>(out, i32(special != 0 || i8x16.bitmask(union) != 0 || !i8x16.all_true(least)), 16);
}

/** The offset of the first row start in [ptr, ptr + len), or len; `insideQuote` is 1 if ptr is within quotes. */
export function findRowStart(ptr: usize, len: usize, insideQuote: u32): usize {
  const end = ptr + len;
  let within = insideQuote;
  let before: u32 = load<u8>(ptr - 1);
  for (let p = ptr; p < end; p++) {
    const c: u32 = load<u8>(p);
    if (before == LF && !within && c != LF) {
      const next: u32 = load<u8>(p + 1);
      if (c != CR || (next != LF && (next != 0 || p + 1 != end))) return p - ptr;
    }
    if (c == QUOTE) within ^= 1;
    before = c;
  }
  return len;
}
