import type { Data } from "../tensor.js";
import { kernelsOn, type TensorKernels, TOLD_AT } from "./tensor-kernels.js";

/** A window that moves over a plane; padding is at the top and the left, what is missing at the others is padding too. */
export interface Geometry {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly dilationY: number;
  readonly dilationX: number;
  readonly padTop: number;
  readonly padLeft: number;
}

/** Numbers within an array, from `at` on. */
export interface Part {
  readonly data: Data;
  readonly at: number;
}

/**
 * Output channels of a convolution of one image and group, at the positions `from` to `to` of the output's plane:
 *
 * y[o, p] = Σ over channels c, rows i and columns j of the kernel, in this order, of w[o, c, i, j] · x[c, i', j'],
 * i' = strideY · ⌊p / outWidth⌋ + dilationY · i − padTop, j' likewise. Padding is 0, and counts: 0 times a weight that
 * is not finite is NaN. Sums begin with 0; of floats every product and every sum is rounded to a float.
 *
 * In WebAssembly where all lie in a machine's memory, with the same bits.
 *
 * @param x channels × height × width
 * @param w outputs × channels × kernelHeight × kernelWidth
 * @param y outputs × (outHeight · outWidth)
 * @param outputs the number of output channels
 */
export function convolve(
  x: Part,
  w: Part,
  y: Part,
  geometry: Geometry,
  outputs: number,
  from: number,
  to: number,
): void {
  const kernels = y.data instanceof Float32Array ? kernelsOn(y.data, [x.data, w.data]) : undefined;
  if (kernels === undefined) convolvePlainly(x, w, y, geometry, outputs, from, to);
  else if (isPointwise(geometry)) multiplyPoints(kernels, x, w, y, geometry, outputs, from, to);
  else {
    const plane = 4 * geometry.outHeight * geometry.outWidth;
    const { exports, room } = kernels;
    exports.convolve(
      addressOf(x),
      addressOf(w),
      addressOf(y),
      plane,
      written(kernels, geometry),
      outputs,
      from,
      to,
      room,
    );
  }
}

/** Whether the patches are the image itself. */
function isPointwise(g: Geometry): boolean {
  return (
    g.kernelHeight === 1 &&
    g.kernelWidth === 1 &&
    g.strideY === 1 &&
    g.strideX === 1 &&
    g.padTop === 0 &&
    g.padLeft === 0 &&
    g.outHeight === g.height &&
    g.outWidth === g.width
  );
}

function multiplyPoints(
  { exports, room }: TensorKernels,
  x: Part,
  w: Part,
  y: Part,
  { channels, height, width }: Geometry,
  outputs: number,
  from: number,
  to: number,
): void {
  const row = 4 * height * width;
  exports.gemmF32(
    addressOf(w),
    4 * channels,
    4,
    addressOf(x) + 4 * from,
    row,
    4,
    addressOf(y) + 4 * from,
    row,
    outputs,
    to - from,
    channels,
    room,
  );
}

function convolvePlainly(
  x: Part,
  w: Part,
  y: Part,
  g: Geometry,
  outputs: number,
  from: number,
  to: number,
): void {
  const round = y.data instanceof Float32Array ? Math.fround : (value: number) => value;
  const size = g.channels * g.kernelHeight * g.kernelWidth;
  for (let o = 0; o < outputs; o++) {
    for (let p = from; p < to; p++) {
      const oy = Math.floor(p / g.outWidth);
      let sum = 0;
      let k = w.at + o * size;
      for (let c = 0; c < g.channels; c++)
        for (let i = 0; i < g.kernelHeight; i++)
          for (let j = 0; j < g.kernelWidth; j++, k++)
            sum = round(sum + round((w.data[k] as number) * pixel(x, g, c, oy, p - oy * g.outWidth, i, j)));
      y.data[y.at + o * g.outHeight * g.outWidth + p] = sum;
    }
  }
}

/** What the window's element (i, j) sees of channel c at the output's row and column. */
function pixel(
  { data, at }: Part,
  g: Geometry,
  c: number,
  oy: number,
  ox: number,
  i: number,
  j: number,
): number {
  const row = oy * g.strideY + i * g.dilationY - g.padTop;
  const column = ox * g.strideX + j * g.dilationX - g.padLeft;
  if (row < 0 || row >= g.height || column < 0 || column >= g.width) return 0;
  return data[at + (c * g.height + row) * g.width + column] as number;
}

/**
 * The convolution whose every output channel reads one input channel, for the rows `from` to `to` of the output's
 * planes, counted through the channels: y[c, p] = Σ over i and j of w[c, i, j] · x[c, i', j'], as in `convolve`.
 */
export function convolveDepthwise(
  x: Part,
  w: Part,
  y: Part,
  geometry: Geometry,
  from: number,
  to: number,
): void {
  const kernels = y.data instanceof Float32Array ? kernelsOn(y.data, [x.data, w.data]) : undefined;
  if (kernels !== undefined) {
    const at = written(kernels, geometry);
    kernels.exports.convolveDepthwise(addressOf(x), addressOf(w), addressOf(y), at, from, to);
    return;
  }
  const { outHeight, outWidth, kernelHeight, kernelWidth, height, width } = geometry;
  for (let row = from; row < to; ) {
    const c = Math.floor(row / outHeight);
    const end = Math.min(to, (c + 1) * outHeight);
    const start = c * outHeight;
    convolvePlainly(
      { data: x.data, at: x.at + c * height * width },
      { data: w.data, at: w.at + c * kernelHeight * kernelWidth },
      { data: y.data, at: y.at + start * outWidth },
      { ...geometry, channels: 1 },
      1,
      (row - start) * outWidth,
      (end - start) * outWidth,
    );
    row = end;
  }
}

/** What follows a convolution or a product at once: y = clamp(y + bias + residual, low, high). */
export interface Finish {
  /** One for each row. */
  readonly bias: Part | undefined;
  /** Like y, with the same stride. */
  readonly residual: Part | undefined;
  /** Bounds: −∞ and +∞ for none. NaN stays NaN. */
  readonly low: number;
  readonly high: number;
}

/**
 * Finishes `rows` rows of n floats, `stride` apart, each step rounded: bias first, then residual, then bounds.
 *
 * In WebAssembly where all lie in a machine's memory, with the same bits.
 */
export function finish(y: Part, stride: number, rows: number, n: number, how: Finish): void {
  const { bias, residual, low, high } = how;
  if (bias === undefined && residual === undefined && low === -Infinity && high === Infinity) return;
  const inputs = [bias, residual].flatMap((part) => (part === undefined ? [] : [part.data]));
  const kernels = y.data instanceof Float32Array ? kernelsOn(y.data, inputs) : undefined;
  if (kernels !== undefined) {
    const or0 = (part: Part | undefined) => (part === undefined ? 0 : addressOf(part));
    kernels.exports.finish(addressOf(y), 4 * stride, rows, n, or0(bias), or0(residual), low, high);
    return;
  }
  const round = y.data instanceof Float32Array ? Math.fround : (value: number) => value;
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < n; j++) {
      const at = y.at + i * stride + j;
      let value = y.data[at] as number;
      if (bias !== undefined) value = round(value + (bias.data[bias.at + i] as number));
      if (residual !== undefined)
        value = round(value + (residual.data[residual.at + i * stride + j] as number));
      y.data[at] = Math.min(Math.max(value, low), high);
    }
}

function addressOf({ data, at }: Part): number {
  return data.byteOffset + at * data.BYTES_PER_ELEMENT;
}

/** Writes a geometry where this thread's kernels read it, in the order of the kernels' class, and gives its address. */
function written({ room, words }: TensorKernels, g: Geometry): number {
  words.set([
    g.channels,
    g.height,
    g.width,
    g.kernelHeight,
    g.kernelWidth,
    g.outHeight,
    g.outWidth,
    g.strideY,
    g.strideX,
    g.dilationY,
    g.dilationX,
    g.padTop,
    g.padLeft,
  ]);
  return room + TOLD_AT;
}
