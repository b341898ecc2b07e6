// What XXH3 needs but for its long loop; by 64-bit arithmetic in BigInt, once per content.

/** The default secret (Collet, xxHash specification 0.2): 192 bytes that look like noise. */
export const SECRET = Uint8Array.from(
  (
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221" +
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8" +
    "fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb17" +
    "0ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
  ).match(/../g)!,
  (pair) => Number.parseInt(pair, 16),
);

const P32 = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn] as const;
const P64 = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;

/** The accumulators before the first byte. */
export const START: readonly bigint[] = [P32[2], P64[0], P64[1], P64[2], P64[3], P32[1], P64[4], P32[0]];

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const read = (view: DataView, at: number): bigint => view.getBigUint64(at, true);
const secretView = new DataView(SECRET.buffer);

/** Adds 64 bytes of `data` at `at` to the accumulators, by the secret from `key` on. */
export function addStripe(sums: bigint[], data: DataView, at: number, key: number): void {
  for (let i = 0; i < 8; i++) {
    const value = read(data, at + 8 * i);
    const mixed = value ^ read(secretView, key + 8 * i);
    sums[i ^ 1] = u64(sums[i ^ 1]! + value);
    sums[i] = u64(sums[i]! + (mixed & 0xffffffffn) * (mixed >> 32n));
  }
}

/** XXH128 of `length` bytes, as `xxh128sum` prints it, from the accumulators after the last stripe. */
export function finish(sums: readonly bigint[], length: number): string {
  const low = merge(sums, 11, u64(BigInt(length) * P64[0]));
  const high = merge(sums, SECRET.length - 64 - 11, u64(~(BigInt(length) * P64[1])));
  return (high * 2n ** 64n + low).toString(16).padStart(32, "0");
}

function merge(sums: readonly bigint[], key: number, start: bigint): bigint {
  let sum = start;
  for (let i = 0; i < 8; i += 2) {
    const a = sums[i]! ^ read(secretView, key + 8 * i);
    const b = sums[i + 1]! ^ read(secretView, key + 8 * i + 8);
    const product = a * b;
    sum += u64(product) ^ (product >> 64n);
  }
  let mixed = u64(sum);
  mixed = u64((mixed ^ (mixed >> 37n)) * 0x165667919e3779f9n);
  return mixed ^ (mixed >> 32n);
}
