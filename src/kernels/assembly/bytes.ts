// Bytes that CSV gives a meaning to, and searches over them, 16 at a time.

export const LF: u32 = 0x0a;
export const CR: u32 = 0x0d;
export const QUOTE: u32 = 0x22;

/** The first byte at or after `p` that is a quote; the caller has put one past the end. */
export function findQuote(p: usize): usize {
  const quotes = i8x16.splat(<i8>QUOTE);
  while (true) {
    const mask = i8x16.bitmask(i8x16.eq(v128.load(p), quotes));
    if (mask) return p + ctz(mask);
    p += 16;
  }
}

/** The first byte at or after `p` that is the delimiter, LF, CR or a quote; an LF stands past the end. */
export function findCellEnd(p: usize, delimiter: u32): usize {
  const delimiters = i8x16.splat(<i8>delimiter);
  const feeds = i8x16.splat(<i8>LF);
  const returns = i8x16.splat(<i8>CR);
  const quotes = i8x16.splat(<i8>QUOTE);
  while (true) {
    const v = v128.load(p);
    const hit = v128.or(
      v128.or(i8x16.eq(v, delimiters), i8x16.eq(v, feeds)),
      v128.or(i8x16.eq(v, returns), i8x16.eq(v, quotes)),
    );
    const mask = i8x16.bitmask(hit);
    if (mask) return p + ctz(mask);
    p += 16;
  }
}
