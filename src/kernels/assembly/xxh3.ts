// The long loop of XXH3 (Collet, xxHash specification 0.2): blocks of 1,024 bytes into eight accumulators.

/** Bytes of the secret; a stripe's part of it begins 8 bytes after that of the one before. */
const SECRET: usize = 192;
const STRIPE: usize = 64;
const STRIPES: usize = 16;

/** Two accumulators after 16 bytes of data: the other's data are added, and the product of the halves of data ^ key. */
// @ts-ignore: decorator
@inline
function accumulate(sum: v128, data: v128, key: v128): v128 {
  const mixed = v128.xor(data, key);
  const product = i64x2.extmul_low_i32x4_u(
    v128.shuffle<i32>(mixed, mixed, 0, 2, 0, 2),
    v128.shuffle<i32>(mixed, mixed, 1, 3, 1, 3),
  );
  return i64x2.add(i64x2.add(sum, product), v128.shuffle<i64>(data, data, 1, 0));
}

/** Two accumulators after a block. */
// @ts-ignore: decorator
@inline
function scramble(sum: v128, key: v128): v128 {
  const mixed = v128.xor(v128.xor(sum, i64x2.shr_u(sum, 47)), key);
  return i64x2.mul(mixed, i64x2.splat(0x9e3779b1));
}

/** Adds the 1,024-byte blocks from `input` on to the eight accumulators at `sums`. */
export function xxh3Blocks(sums: usize, secret: usize, input: usize, blocks: i32): void {
  let a = v128.load(sums);
  let b = v128.load(sums, 16);
  let c = v128.load(sums, 32);
  let d = v128.load(sums, 48);
  const last = secret + SECRET - STRIPE;
  let p = input;
  for (let block = 0; block < blocks; block++) {
    const end = p + STRIPES * STRIPE;
    for (let s = secret; p < end; p += STRIPE, s += 8) {
      a = accumulate(a, v128.load(p), v128.load(s));
      b = accumulate(b, v128.load(p, 16), v128.load(s, 16));
      c = accumulate(c, v128.load(p, 32), v128.load(s, 32));
      d = accumulate(d, v128.load(p, 48), v128.load(s, 48));
    }
    a = scramble(a, v128.load(last));
    b = scramble(b, v128.load(last, 16));
    c = scramble(c, v128.load(last, 32));
    d = scramble(d, v128.load(last, 48));
  }
  v128.store(sums, a);
  v128.store(sums, b, 16);
  v128.store(sums, c, 32);
  v128.store(sums, d, 48);
}
