import { Geometry } from "./geometry";

/**
 * A convolution of single precision whose every output channel reads one input channel: rows `from` to `to` of the
 * output's planes, counted through the channels. Each element is one sum over the window's rows and columns in
 * ascending order that begins with 0; padding is 0, and counts. Four neighbours are summed at a time where all their
 * windows lie within the image's columns.
 *
 * @param w the kernels, kernelHeight × kernelWidth numbers each
 */
export function convolveDepthwise(x: usize, w: usize, y: usize, geometry: usize, from: i32, to: i32): void {
  const g = changetype<Geometry>(geometry);
  const plane = <usize>(g.height * g.width) * 4;
  const area = <usize>(g.kernelHeight * g.kernelWidth) * 4;
  const reach = (g.kernelWidth - 1) * g.dilationX;
  // The columns at which a whole window lies within the image: from `inner` to before `outer`.
  const inner = min(g.outWidth, (g.padLeft + g.strideX - 1) / g.strideX);
  const last = g.width - 1 - reach + g.padLeft;
  const outer = last < 0 ? inner : max(inner, min(g.outWidth, last / g.strideX + 1));
  for (let row = from; row < to; row++) {
    const channel = row / g.outHeight;
    const iy = (row - channel * g.outHeight) * g.strideY - g.padTop;
    const image = x + <usize>channel * plane;
    const kernel = w + <usize>channel * area;
    const out = y + <usize>(row * g.outWidth) * 4;
    let column = 0;
    for (; column < inner; column++) store<f32>(out + <usize>column * 4, sumOf(g, image, kernel, iy, column));
    if (g.strideX == 1) {
      for (; column + 16 <= outer; column += 16)
        sixteenSums(g, image, kernel, iy, column - g.padLeft, out + <usize>column * 4);
    }
    if (g.strideX <= 2) {
      // Of a stride of 2 every other element of eight is taken, so that one more must lie within the image.
      for (; column + 4 <= outer; column += 4) {
        const ix = column * g.strideX - g.padLeft;
        if (g.strideX == 2 && ix + reach + 8 > g.width) break;
        v128.store(out + <usize>column * 4, fourSums(g, image, kernel, iy, ix));
      }
    }
    for (; column < g.outWidth; column++) store<f32>(out + <usize>column * 4, sumOf(g, image, kernel, iy, column));
  }
}

/** Sixteen neighbours of a stride of 1: four sums go on while one waits. */
function sixteenSums(g: Geometry, image: usize, kernel: usize, iy: i32, ix: i32, out: usize): void {
  const zero = f32x4.splat(0);
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
  const step = <usize>g.dilationX * 4;
  for (let ky = 0, row = iy; ky < g.kernelHeight; ky++, row += g.dilationY) {
    if (row < 0 || row >= g.height) {
      // Zeros: 0 times a weight that is not finite counts, and is NaN.
      for (let kx = 0; kx < g.kernelWidth; kx++, kernel += 4) {
        const term = f32x4.mul(v128.load32_splat(kernel), zero);
        s0 = f32x4.add(s0, term);
        s1 = f32x4.add(s1, term);
        s2 = f32x4.add(s2, term);
        s3 = f32x4.add(s3, term);
      }
      continue;
    }
    let at = image + <usize>(row * g.width + ix) * 4;
    for (let kx = 0; kx < g.kernelWidth; kx++, at += step, kernel += 4) {
      const w = v128.load32_splat(kernel);
      s0 = f32x4.add(s0, f32x4.mul(w, v128.load(at)));
      s1 = f32x4.add(s1, f32x4.mul(w, v128.load(at, 16)));
      s2 = f32x4.add(s2, f32x4.mul(w, v128.load(at, 32)));
      s3 = f32x4.add(s3, f32x4.mul(w, v128.load(at, 48)));
    }
  }
  v128.store(out, s0);
  v128.store(out, s1, 16);
  v128.store(out, s2, 32);
  v128.store(out, s3, 48);
}

// @ts-ignore: decorator
@inline
function fourSums(g: Geometry, image: usize, kernel: usize, iy: i32, ix: i32): v128 {
  let sum = f32x4.splat(0);
  for (let ky = 0, row = iy; ky < g.kernelHeight; ky++, row += g.dilationY) {
    const inside = row >= 0 && row < g.height;
    let at = image + <usize>(row * g.width + ix) * 4;
    for (let kx = 0; kx < g.kernelWidth; kx++, at += <usize>g.dilationX * 4, kernel += 4) {
      let values = f32x4.splat(0);
      if (inside) {
        values = v128.load(at);
        if (g.strideX == 2) values = v128.shuffle<f32>(values, v128.load(at, 16), 0, 2, 4, 6);
      }
      sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(kernel), values));
    }
  }
  return sum;
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
