/**
 * What follows a product while it is still in the cache: y = clamp(y + bias + r, low, high), for `rows` rows of `n`
 * floats, each step rounded. Bounds of −∞ and +∞ clamp nothing; NaN stays NaN.
 *
 * @param bias a number for each row, or 0 for none
 * @param r numbers like y's, with the same stride, or 0 for none
 */
export function finish(
  y: usize, row: usize,
  rows: usize, n: usize,
  bias: usize, r: usize,
  low: f32, high: f32,
): void {
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  for (let i: usize = 0; i < rows; i++, y += row) {
    const own = bias != 0 ? load<f32>(bias + i * 4) : 0;
    const owns = f32x4.splat(own);
    let j: usize = 0;
    for (; j + 4 <= n; j += 4) {
      let value = v128.load(y + j * 4);
      if (bias != 0) value = f32x4.add(value, owns);
      if (r != 0) value = f32x4.add(value, v128.load(r + i * row + j * 4));
      v128.store(y + j * 4, f32x4.min(f32x4.max(value, lows), highs));
    }
    for (; j < n; j++) {
      let value = load<f32>(y + j * 4);
      if (bias != 0) value += own;
      if (r != 0) value += load<f32>(r + i * row + j * 4);
      store<f32>(y + j * 4, min<f32>(max<f32>(value, low), high));
    }
  }
}
