import { ShapeError } from "../errors.js";
import { type Attributes, type Kernel, type TensorType, TypedOp } from "../op.js";
import { formatShape, sizeOf, stridesOf } from "../shape.js";
import { linearTaps, newTaps, spread } from "./grid-taps.js";

export interface DeformationAttributes {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Elements of padding before each axis. */
  readonly before: readonly number[];
  /** The groups of channels that have offsets of their own. */
  readonly groups: number;
}

/**
 * What a deformable convolution multiplies with its weights (Dai et al. 2017): for each output place the elements of x,
 * N × C × …, under its window, each moved by an offset of its own, N × (groups · K · r) × …, and read between elements;
 * 0 outside of x. A third operand, N × (groups · K) × …, weighs them (Zhu et al. 2019). N × C × K × places.
 */
export class DeformedWindows extends TypedOp {
  readonly name = "deformedWindows";
  override readonly attributes: Attributes & DeformationAttributes;
  override readonly portable = true;

  constructor(attributes: DeformationAttributes) {
    super();
    this.attributes = { ...attributes };
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    const [x, offset, mask] = inputs as [TensorType, TensorType, TensorType?];
    const { kernel, groups } = this.attributes;
    const [batch, channels] = x.shape as [number, number];
    const size = sizeOf(kernel);
    const rank = x.shape.length - 2;
    const places = offset.shape.slice(2);
    const want = (what: string, got: readonly number[], parts: number) => {
      const fits = got.length === rank + 2 && got[0] === batch && got[1] === groups * size * parts;
      if (!fits || got.slice(2).some((length, axis) => length !== places[axis]))
        throw new ShapeError(
          `${what} of ${formatShape(got)} for ${groups} groups of ${formatShape(x.shape)}`,
        );
    };
    if (kernel.length !== rank || channels % groups !== 0)
      throw new ShapeError(`a window of ${rank} axes and ${groups} groups on ${formatShape(x.shape)}`);
    want("offsets", offset.shape, rank);
    if (mask !== undefined) want("a mask", mask.shape, 1);
    return [{ dtype: x.dtype, shape: [batch, channels, size, sizeOf(places)] }];
  }

  make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const { kernel, strides, dilations, before, groups } = this.attributes;
    const { shape } = inputs[0]!;
    const lengths = shape.slice(2);
    const rank = lengths.length;
    const channels = shape[1]!;
    const size = sizeOf(lengths);
    const [, , window, count] = result!.shape as [number, number, number, number];
    const outer = inputs[1]!.shape.slice(2);
    const own = stridesOf(lengths);
    const unitSize = window * count;
    const indexOf = (place: number, sides: readonly number[], axis: number) =>
      Math.floor(place / sizeOf(sides.slice(axis + 1))) % sides[axis]!;
    return {
      // A unit is one channel of one image.
      units: shape[0]! * channels,
      cost: sizeOf(result!.shape) * 60,
      run: ([x, offset, mask], out, from, to) => {
        const taps = lengths.map(newTaps);
        const [offsets, weights] = [new Int32Array(2 ** rank), new Float64Array(2 ** rank)];
        for (let unit = from; unit < to; unit++) {
          const image = Math.floor(unit / channels);
          const group = Math.floor((unit - image * channels) / (channels / groups));
          for (let k = 0; k < window; k++) {
            const element = (image * groups + group) * window + k;
            for (let place = 0; place < count; place++) {
              for (let axis = 0; axis < rank; axis++) {
                const start = indexOf(place, outer, axis) * strides[axis]! - before[axis]!;
                const moved = offset![(element * rank + axis) * count + place]!;
                const at = start + indexOf(k, kernel, axis) * dilations[axis]! + moved;
                linearTaps(taps[axis]!, at, lengths[axis]!);
              }
              const around = spread(taps, own, offsets, weights);
              let total = 0;
              for (let i = 0; i < around; i++)
                if (offsets[i]! >= 0) total += weights[i]! * x![unit * size + offsets[i]!]!;
              if (mask !== undefined) total *= mask[element * count + place]!;
              out[unit * unitSize + k * count + place] = total;
            }
          }
        }
      },
    };
  }
}
