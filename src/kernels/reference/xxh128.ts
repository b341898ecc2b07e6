import { addStripe, finish, SECRET, START } from "../xxh128-finish.js";

/** XXH128 of more than 240 bytes (Collet, xxHash specification 0.2), as `Xxh128` finds it from pieces. */
export function xxh128Reference(bytes: Uint8Array): string {
  const sums = [...START];
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const secret = new DataView(SECRET.buffer);
  const stripes = Math.floor((bytes.length - 1) / 64);
  for (let stripe = 0; stripe < stripes; stripe++) {
    addStripe(sums, data, 64 * stripe, 8 * (stripe % 16));
    // 16 stripes are a block, but for the end of the last.
    if (stripe % 16 === 15)
      for (let i = 0; i < 8; i++) {
        const key = secret.getBigUint64(SECRET.length - 64 + 8 * i, true);
        sums[i] = BigInt.asUintN(64, (sums[i]! ^ (sums[i]! >> 47n) ^ key) * 0x9e3779b1n);
      }
  }
  addStripe(sums, data, bytes.length - 64, SECRET.length - 64 - 7);
  return finish(sums, bytes.length);
}
