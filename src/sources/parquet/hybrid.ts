/**
 * Reads integers in the hybrid of run lengths and bit packing (Parquet's encoding RLE): runs of one value, and groups of
 * eight values of `width` bits each, the lowest bits first.
 *
 * @param out filled with `count` values
 * @throws RangeError where the bytes end before
 */
export function readHybrid(
  bytes: Uint8Array,
  from: number,
  width: number,
  out: Int32Array,
  count: number,
): void {
  let at = from;
  let filled = 0;
  const valueBytes = (width + 7) >> 3;
  const mask = width >= 32 ? -1 : (1 << width) - 1;
  while (filled < count) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError("the levels or indices of a page end too early");
      header += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    if (header % 2 === 0) {
      const run = Math.min(header / 2, count - filled);
      let value = 0;
      for (let i = 0; i < valueBytes; i++) value |= bytes[at++]! << (8 * i);
      out.fill(value, filled, filled + run);
      filled += run;
      continue;
    }
    const packed = ((header - 1) / 2) * 8;
    const values = Math.min(packed, count - filled);
    const end = at + (packed / 8) * width;
    if (at + Math.ceil((values * width) / 8) > bytes.length)
      throw new RangeError("the levels or indices of a page end too early");
    if (width <= 24) {
      let bits = 0;
      let have = 0;
      for (let i = 0; i < values; i++) {
        while (have < width) {
          bits |= bytes[at++]! << have;
          have += 8;
        }
        out[filled + i] = bits & mask;
        bits >>>= width;
        have -= width;
      }
    } else unpackWide(bytes, at, width, out, filled, values);
    filled += values;
    at = end;
  }
}

/** Values of more than 24 bits, of which a shift of 32 bits does not hold one and the rest of the byte before. */
function unpackWide(
  bytes: Uint8Array,
  from: number,
  width: number,
  out: Int32Array,
  filled: number,
  values: number,
): void {
  const modulus = 2 ** width;
  let at = from;
  let bits = 0;
  let have = 0;
  for (let i = 0; i < values; i++) {
    while (have < width) {
      bits += bytes[at++]! * 2 ** have;
      have += 8;
    }
    out[filled + i] = bits % modulus;
    bits = Math.floor(bits / modulus);
    have -= width;
  }
}

/**
 * Which of `count` rows have a value, by their levels of definition: 1 or 0 for each; undefined where all have one.
 *
 * @param defined the level at which there is a value
 */
export function readDefined(
  bytes: Uint8Array,
  from: number,
  defined: number,
  count: number,
): Uint8Array | undefined {
  const width = 32 - Math.clz32(defined);
  // Most pages are one run of rows that all have a value.
  let header = 0;
  let at = from;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[at++]!;
    header += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  if (header % 2 === 0 && header / 2 >= count && bytes[at] === defined) return undefined;
  const levels = new Int32Array(count);
  readHybrid(bytes, from, width, levels, count);
  const mask = new Uint8Array(count);
  let all = true;
  for (let i = 0; i < count; i++) {
    if (levels[i] === defined) mask[i] = 1;
    else all = false;
  }
  return all ? undefined : mask;
}
