/**
 * x with one axis longer or shorter: each of the y's units `from` to `to`, `inner` floats that lie together, is a
 * weighted sum of units of x, in double, rounded once. Units are counted through the outer axes, `own` of y and
 * `length` of x to each.
 *
 * @param table for each of the axis's own units the bytes of 8 + 16·`taps`: how many units of x it is made of, then the
 *   place of each in 8 bytes and its weight as a double; none where it lies outside of x, and is `outside`
 */
export function resize(
  x: usize, y: usize,
  from: usize, to: usize,
  own: usize, length: usize, inner: usize,
  table: usize, taps: usize,
  outside: f32,
): void {
  const entry: usize = 8 + 16 * taps;
  for (let unit = from; unit < to; unit++) {
    const outer = unit / own;
    const at = table + (unit - outer * own) * entry;
    const count = load<i32>(at);
    const base = x + outer * length * inner * 4;
    const out = y + unit * inner * 4;
    if (count == 0) {
      for (let i: usize = 0; i < inner; i++) store<f32>(out + i * 4, outside);
      continue;
    }
    const first = base + <usize>load<i32>(at, 8) * inner * 4;
    const weight = load<f64>(at, 16);
    if (count == 1 && weight == 1) {
      if (inner == 1) store<f32>(out, load<f32>(first));
      else memory.copy(out, first, inner * 4);
      continue;
    }
    let i: usize = 0;
    for (; i + 4 <= inner; i += 4) {
      let s0 = f64x2.splat(0), s1 = f64x2.splat(0);
      for (let k: usize = 0, tap = at + 8; k < <usize>count; k++, tap += 16) {
        const a = v128.load(base + (<usize>load<i32>(tap) * inner + i) * 4);
        const w = v128.load64_splat(tap, 8);
        s0 = f64x2.add(s0, f64x2.mul(f64x2.promote_low_f32x4(a), w));
        s1 = f64x2.add(s1, f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<f32>(a, a, 2, 3, 2, 3)), w));
      }
      v128.store(
        out + i * 4,
        v128.shuffle<f32>(f32x4.demote_f64x2_zero(s0), f32x4.demote_f64x2_zero(s1), 0, 1, 4, 5),
      );
    }
    for (; i < inner; i++) {
      let sum: f64 = 0;
      for (let k: usize = 0, tap = at + 8; k < <usize>count; k++, tap += 16)
        sum += <f64>load<f32>(base + (<usize>load<i32>(tap) * inner + i) * 4) * load<f64>(tap, 8);
      store<f32>(out + i * 4, <f32>sum);
    }
  }
}
