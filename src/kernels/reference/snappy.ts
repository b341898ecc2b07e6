/** Decompresses Snappy's block format (google/snappy, format_description.txt); undefined where the input is damaged. */
export function snappyReference(input: Uint8Array, size: number): Uint8Array | undefined {
  const out: number[] = [];
  let at = 0;
  let announced = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = input[at++];
    if (byte === undefined || shift > 28) return undefined;
    announced += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  if (announced !== size) return undefined;
  const little = (bytes: number): number => {
    let value = 0;
    for (let i = 0; i < bytes; i++) value += (input[at + i] ?? Number.NaN) * 2 ** (8 * i);
    at += bytes;
    return value;
  };
  while (at < input.length) {
    const tag = input[at++]!;
    const kind = tag & 3;
    if (kind === 0) {
      const short = (tag >> 2) + 1;
      const count = short > 60 ? little(short - 60) + 1 : short;
      if (!(at + count <= input.length)) return undefined;
      for (let i = 0; i < count; i++) out.push(input[at + i]!);
      at += count;
    } else {
      const count = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
      const offset = kind === 1 ? (tag >> 5) * 256 + little(1) : little(kind === 2 ? 2 : 4);
      if (!(offset > 0 && offset <= out.length)) return undefined;
      for (let i = 0; i < count; i++) out.push(out[out.length - offset]!);
    }
    if (out.length > size) return undefined;
  }
  return out.length === size ? Uint8Array.from(out) : undefined;
}
