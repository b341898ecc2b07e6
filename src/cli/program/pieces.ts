/**
 * Where the script of each command and thread is in the file of pieces: offset and length of one piece after the other, in bytes,
 * which are characters (scripts/pieces.js).
 */
export type Places = Readonly<Record<string, readonly number[]>>;

/**
 * A script of its pieces, which `read` copies from the file of all of them to a buffer, between what is to stand before and after
 * it: a text that is put together of three is copied once more when V8 reads it.
 */
export function scriptOf(
  places: readonly number[],
  read: (to: Buffer, at: number, length: number, from: number) => void,
  [before, after]: readonly [string, string] = ["", ""],
): string {
  let size = before.length + after.length;
  for (let i = 1; i < places.length; i += 2) size += places[i]!;
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = bytes.write(before, "latin1");
  for (let i = 0; i < places.length; i += 2) {
    const length = places[i + 1]!;
    read(bytes, at, length, places[i]!);
    at += length;
  }
  bytes.write(after, at, "latin1");
  return bytes.toString("latin1");
}
