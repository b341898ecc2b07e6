import type { Lz4Block } from "../../kernels/pages.js";

const MAGIC = 0x184d2204;
const VERSION = 0x40;

/**
 * The blocks of a frame (lz4/lz4, doc/lz4_Frame_format.md) that begins at a byte. Their sums, where there are any, are not
 * looked at: the format that they stand in has none of its own either.
 *
 * @throws RangeError where it is none, or ends too early
 */
export function lz4Blocks(bytes: Uint8Array, from: number): Lz4Block[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const need = (at: number, count: number): void => {
    if (at + count > bytes.length) throw new RangeError("the compressed bytes of a column end too early");
  };
  need(from, 7);
  const flags = bytes[from + 4]!;
  if (view.getUint32(from, true) !== MAGIC || (flags & 0xc0) !== VERSION)
    throw new RangeError("the compressed bytes of a column are no LZ4");
  const summed = (flags & 0x10) !== 0;
  const sized = (flags & 0x08) !== 0;
  // A frame that needs a dictionary from elsewhere.
  if ((flags & 0x01) !== 0) throw new RangeError("the compressed bytes of a column need a dictionary");
  const blocks: Lz4Block[] = [];
  let at = from + 7 + (sized ? 8 : 0);
  for (;;) {
    need(at, 4);
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) return blocks;
    const length = word & 0x7fffffff;
    need(at, length + (summed ? 4 : 0));
    blocks.push({ from: at, length, stored: word >= 0x80000000 });
    at += length + (summed ? 4 : 0);
  }
}
