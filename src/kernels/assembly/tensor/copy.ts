/**
 * Copies `rows` rows of n elements of four bytes: those of x are `xStep` bytes apart and its rows `xRow`, those of y
 * lie together and its rows `yRow` bytes apart. Where x's rows lie side by side, as in a transposition, blocks of four by
 * four.
 */
export function copyRows(
  x: usize, xRow: usize, xStep: usize,
  y: usize, yRow: usize,
  rows: usize, n: usize,
): void {
  let row: usize = 0;
  if (xRow == 4) {
    for (; row + 4 <= rows; row += 4) {
      const from = x + row * 4;
      const to = y + row * yRow;
      let i: usize = 0;
      for (; i + 4 <= n; i += 4) {
        const at = from + i * xStep;
        const r0 = v128.load(at);
        const r1 = v128.load(at + xStep);
        const r2 = v128.load(at + 2 * xStep);
        const r3 = v128.load(at + 3 * xStep);
        const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
        const t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
        const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
        const t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
        const out = to + i * 4;
        v128.store(out, v128.shuffle<f64>(t0, t1, 0, 2));
        v128.store(out + yRow, v128.shuffle<f64>(t0, t1, 1, 3));
        v128.store(out + 2 * yRow, v128.shuffle<f64>(t2, t3, 0, 2));
        v128.store(out + 3 * yRow, v128.shuffle<f64>(t2, t3, 1, 3));
      }
      for (; i < n; i++)
        for (let r: usize = 0; r < 4; r++) store<u32>(to + r * yRow + i * 4, load<u32>(from + i * xStep + r * 4));
    }
  }
  for (; row < rows; row++) {
    const from = x + row * xRow;
    const to = y + row * yRow;
    if (xStep == 4) memory.copy(to, from, n * 4);
    else for (let i: usize = 0; i < n; i++) store<u32>(to + i * 4, load<u32>(from + i * xStep));
  }
}
