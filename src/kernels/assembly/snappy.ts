// Snappy's block format (google/snappy, format_description.txt), as Parquet's pages are compressed in it.

/**
 * Decompresses [input, input + length) to exactly `size` bytes at `out`. Every read and write is held to these bounds,
 * for input may be anything. Up to 16 bytes past `out + size` may be written.
 *
 * @returns 1 if the input is whole and gives `size` bytes, else 0
 */
export function snappyDecompress(input: usize, length: usize, out: usize, size: usize): i32 {
  const end = input + length;
  const outEnd = out + size;
  let at = input;
  let to = out;
  // The announced size, seven bits a byte.
  let announced: u64 = 0;
  for (let shift: u64 = 0; ; shift += 7) {
    if (at >= end || shift > 28) return 0;
    const byte = load<u8>(at++);
    announced |= (<u64>(byte & 0x7f)) << shift;
    if (byte < 0x80) break;
  }
  if (announced != <u64>size) return 0;
  while (at < end) {
    const tag = load<u8>(at++);
    const kind = tag & 3;
    if (kind == 0) {
      let count: usize = (<usize>tag >> 2) + 1;
      if (count > 60) {
        const bytes = count - 60;
        if (at + bytes > end) return 0;
        count = 0;
        for (let i: usize = 0; i < bytes; i++) count |= (<usize>load<u8>(at + i)) << (8 * i);
        count += 1;
        at += bytes;
        // A count that has gone round is none.
        if (count == 0) return 0;
      }
      if (count > <usize>(end - at) || count > <usize>(outEnd - to)) return 0;
      // Most are short, and whole 16 bytes then are faster than a call.
      v128.store(to, v128.load(at));
      if (count > 256) memory.copy(to, at, count);
      else for (let i: usize = 16; i < count; i += 16) v128.store(to + i, v128.load(at + i));
      at += count;
      to += count;
      continue;
    }
    let count: usize;
    let offset: usize;
    if (kind == 3) {
      if (at + 4 > end) return 0;
      count = (<usize>tag >> 2) + 1;
      offset = <usize>load<u32>(at);
      at += 4;
    } else {
      // Which of the two others it is nobody can foresee, so both are formed, and one is taken without a branch.
      const short = kind == 1;
      const word = <usize>load<u16>(at);
      count = select<usize>(((<usize>tag >> 2) & 7) + 4, (<usize>tag >> 2) + 1, short);
      offset = select<usize>(((<usize>tag >> 5) << 8) | (word & 255), word, short);
      at += 2 - <usize>short;
      if (at > end) return 0;
    }
    if (offset == 0 || offset > <usize>(to - out) || count > <usize>(outEnd - to)) return 0;
    if (offset >= 16) {
      // Whole 16 bytes at a time: what is copied too much is overwritten by what comes next.
      v128.store(to, v128.load(to - offset));
      for (let i: usize = 16; i < count; i += 16) v128.store(to + i, v128.load(to - offset + i));
    } else if (offset >= 8) {
      for (let i: usize = 0; i < count; i += 8) store<u64>(to + i, load<u64>(to - offset + i));
    } else {
      for (let i: usize = 0; i < count; i++) store<u8>(to + i, load<u8>(to - offset + i));
    }
    to += count;
  }
  return to == outEnd ? 1 : 0;
}
