import { ShapeError } from "../errors.js";
import { type Attributes, type Kernel, type TensorType, TypedOp } from "../op.js";
import { formatShape, sizeOf } from "../shape.js";
import type { Data, DType } from "../tensor.js";
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
}

/**
 * Convolution: of x, N × C × …, and w, M × C/groups × …, and a bias of M that may be left out,
 * y[n, m, o] = b[m] + Σ_c Σ_k x[n, c, o·stride + k·dilation − before]·w[m, c, k], over one to three spatial axes.
 *
 * Sums go over c, then k in row-major order, the bias first. float32 is accumulated in float32, product and sum rounded
 * each, as everyone does and as vectors of four do it.
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
    const [x, w, bias] = inputs as [TensorType, TensorType, TensorType?];
    checkOperands(x, w, bias);
    const { groups } = this.attributes;
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
    out.fill(bias === undefined ? 0 : bias[filter]!, o, o + outW);
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
