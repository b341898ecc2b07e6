import { ShapeError } from "../errors.js";
import { normalizeRow } from "../kernels/rows.js";
import { kernelsOn } from "../kernels/tensor-kernels.js";
import {
  type Attributes,
  checkArity,
  type Kernel,
  Op,
  resolveAxis,
  type TensorType,
  TypedOp,
} from "../op.js";
import { formatShape, type Shape, sizeOf } from "../shape.js";

/** From this many elements rows are worth lying in the machine's memory. */
const MIN_ELEMENTS = 512;

/** (x − mean)/√(variance + ε)·scale + bias, by channels (axis 1) of x; the others are one number a channel. */
export class BatchNormalization extends TypedOp {
  readonly name = "batchNormalization";
  override readonly attributes: Attributes & { epsilon: number };
  override readonly portable = true;

  constructor(attributes: { epsilon: number }) {
    super();
    this.attributes = attributes;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 5);
    const [x, ...others] = inputs as [TensorType, ...TensorType[]];
    const channels = x.shape[1] ?? 1;
    for (const { shape } of others) {
      if (sizeOf(shape) !== channels)
        throw new ShapeError(`${formatShape(x.shape)} has ${channels} channels, not ${formatShape(shape)}`);
    }
    return [{ dtype: x.dtype, shape: x.shape }];
  }

  make([x]: readonly TensorType[]): Kernel {
    const channels = x!.shape[1] ?? 1;
    const plane = sizeOf(x!.shape.slice(2));
    const { epsilon } = this.attributes;
    return {
      units: (x!.shape[0] ?? 1) * channels,
      cost: sizeOf(x!.shape) * 2,
      run: ([a, scale, bias, mean, variance], out, from, to) => {
        for (let unit = from; unit < to; unit++) {
          const channel = unit % channels;
          const factor = scale![channel]! / Math.sqrt(variance![channel]! + epsilon);
          const shift = bias![channel]! - mean![channel]! * factor;
          for (let i = unit * plane; i < (unit + 1) * plane; i++) out[i] = a![i]! * factor + shift;
        }
      },
    };
  }
}

/**
 * (x − μ)/√(σ² + ε) over the axes from `axis` on, μ and σ² being those of each stretch of elements; the mean and the
 * inverse deviation are a second and a third result where `statistics`.
 */
export class LayerNormalization extends TypedOp {
  readonly name = "layerNormalization";
  override readonly attributes: Attributes & { axis: number; epsilon: number; statistics: boolean };
  override readonly portable = true;

  constructor(attributes: { axis: number; epsilon: number; statistics: boolean }) {
    super();
    this.attributes = attributes;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 1);
    const { dtype, shape } = inputs[0]!;
    const axis = resolveAxis(this.attributes.axis, shape);
    const kept = { dtype, shape: shape.map((length, i) => (i < axis ? length : 1)) };
    return this.attributes.statistics ? [{ dtype, shape }, kept, kept] : [{ dtype, shape }];
  }

  make([x]: readonly TensorType[]): Kernel {
    const axis = resolveAxis(this.attributes.axis, x!.shape);
    const length = sizeOf(x!.shape.slice(axis));
    const { epsilon } = this.attributes;
    const units = sizeOf(x!.shape.slice(0, axis));
    if (x!.dtype === "float32") return rowsKernel(units, length, epsilon);
    return {
      units,
      cost: sizeOf(x!.shape) * 4,
      run: ([a], out, from, to, results) => {
        for (let unit = from; unit < to; unit++) {
          const start = unit * length;
          let mean = 0;
          for (let i = start; i < start + length; i++) mean += a![i]!;
          mean /= length;
          let variance = 0;
          for (let i = start; i < start + length; i++) variance += (a![i]! - mean) ** 2;
          const factor = 1 / Math.sqrt(variance / length + epsilon);
          for (let i = start; i < start + length; i++) out[i] = (a![i]! - mean) * factor;
          if (results?.[1] === undefined) continue;
          results[1][unit] = mean;
          results[2]![unit] = factor;
        }
      },
    };
  }
}

/** Rows of floats, in WebAssembly where they lie in the machine's memory. */
function rowsKernel(units: number, length: number, epsilon: number): Kernel {
  return {
    units,
    cost: units * length,
    inMemory: units * length >= MIN_ELEMENTS,
    run([a], out, from, to, results) {
      const kernels = kernelsOn(out, [a!]);
      if (kernels === undefined) {
        for (let unit = from; unit < to; unit++) {
          const at = unit * length;
          const [mean, factor] = normalizeRow(a!, at, out, at, length, epsilon);
          if (results?.[1] === undefined) continue;
          results[1][unit] = mean;
          results[2]![unit] = factor;
        }
        return;
      }
      const at = 4 * from * length;
      const statistic = (i: number) => (results?.[i] === undefined ? 0 : results[i].byteOffset + 4 * from);
      kernels.exports.normalizeRows(
        a!.byteOffset + at,
        out.byteOffset + at,
        to - from,
        length,
        epsilon,
        statistic(1),
        statistic(2),
      );
    },
  };
}

/** x/(bias + α/size·Σ x²)^β, the sum over `size` channels around each (Krizhevsky et al. 2012). */
export class LocalResponseNormalization extends Op {
  readonly name = "localResponseNormalization";
  override readonly attributes: Attributes & { size: number; alpha: number; beta: number; bias: number };
  override readonly portable = true;

  constructor(attributes: { size: number; alpha: number; beta: number; bias: number }) {
    super();
    this.attributes = attributes;
  }

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 1);
    if (shapes[0]!.length < 2) throw new ShapeError(`needs channels, got ${formatShape(shapes[0]!)}`);
    return shapes[0]!;
  }

  prepare(_shapes: readonly Shape[], output: Shape): Kernel {
    const { size, alpha, beta, bias } = this.attributes;
    const channels = output[1]!;
    const plane = sizeOf(output.slice(2));
    const below = Math.floor((size - 1) / 2);
    const above = Math.ceil((size - 1) / 2);
    return {
      units: output[0]! * channels,
      cost: sizeOf(output) * (20 + size),
      run: ([a], out, from, to) => {
        for (let unit = from; unit < to; unit++) {
          const channel = unit % channels;
          const first = unit - Math.min(channel, below);
          const last = unit + Math.min(channels - 1 - channel, above);
          for (let i = 0; i < plane; i++) {
            let squares = 0;
            for (let c = first; c <= last; c++) squares += a![c * plane + i]! ** 2;
            out[unit * plane + i] = a![unit * plane + i]! / (bias + (alpha / size) * squares) ** beta;
          }
        }
      },
    };
  }
}
