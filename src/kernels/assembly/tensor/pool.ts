import { Geometry } from "./geometry";

const MAXIMUM = 0;
const AVERAGE = 1;

/**
 * The greatest element or the average of windows, for the planes `from` to `to`: elements in ascending order of rows and
 * columns, each sum rounded; what lies outside is left out, but counts for an average up to row `countRows` and column
 * `countColumns` where `counts`. Four neighbours at a time where all their windows lie within the image's columns.
 */
export function pool(
  x: usize, y: usize,
  geometry: usize,
  from: usize, to: usize,
  average: bool, counts: bool, countRows: i32, countColumns: i32,
): void {
  if (average) planes(AVERAGE, x, y, changetype<Geometry>(geometry), from, to, counts, countRows, countColumns);
  else planes(MAXIMUM, x, y, changetype<Geometry>(geometry), from, to, false, 0, 0);
}

// @ts-ignore: decorator
@inline
function planes(
  kind: i32,
  x: usize, y: usize,
  g: Geometry,
  from: usize, to: usize,
  counts: bool, countRows: i32, countColumns: i32,
): void {
  const reach = (g.kernelWidth - 1) * g.dilationX;
  // The columns at which a whole window lies within the image: from `inner` to before `outer`.
  const inner = min(g.outWidth, (g.padLeft + g.strideX - 1) / g.strideX);
  const last = g.width - 1 - reach + g.padLeft;
  const outer = last < 0 ? inner : max(inner, min(g.outWidth, last / g.strideX + 1));
  for (let plane = from; plane < to; plane++) {
    const image = x + plane * <usize>(g.height * g.width) * 4;
    let out = y + plane * <usize>(g.outHeight * g.outWidth) * 4;
    for (let oy = 0; oy < g.outHeight; oy++, out += <usize>g.outWidth * 4) {
      const iy = oy * g.strideY - g.padTop;
      let rows = 0;
      if (kind == AVERAGE)
        for (let ky = 0, row = iy; ky < g.kernelHeight; ky++, row += g.dilationY)
          if (row >= 0 && row < g.height || counts && row < countRows) rows++;
      let column = 0;
      for (; column < inner; column++)
        store<f32>(out + <usize>column * 4, ofWindow(kind, g, image, iy, column, counts, countRows, countColumns));
      if (g.strideX <= 2) {
        const divisor = f32x4.splat(<f32>(rows * g.kernelWidth));
        for (; column + 4 <= outer; column += 4) {
          const ix = column * g.strideX - g.padLeft;
          // Of a stride of 2 every other element of eight is taken, so that one more must lie within the image.
          if (g.strideX == 2 && ix + reach + 8 > g.width) break;
          const value = ofFour(kind, g, image, iy, ix);
          v128.store(out + <usize>column * 4, kind == AVERAGE ? f32x4.div(value, divisor) : value);
        }
      }
      for (; column < g.outWidth; column++)
        store<f32>(out + <usize>column * 4, ofWindow(kind, g, image, iy, column, counts, countRows, countColumns));
    }
  }
}

// @ts-ignore: decorator
@inline
function ofFour(kind: i32, g: Geometry, image: usize, iy: i32, ix: i32): v128 {
  let result = f32x4.splat(kind == AVERAGE ? 0 : -f32.POSITIVE_INFINITY);
  for (let ky = 0, row = iy; ky < g.kernelHeight; ky++, row += g.dilationY) {
    if (row < 0 || row >= g.height) continue;
    let at = image + <usize>(row * g.width + ix) * 4;
    for (let kx = 0; kx < g.kernelWidth; kx++, at += <usize>g.dilationX * 4) {
      let values = v128.load(at);
      if (g.strideX == 2) values = v128.shuffle<f32>(values, v128.load(at, 16), 0, 2, 4, 6);
      result = kind == AVERAGE ? f32x4.add(result, values) : f32x4.max(result, values);
    }
  }
  return result;
}

// @ts-ignore: decorator
@inline
function ofWindow(
  kind: i32,
  g: Geometry,
  image: usize,
  iy: i32, column: i32,
  counts: bool, countRows: i32, countColumns: i32,
): f32 {
  let result: f32 = kind == AVERAGE ? 0 : -f32.POSITIVE_INFINITY;
  let count = 0;
  for (let ky = 0, row = iy; ky < g.kernelHeight; ky++, row += g.dilationY) {
    let at = column * g.strideX - g.padLeft;
    for (let kx = 0; kx < g.kernelWidth; kx++, at += g.dilationX) {
      if (row >= 0 && row < g.height && at >= 0 && at < g.width) {
        const value = load<f32>(image + <usize>(row * g.width + at) * 4);
        result = kind == AVERAGE ? result + value : max<f32>(result, value);
        count++;
      } else if (counts && row < countRows && at < countColumns) count++;
    }
  }
  return kind == AVERAGE ? result / <f32>count : result;
}
