/**
 * Decompresses a block of LZ4's block format (lz4/lz4, doc/lz4_Block_format.md) behind the bytes of `out` before `from`, of
 * which it may repeat some.
 *
 * @returns where what was written ends; undefined where the block is damaged or gives more than there is room for
 */
export function lz4Reference(input: Uint8Array, out: Uint8Array, from: number): number | undefined {
  let at = 0;
  let to = from;
  const counted = (nibble: number): number | undefined => {
    if (nibble < 15) return nibble;
    let count = nibble;
    for (;;) {
      const byte = input[at++];
      if (byte === undefined) return undefined;
      count += byte;
      if (byte < 255) return count;
    }
  };
  while (at < input.length) {
    const token = input[at++]!;
    const literals = counted(token >> 4);
    if (literals === undefined || literals > input.length - at || literals > out.length - to)
      return undefined;
    out.set(input.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    if (at === input.length) return to;
    if (at + 2 > input.length) return undefined;
    const offset = input[at]! | (input[at + 1]! << 8);
    at += 2;
    const more = counted(token & 15);
    if (more === undefined) return undefined;
    const count = more + 4;
    if (offset === 0 || offset > to || count > out.length - to) return undefined;
    for (let i = 0; i < count; i++) out[to + i] = out[to - offset + i]!;
    to += count;
  }
  return undefined;
}
