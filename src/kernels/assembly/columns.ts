/** @returns 1 if none of `count` doubles is NaN or infinite: 0 times any other is 0, and sums of these stay 0. */
export function allFinite(values: usize, count: i32): i32 {
  const zero = f64x2.splat(0);
  // Four sums, so that an addition need not wait for the one before.
  let a = zero;
  let b = zero;
  let c = zero;
  let d = zero;
  let at = values;
  const end = values + ((<usize>count) << 3);
  for (; at + 64 <= end; at += 64) {
    a = f64x2.add(a, f64x2.mul(v128.load(at), zero));
    b = f64x2.add(b, f64x2.mul(v128.load(at, 16), zero));
    c = f64x2.add(c, f64x2.mul(v128.load(at, 32), zero));
    d = f64x2.add(d, f64x2.mul(v128.load(at, 48), zero));
  }
  const sums = f64x2.add(f64x2.add(a, b), f64x2.add(c, d));
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  for (; at < end; at += 8) sum += load<f64>(at) * 0;
  return sum == 0 ? 1 : 0;
}

/** Copies `bytes` bytes of each of some columns, which lie `distance` bytes apart, to a block, where they lie `stride` apart. */
export function copyColumns(
  from: usize,
  distance: usize,
  columns: i32,
  to: usize,
  stride: usize,
  bytes: usize,
): void {
  for (let j: i32 = 0; j < columns; j++) {
    memory.copy(to, from, bytes);
    from += distance;
    to += stride;
  }
}
