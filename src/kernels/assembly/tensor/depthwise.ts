import { BLOCK_BYTES, packedAt } from "./gemm";
import { Geometry } from "./geometry";

/** Floats behind the last window of a padded row that a vector may read. */
const SLACK = 8;

/**
 * A convolution of single precision whose every output channel reads one input channel: rows `from` to `to` of the
 * output's planes, counted through the channels. Each element is one sum over the window's rows and columns in
 * ascending order that begins with 0; padding is 0, and counts.
 *
 * The rows of the image that a stretch of output rows reads are copied into `room` with their padding, so that no window
 * has an edge, and four rows of eight sums, or of four, go on at a time. Where fewer are left than that, those before
 * are computed again.
 *
 * @param w the kernels, kernelHeight × kernelWidth numbers each
 */
export function convolveDepthwise(
  x: usize,
  w: usize,
  y: usize,
  geometry: usize,
  from: i32, to: i32,
  room: usize,
): void {
  const g = changetype<Geometry>(geometry);
  const plane = <usize>(g.height * g.width) * 4;
  const area = <usize>(g.kernelHeight * g.kernelWidth) * 4;
  const width = (g.outWidth - 1) * g.strideX + (g.kernelWidth - 1) * g.dilationX + 1 + SLACK;
  const reach = (g.kernelHeight - 1) * g.dilationY;
  const fitting = <i32>(BLOCK_BYTES / 4) / width;
  const padded = packedAt(room);
  for (let row = from; row < to; ) {
    const channel = row / g.outHeight;
    const first = row - channel * g.outHeight;
    const image = x + <usize>channel * plane;
    const kernel = w + <usize>channel * area;
    const out = y + <usize>(row * g.outWidth) * 4;
    const iy = first * g.strideY - g.padTop;
    if (g.outWidth < 4 || fitting <= reach) {
      for (let column = 0; column < g.outWidth; column++)
        store<f32>(out + <usize>column * 4, sumOf(g, image, kernel, iy, column));
      row++;
      continue;
    }
    const count = min(min(to - row, g.outHeight - first), (fitting - reach - 1) / g.strideY + 1);
    padRows(image, g, iy, (count - 1) * g.strideY + reach + 1, width, padded);
    if (g.strideX == 1) {
      if (g.outWidth >= 8) sumRows(1, 8, g, kernel, padded, width, out, count);
      else sumRows(1, 4, g, kernel, padded, width, out, count);
    } else if (g.strideX == 2) {
      if (g.outWidth >= 8) sumRows(2, 8, g, kernel, padded, width, out, count);
      else sumRows(2, 4, g, kernel, padded, width, out, count);
    } else sumRows(0, 4, g, kernel, padded, width, out, count);
    row += count;
  }
}

/** Copies `rows` rows of an image from row `iy` on, which may lie outside, with their padding: `width` floats each. */
function padRows(image: usize, g: Geometry, iy: i32, rows: i32, width: i32, to: usize): void {
  const left = min(g.padLeft, width);
  const own = max(0, min(g.width, width - left));
  for (let row = iy; row < iy + rows; row++, to += <usize>width * 4) {
    const inside = row >= 0 && row < g.height;
    let column = 0;
    if (inside) {
      for (; column < left; column++) store<f32>(to + <usize>column * 4, 0);
      const source = image + <usize>(row * g.width) * 4;
      const target = to + <usize>left * 4;
      let i = 0;
      for (; i + 4 <= own; i += 4) v128.store(target + <usize>i * 4, v128.load(source + <usize>i * 4));
      for (; i < own; i++) store<f32>(target + <usize>i * 4, load<f32>(source + <usize>i * 4));
      column = left + own;
    }
    for (; column < width; column++) store<f32>(to + <usize>column * 4, 0);
  }
}

/** Rows of sums over padded rows; `stride` is that of columns, 0 for any, and `columns` those of a vector or two. */
// @ts-ignore: decorator
@inline
function sumRows(
  stride: i32, columns: i32,
  g: Geometry,
  kernel: usize,
  padded: usize, width: i32,
  out: usize, count: i32,
): void {
  const line = <usize>width * 4;
  const down = <usize>g.strideY * line;
  const across = <usize>g.strideX * 4;
  const outLine = <usize>g.outWidth * 4;
  const last = g.outWidth - columns;
  if (count >= 4) {
    for (let row = 0; ; row = min(row + 4, count - 4)) {
      const p = padded + <usize>row * down;
      const o = out + <usize>row * outLine;
      for (let column = 0; ; column = min(column + columns, last)) {
        const at = p + <usize>column * across;
        const to = o + <usize>column * 4;
        sumTiles(
          stride, columns, g, kernel, line,
          at, at + down, at + 2 * down, at + 3 * down,
          to, to + outLine, to + 2 * outLine, to + 3 * outLine,
        );
        if (column == last) break;
      }
      if (row == count - 4) break;
    }
    return;
  }
  for (let row = 0; row < count; row++, padded += down, out += outLine) {
    for (let column = 0; column < g.outWidth; column += 4 * columns) {
      const c0 = <usize>min(column, last);
      const c1 = <usize>min(column + columns, last);
      const c2 = <usize>min(column + 2 * columns, last);
      const c3 = <usize>min(column + 3 * columns, last);
      sumTiles(
        stride, columns, g, kernel, line,
        padded + c0 * across, padded + c1 * across, padded + c2 * across, padded + c3 * across,
        out + c0 * 4, out + c1 * 4, out + c2 * 4, out + c3 * 4,
      );
    }
  }
}

/** Four times four or eight neighbours: their sums go on while one waits. */
// @ts-ignore: decorator
@inline
function sumTiles(
  stride: i32, columns: i32,
  g: Geometry,
  kernel: usize,
  line: usize,
  p0: usize, p1: usize, p2: usize, p3: usize,
  o0: usize, o1: usize, o2: usize, o3: usize,
): void {
  const zero = f32x4.splat(0);
  let s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 = zero;
  const step = <usize>g.dilationX * 4;
  const next = <usize>g.strideX * 4;
  const rows = <usize>g.dilationY * line;
  const reach = <usize>g.kernelWidth * step;
  const end = <usize>g.kernelHeight * rows;
  for (let down: usize = 0; down < end; down += rows) {
    for (let at = down; at < down + reach; at += step, kernel += 4) {
      const w = v128.load32_splat(kernel);
      s00 = f32x4.add(s00, f32x4.mul(w, fourOf(stride, p0 + at, next)));
      s10 = f32x4.add(s10, f32x4.mul(w, fourOf(stride, p1 + at, next)));
      s20 = f32x4.add(s20, f32x4.mul(w, fourOf(stride, p2 + at, next)));
      s30 = f32x4.add(s30, f32x4.mul(w, fourOf(stride, p3 + at, next)));
      if (columns == 8) {
        const more: usize = next * 4;
        s01 = f32x4.add(s01, f32x4.mul(w, fourOf(stride, p0 + at + more, next)));
        s11 = f32x4.add(s11, f32x4.mul(w, fourOf(stride, p1 + at + more, next)));
        s21 = f32x4.add(s21, f32x4.mul(w, fourOf(stride, p2 + at + more, next)));
        s31 = f32x4.add(s31, f32x4.mul(w, fourOf(stride, p3 + at + more, next)));
      }
    }
  }
  v128.store(o0, s00);
  v128.store(o1, s10);
  v128.store(o2, s20);
  v128.store(o3, s30);
  if (columns == 8) {
    v128.store(o0, s01, 16);
    v128.store(o1, s11, 16);
    v128.store(o2, s21, 16);
    v128.store(o3, s31, 16);
  }
}

/** Four floats from `at` on, `next` bytes apart. */
// @ts-ignore: decorator
@inline
function fourOf(stride: i32, at: usize, next: usize): v128 {
  if (stride == 1) return v128.load(at);
  if (stride == 2) return v128.shuffle<f32>(v128.load(at), v128.load(at, 16), 0, 2, 4, 6);
  let four = v128.load32_zero(at);
  four = v128.load_lane<f32>(at + next, four, 1);
  four = v128.load_lane<f32>(at + 2 * next, four, 2);
  return v128.load_lane<f32>(at + 3 * next, four, 3);
}

function sumOf(g: Geometry, image: usize, kernel: usize, iy: i32, column: i32): f32 {
  let sum: f32 = 0;
  for (let ky = 0, row = iy; ky < g.kernelHeight; ky++, row += g.dilationY) {
    const inside = row >= 0 && row < g.height;
    let at = column * g.strideX - g.padLeft;
    for (let kx = 0; kx < g.kernelWidth; kx++, at += g.dilationX, kernel += 4) {
      const value = inside && at >= 0 && at < g.width ? load<f32>(image + <usize>(row * g.width + at) * 4) : 0;
      sum += load<f32>(kernel) * value;
    }
  }
  return sum;
}
