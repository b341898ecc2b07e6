import { ShapeError } from "../errors.js";
import {
  convolveDepthwise,
  convolve as convolvePlane,
  convolveTransposed as convolvePlaneTransposed,
} from "../kernels/convolution.js";
import type { ElementStep } from "../kernels/elementwise.js";
import type { Geometry as PlaneGeometry } from "../kernels/geometry.js";
import { type Attributes, type Kernel, type TensorType, TypedOp } from "../op.js";
import { formatShape, type Shape, sizeOf } from "../shape.js";
import type { Data, DType } from "../tensor.js";
import { Epilogue } from "./epilogue.js";
import {
  checkWindow,
  type Geometry,
  geometryOf,
  type WindowAttributes,
  windowCount,
  windowsWithin,
} from "./windows.js";

export interface ConvolutionAttributes extends WindowAttributes {
  readonly groups: number;
  /**
   * Elementwise ops that follow at once, of float32 over one or two axes alone: the first value that they are given is
   * the result, the others are the operands behind the bias.
   */
  readonly next?: { readonly steps: readonly ElementStep[]; readonly biased: boolean };
}

/**
 * Convolution: of x, N × C × …, and w, M × C/groups × …, and a bias of M that may be left out,
 * y[n, m, o] = b[m] + Σ_c Σ_k x[n, c, o·stride + k·dilation − before]·w[m, c, k], over one to three spatial axes.
 *
 * Sums begin with 0 and go over c, then k in row-major order; the bias is added last. float32 is accumulated in float32,
 * product and sum rounded each. Over one or two axes padding is 0 and counts (`kernels/convolution.ts`).
 */
export class Convolution extends TypedOp {
  readonly name = "convolution";
  override readonly attributes: Attributes & ConvolutionAttributes;
  override readonly portable = true;

  constructor(attributes: ConvolutionAttributes) {
    super();
    this.attributes = { ...attributes };
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    const { groups, next } = this.attributes;
    const [x, w] = inputs as [TensorType, TensorType];
    const bias = (next?.biased ?? true) ? inputs[2] : undefined;
    checkOperands(x, w, bias);
    checkWindow(x.shape.length - 2, w.shape.slice(2), this.attributes);
    const [channels, filters] = [x.shape[1]!, w.shape[0]!];
    if (w.shape[1]! * groups !== channels || filters % groups !== 0 || (bias && bias.shape[0] !== filters)) {
      throw new ShapeError(
        `${formatShape(w.shape)} in ${groups} groups does not fit ${channels} channels` +
          (bias ? ` or a bias of ${formatShape(bias.shape)}` : ""),
      );
    }
    const spatial = x.shape
      .slice(2)
      .map((length, axis) => windowCount(length, w.shape[2 + axis]!, axis, this.attributes));
    return [{ dtype: x.dtype, shape: [x.shape[0]!, filters, ...spatial] }];
  }

  make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const [x, w] = inputs as [TensorType, TensorType];
    const geometry = geometryOf(x.shape.slice(2), result!.shape.slice(2), w.shape.slice(2), this.attributes);
    const problem: Convolving = {
      geometry,
      channels: x.shape[1]!,
      filters: w.shape[0]!,
      groups: this.attributes.groups,
    };
    const { steps, biased } = this.attributes.next ?? { steps: [], biased: inputs.length > 2 };
    const extras = inputs.slice(biased ? 3 : 2).map(({ shape }) => shape);
    if (x.dtype === "float32" && isPlanar(geometry)) {
      const after = new Epilogue(steps, biased, extras, result!.shape, 1);
      return planarKernel(problem, result!.shape, after, biased);
    }
    if (steps.length > 0) throw new ShapeError("what follows is of float32 over one or two axes");
    const row = rowSum(x.dtype);
    return {
      units: result!.shape[0]! * problem.filters * geometry.output[0] * geometry.output[1],
      cost: sizeOf(result!.shape) * sizeOf(w.shape.slice(1)),
      run: ([a, b, bias], out, from, to) => convolve(a!, b!, bias, out, problem, from, to, row),
    };
  }
}

/** Convolution with x and y exchanged: each element of x adds w times itself to a window of y. w is C × M/groups × …. */
export class TransposedConvolution extends TypedOp {
  readonly name = "transposedConvolution";
  override readonly attributes: Attributes & ConvolutionAttributes & { outputPadding: readonly number[] };
  override readonly portable = true;

  constructor(attributes: ConvolutionAttributes & { outputPadding: readonly number[] }) {
    super();
    this.attributes = { ...attributes };
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    const [x, w, bias] = inputs as [TensorType, TensorType, TensorType?];
    checkOperands(x, w, bias);
    const { groups, strides, dilations, before, after, outputPadding } = this.attributes;
    checkWindow(x.shape.length - 2, w.shape.slice(2), this.attributes);
    if (w.shape[0] !== x.shape[1] || x.shape[1]! % groups !== 0)
      throw new ShapeError(`${formatShape(w.shape)} does not fit ${x.shape[1]} channels`);
    const spatial = x.shape.slice(2).map((length, axis) => {
      const reach = (w.shape[2 + axis]! - 1) * dilations[axis]! + 1;
      const whole = (length - 1) * strides[axis]! + reach + (outputPadding[axis] ?? 0);
      return Math.max(0, whole - before[axis]! - after[axis]!);
    });
    return [{ dtype: x.dtype, shape: [x.shape[0]!, w.shape[1]! * groups, ...spatial] }];
  }

  make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const [x, w] = inputs as [TensorType, TensorType];
    // Seen from the result, which x's places are windows of.
    const geometry = geometryOf(result!.shape.slice(2), x.shape.slice(2), w.shape.slice(2), this.attributes);
    const problem: Convolving = {
      geometry,
      channels: x.shape[1]!,
      filters: result!.shape[1]!,
      groups: this.attributes.groups,
    };
    if (x.dtype === "float32" && isPlanar(geometry)) return transposedKernel(problem, x.shape[0]!);
    const row = rowSum(x.dtype);
    return {
      units: result!.shape[0]! * problem.filters,
      cost: sizeOf(x.shape) * sizeOf(w.shape.slice(1)),
      run: ([a, b, bias], out, from, to) => convolveTransposed(a!, b!, bias, out, problem, from, to, row),
    };
  }
}

/** Numbers that say what a convolution computes. */
interface Convolving {
  readonly geometry: Geometry;
  readonly channels: number;
  readonly filters: number;
  readonly groups: number;
}

/** Rows and columns of a result that are computed together. */
const TILE = { filters: 4, positions: 8 };
/** Positions that are computed and finished together: a block of the kernel. */
const BLOCK = 512;
/** Elements of depthwise planes that are computed and finished together. */
const CACHED = 16_384;
/** About how long a product takes, in nanoseconds: as a tile's part, and in a depthwise window. */
const TILED_NS = 0.05;
const DEPTHWISE_NS = 0.13;
/** Positions up to which nothing of the weights is packed, and how long a row's product with all of them takes. */
const NARROW = 4;
const NARROW_NS = 0.35;
/** About how long an element of the weights and of the patches takes to pack, in nanoseconds. */
const WEIGHT_NS = 0.4;
const PATCH_NS = 0.3;

/** Of floats over one or two axes: in WebAssembly, where the operands lie in the machine's memory. */
function planarKernel(
  { geometry, channels, filters, groups }: Convolving,
  result: Shape,
  after: Epilogue,
  biased: boolean,
): Kernel {
  const plane = planeOf(geometry, channels / groups);
  const images = result[0]!;
  const positions = plane.outHeight * plane.outWidth;
  const own = filters / groups;
  const terms = plane.channels * plane.kernelHeight * plane.kernelWidth;
  const elements = images * filters * positions;
  const part = (data: Data, at: number) => ({ data, at });
  const operandsOf = ([x, w, ...others]: readonly Data[]) => ({
    x: x!,
    w: w!,
    bias: biased ? others[0] : undefined,
    extras: biased ? others.slice(1) : others,
  });
  if (plane.channels === 1 && own === 1) {
    // Rows of all images' planes; each image is convolved by itself.
    const rows = filters * plane.outHeight;
    const together = Math.max(1, Math.floor(CACHED / Math.max(1, positions)));
    return {
      units: images * rows,
      cost: elements * (terms * DEPTHWISE_NS + after.cost),
      inMemory: true,
      run(inputs, out, from, to) {
        const { x, w, bias, extras } = operandsOf(inputs);
        for (let unit = from; unit < to; ) {
          const image = Math.floor(unit / rows);
          const first = unit - image * rows;
          const left = Math.min(to - unit, rows - first);
          const filter = Math.floor(first / plane.outHeight);
          const row = first - filter * plane.outHeight;
          // Some whole planes, or a part of one.
          const whole = row === 0 ? Math.min(together, Math.floor(left / plane.outHeight)) : 0;
          const count = whole > 0 ? whole * plane.outHeight : Math.min(left, plane.outHeight - row);
          const y = image * filters * positions;
          convolveDepthwise(
            part(x, image * channels * plane.height * plane.width),
            part(w, 0),
            part(out, y),
            plane,
            first,
            first + count,
          );
          const columns = whole > 0 ? positions : count * plane.outWidth;
          after.run(
            out,
            y,
            positions,
            image,
            [filter, Math.max(1, whole)],
            [row * plane.outWidth, columns],
            bias,
            extras,
          );
          unit += count;
        }
      },
    };
  }
  // Cut by filters where there are more of them than positions: each piece packs the patches that it needs.
  const byFilters = own >= positions;
  const parts = Math.ceil(byFilters ? own / TILE.filters : positions / TILE.positions);
  const narrow = positions <= NARROW;
  const weights = narrow ? 0 : own * terms * WEIGHT_NS;
  const patches = positions * terms * PATCH_NS;
  const products = narrow ? images * filters * terms * NARROW_NS : elements * terms * TILED_NS;
  return {
    units: images * groups * parts,
    cost: products + elements * after.cost + images * groups * (weights + patches),
    repeated: byFilters ? patches : weights,
    inMemory: true,
    run(inputs, out, from, to) {
      const { x, w, bias, extras } = operandsOf(inputs);
      for (let unit = from; unit < to; ) {
        const block = Math.floor(unit / parts);
        const end = Math.min(to, (block + 1) * parts);
        const [first, last] = [unit - block * parts, end - block * parts];
        const image = Math.floor(block / groups);
        const group = block - image * groups;
        const [f0, f1] = byFilters ? [TILE.filters * first, Math.min(own, TILE.filters * last)] : [0, own];
        const [p0, p1] = byFilters
          ? [0, positions]
          : [TILE.positions * first, Math.min(positions, TILE.positions * last)];
        const filter = group * own + f0;
        const y = image * filters * positions;
        for (let p = p0; p < p1; p += BLOCK) {
          const stop = Math.min(p1, p + BLOCK);
          convolvePlane(
            part(x, (image * channels + group * plane.channels) * plane.height * plane.width),
            part(w, filter * terms),
            part(out, y + filter * positions),
            plane,
            f1 - f0,
            p,
            stop,
          );
          after.run(out, y, positions, image, [filter, f1 - f0], [p, stop - p], bias, extras);
        }
        unit = end;
      }
    },
  };
}

/** As `planarKernel`, of the convolution turned around; the bias comes first. */
function transposedKernel({ geometry, channels, filters, groups }: Convolving, images: number): Kernel {
  const plane = planeOf(geometry, channels / groups);
  const { height, width, outHeight, outWidth, kernelHeight, kernelWidth } = plane;
  const size = height * width;
  const positions = outHeight * outWidth;
  const own = filters / groups;
  const terms = plane.channels * kernelHeight * kernelWidth;
  return {
    units: images * filters,
    cost: images * filters * positions * terms * TILED_NS * 2,
    inMemory: true,
    run([x, w, bias], out, from, to) {
      for (let unit = from; unit < to; ) {
        const block = Math.floor(unit / own);
        const end = Math.min(to, (block + 1) * own);
        const [first, last] = [unit - block * own, end - block * own];
        const group = block % groups;
        for (let filter = unit; filter < end; filter++)
          out.fill(bias?.[filter % filters] ?? 0, filter * size, (filter + 1) * size);
        convolvePlaneTransposed(
          { data: x!, at: block * plane.channels * positions },
          { data: w!, at: group * terms * own },
          { data: out, at: block * own * size },
          plane,
          own,
          first,
          last,
        );
        unit = end;
      }
    },
  };
}

function planeOf(
  { input, output, kernel, strides, dilations, before }: Geometry,
  channels: number,
): PlaneGeometry {
  return {
    channels,
    height: input[1],
    width: input[2],
    kernelHeight: kernel[1],
    kernelWidth: kernel[2],
    outHeight: output[1],
    outWidth: output[2],
    strideY: strides[1],
    strideX: strides[2],
    dilationY: dilations[1],
    dilationX: dilations[2],
    padTop: before[1],
    padLeft: before[2],
  };
}

/** Whether a window moves over one or two axes. */
function isPlanar({ input, output, kernel, before }: Geometry): boolean {
  // With padding before it, the one window misses the one plane.
  return input[0] * output[0] * kernel[0] === 1 && before[0] === 0;
}

/** out[o + i·oStep] += w·x[at + i·step] for i below n. */
type RowSum = (
  out: Data,
  o: number,
  oStep: number,
  w: number,
  x: Data,
  at: number,
  step: number,
  n: number,
) => void;

const rowSum32: RowSum = (out, o, oStep, w, x, at, step, n) => {
  for (let i = 0; i < n; i++) {
    const product = Math.fround(w * x[at + i * step]!);
    out[o + i * oStep] = Math.fround(out[o + i * oStep]! + product);
  }
};

const rowSum64: RowSum = (out, o, oStep, w, x, at, step, n) => {
  for (let i = 0; i < n; i++) out[o + i * oStep]! += w * x[at + i * step]!;
};

const rowSumOf32Bits: RowSum = (out, o, oStep, w, x, at, step, n) => {
  for (let i = 0; i < n; i++) out[o + i * oStep]! += Math.imul(w, x[at + i * step]!);
};

function rowSum(dtype: DType): RowSum {
  return dtype === "float32" ? rowSum32 : dtype === "float64" ? rowSum64 : rowSumOf32Bits;
}

/** Rows `from` to `to` of the output, a row being all elements that differ in the last axis alone. */
function convolve(
  x: Data,
  w: Data,
  bias: Data | undefined,
  out: Data,
  { geometry, channels, filters, groups }: Convolving,
  from: number,
  to: number,
  add: RowSum,
): void {
  const [inD, inH, inW] = geometry.input;
  const [outD, outH, outW] = geometry.output;
  const [kD, kH, kW] = geometry.kernel;
  const [sD, sH, sW] = geometry.strides;
  const [dD, dH, dW] = geometry.dilations;
  const [pD, pH, pW] = geometry.before;
  const perGroup = channels / groups;
  const filtersPerGroup = filters / groups;
  for (let unit = from; unit < to; unit++) {
    const oy = unit % outH;
    const oz = Math.floor(unit / outH) % outD;
    const plane = Math.floor(unit / (outH * outD));
    const filter = plane % filters;
    const image = Math.floor(plane / filters);
    const o = unit * outW;
    out.fill(0, o, o + outW);
    const firstChannel = image * channels + Math.floor(filter / filtersPerGroup) * perGroup;
    for (let c = 0; c < perGroup; c++) {
      const channel = (firstChannel + c) * inD * inH * inW;
      for (let kz = 0; kz < kD; kz++) {
        const z = oz * sD + kz * dD - pD;
        if (z < 0 || z >= inD) continue;
        for (let ky = 0; ky < kH; ky++) {
          const y = oy * sH + ky * dH - pH;
          if (y < 0 || y >= inH) continue;
          const row = channel + (z * inH + y) * inW;
          const weights = (((filter * perGroup + c) * kD + kz) * kH + ky) * kW;
          for (let kx = 0; kx < kW; kx++) {
            const [first, end] = windowsWithin(kx * dW, pW, sW, inW, outW);
            add(out, o + first, 1, w[weights + kx]!, x, row + first * sW + kx * dW - pW, sW, end - first);
          }
        }
      }
    }
    // Once 1 times the bias, which rounds as the other terms do.
    if (bias !== undefined) add(out, o, 1, 1, bias, filter, 0, outW);
  }
}

/** Planes `from` to `to` of the output; `geometry` is that of the convolution which this one turns around. */
function convolveTransposed(
  x: Data,
  w: Data,
  bias: Data | undefined,
  out: Data,
  { geometry, channels, filters, groups }: Convolving,
  from: number,
  to: number,
  add: RowSum,
): void {
  const [outD, outH, outW] = geometry.input;
  const [inD, inH, inW] = geometry.output;
  const [kD, kH, kW] = geometry.kernel;
  const [sD, sH, sW] = geometry.strides;
  const [dD, dH, dW] = geometry.dilations;
  const [pD, pH, pW] = geometry.before;
  const perGroup = channels / groups;
  const filtersPerGroup = filters / groups;
  for (let plane = from; plane < to; plane++) {
    const filter = plane % filters;
    const image = Math.floor(plane / filters);
    const group = Math.floor(filter / filtersPerGroup);
    const own = filter - group * filtersPerGroup;
    const o = plane * outD * outH * outW;
    out.fill(bias === undefined ? 0 : bias[filter]!, o, o + outD * outH * outW);
    for (let c = 0; c < perGroup; c++) {
      const channel = group * perGroup + c;
      for (let iz = 0; iz < inD; iz++) {
        for (let kz = 0; kz < kD; kz++) {
          const z = iz * sD + kz * dD - pD;
          if (z < 0 || z >= outD) continue;
          for (let iy = 0; iy < inH; iy++) {
            for (let ky = 0; ky < kH; ky++) {
              const y = iy * sH + ky * dH - pH;
              if (y < 0 || y >= outH) continue;
              const row = (((image * channels + channel) * inD + iz) * inH + iy) * inW;
              const weights = (((channel * filtersPerGroup + own) * kD + kz) * kH + ky) * kW;
              for (let kx = 0; kx < kW; kx++) {
                const [first, end] = windowsWithin(kx * dW, pW, sW, outW, inW);
                const at = o + (z * outH + y) * outW + first * sW + kx * dW - pW;
                add(out, at, sW, w[weights + kx]!, x, row + first, 1, end - first);
              }
            }
          }
        }
      }
    }
  }
}

function checkOperands(x: TensorType, w: TensorType, bias: TensorType | undefined): void {
  if (x.dtype !== w.dtype || (bias && bias.dtype !== x.dtype)) {
    throw new ShapeError(`cannot mix ${[x, w, bias].map((each) => each?.dtype ?? "").join(" ")}`);
  }
  if (!["float32", "float64", "int32"].includes(x.dtype))
    throw new ShapeError(`does not compute with ${x.dtype}`);
  if (w.shape.length !== x.shape.length)
    throw new ShapeError(`${formatShape(x.shape)} and ${formatShape(w.shape)} have not as many axes`);
}
