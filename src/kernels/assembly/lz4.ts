// LZ4's block format (lz4/lz4, doc/lz4_Block_format.md), as the bodies of Arrow files are compressed in it.

/**
 * Decompresses the block [input, input + length) to `to`, behind what `out` holds of blocks before it, of which it may
 * repeat bytes. Every read and write is held to these bounds, for input may be anything. Up to 16 bytes past `outEnd` may
 * be written.
 *
 * @returns the end of what was written; 0 if the block is damaged or gives more than there is room for
 */
export function lz4Decompress(input: usize, length: usize, out: usize, to: usize, outEnd: usize): usize {
  const end = input + length;
  let at = input;
  while (at < end) {
    const token = load<u8>(at++);
    let count: usize = token >> 4;
    if (count == 15) {
      let byte: u8 = 255;
      while (byte == 255) {
        if (at >= end) return 0;
        byte = load<u8>(at++);
        count += byte;
      }
    }
    if (count > <usize>(end - at) || count > <usize>(outEnd - to)) return 0;
    // Most are short, and whole 16 bytes then are faster than a call.
    if (count > 256) memory.copy(to, at, count);
    else for (let i: usize = 0; i < count; i += 16) v128.store(to + i, v128.load(at + i));
    at += count;
    to += count;
    // The last sequence has no copy.
    if (at == end) return to;
    if (at + 2 > end) return 0;
    const offset = <usize>load<u16>(at);
    at += 2;
    count = token & 15;
    if (count == 15) {
      let byte: u8 = 255;
      while (byte == 255) {
        if (at >= end) return 0;
        byte = load<u8>(at++);
        count += byte;
      }
    }
    count += 4;
    if (offset == 0 || offset > <usize>(to - out) || count > <usize>(outEnd - to)) return 0;
    if (offset >= 16) {
      // Whole 16 bytes at a time: what is copied too much is overwritten by what comes next.
      for (let i: usize = 0; i < count; i += 16) v128.store(to + i, v128.load(to - offset + i));
    } else if (offset >= 8) {
      for (let i: usize = 0; i < count; i += 8) store<u64>(to + i, load<u64>(to - offset + i));
    } else {
      for (let i: usize = 0; i < count; i++) store<u8>(to + i, load<u8>(to - offset + i));
    }
    to += count;
  }
  return 0;
}
