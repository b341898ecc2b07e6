import { addressOf, type Geometry, type Part, written } from "./geometry.js";
import { kernelsOn, SCRATCH_AT, SCRATCH_BYTES, type TensorKernels } from "./tensor-kernels.js";

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
    kernels.exports.convolveDepthwise(addressOf(x), addressOf(w), addressOf(y), at, from, to, kernels.room);
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

/** Columns of products that a transposed convolution makes at a time. */
const PRODUCT_COLUMNS = 512;

/**
 * Output channels `first` to `last` of a transposed convolution of one image and group, onto what y holds; `geometry` is
 * that of the convolution which this one turns around, so that its image is y's plane.
 *
 * The products, Σ over channels c in ascending order of w[c, o, i, j] · x[c, p] from 0 on, are made for a block of
 * positions p at a time, and added to y by kernel element, then by position: an order that depends on the shapes alone.
 *
 * @param x channels × positions
 * @param w channels × outputs × kernelHeight × kernelWidth
 * @param outputs the output channels that w has
 * @param y outputs × the plane
 */
export function convolveTransposed(
  x: Part,
  w: Part,
  y: Part,
  geometry: Geometry,
  outputs: number,
  first: number,
  last: number,
): void {
  const { channels, height, width, kernelHeight, kernelWidth, outHeight, outWidth } = geometry;
  const area = kernelHeight * kernelWidth;
  const positions = outHeight * outWidth;
  const columns = Math.max(1, Math.min(PRODUCT_COLUMNS, Math.floor(SCRATCH_BYTES / 4 / area)));
  const together = Math.max(1, Math.floor(SCRATCH_BYTES / 4 / area / columns));
  const fits = area * columns * 4 <= SCRATCH_BYTES;
  const kernels = fits && y.data instanceof Float32Array ? kernelsOn(y.data, [x.data, w.data]) : undefined;
  const products =
    kernels === undefined ? new Float32Array(Math.min(together, last - first) * area * columns) : undefined;
  for (let filter = first; filter < last; filter += together) {
    const filters = Math.min(together, last - filter);
    const plane = { data: y.data, at: y.at + filter * height * width };
    const weights = { data: w.data, at: w.at + filter * area };
    for (let from = 0; from < positions; from += columns) {
      const to = Math.min(positions, from + columns);
      if (kernels === undefined) {
        multiplyPlainly(x, weights, products!, channels, outputs * area, filters * area, positions, from, to);
        scatterPlainly(products!, plane, geometry, filters, from, to);
        continue;
      }
      const { exports, room } = kernels;
      const scratch = room + SCRATCH_AT;
      exports.gemmF32(
        addressOf(weights),
        4,
        4 * outputs * area,
        addressOf(x) + 4 * from,
        4 * positions,
        4,
        scratch,
        4 * (to - from),
        filters * area,
        to - from,
        channels,
        room,
      );
      const at = written(kernels, geometry);
      exports.scatterProducts(scratch, 4 * (to - from), addressOf(plane), at, filters, from, to);
    }
  }
}

function multiplyPlainly(
  x: Part,
  w: Part,
  products: Float32Array,
  channels: number,
  stride: number,
  rows: number,
  positions: number,
  from: number,
  to: number,
): void {
  for (let row = 0; row < rows; row++) {
    for (let p = from; p < to; p++) {
      let sum = 0;
      for (let c = 0; c < channels; c++) {
        const product =
          (w.data[w.at + c * stride + row] as number) * (x.data[x.at + c * positions + p] as number);
        sum = Math.fround(sum + Math.fround(product));
      }
      products[row * (to - from) + p - from] = sum;
    }
  }
}

function scatterPlainly(
  products: Float32Array,
  { data, at }: Part,
  g: Geometry,
  filters: number,
  from: number,
  to: number,
): void {
  let row = 0;
  for (let filter = 0; filter < filters; filter++) {
    for (let i = 0; i < g.kernelHeight; i++) {
      for (let j = 0; j < g.kernelWidth; j++, row += to - from) {
        for (let p = from; p < to; p++) {
          const iy = Math.floor(p / g.outWidth);
          const oy = iy * g.strideY + i * g.dilationY - g.padTop;
          const ox = (p - iy * g.outWidth) * g.strideX + j * g.dilationX - g.padLeft;
          if (oy < 0 || oy >= g.height || ox < 0 || ox >= g.width) continue;
          data[at + (filter * g.height + oy) * g.width + ox]! += products[row + p - from]!;
        }
      }
    }
  }
}
