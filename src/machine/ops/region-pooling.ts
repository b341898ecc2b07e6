import { ShapeError } from "../errors.js";
import { type Attributes, checkArity, type Kernel, type TensorType, TypedOp } from "../op.js";
import { formatShape, sizeOf } from "../shape.js";

export interface RegionMaximumAttributes {
  readonly height: number;
  readonly width: number;
  /** What corners are multiplied by to count elements of x. */
  readonly spatialScale: number;
}

/**
 * The greatest elements of the cells of regions of x, N × C × H × W: R × C × height × width (Girshick 2015). A region is
 * its image's number and two corners, x before y, the second of which is within; an empty cell gives 0.
 */
export class RegionMaximum extends TypedOp {
  readonly name = "regionMaximum";
  override readonly attributes: Attributes & RegionMaximumAttributes;
  override readonly portable = true;

  constructor(attributes: RegionMaximumAttributes) {
    super();
    this.attributes = { ...attributes };
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 2);
    const [x, regions] = inputs as [TensorType, TensorType];
    if (x.shape.length !== 4 || regions.shape.length !== 2 || regions.shape[1] !== 5)
      throw new ShapeError(`${formatShape(regions.shape)} are no regions of ${formatShape(x.shape)}`);
    const { height, width } = this.attributes;
    return [{ dtype: x.dtype, shape: [regions.shape[0]!, x.shape[1]!, height, width] }];
  }

  make([x]: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const [images, channels, rows, columns] = x!.shape as [number, number, number, number];
    const { height, width, spatialScale } = this.attributes;
    /** From where to before where cell i of n reaches. */
    const cell = (i: number, n: number, first: number, last: number, length: number) => {
      const size = Math.max(1, last - first + 1) / n;
      const held = (at: number) => Math.max(0, Math.min(length, first + at));
      return [held(Math.floor(i * size)), held(Math.ceil((i + 1) * size))] as const;
    };
    return {
      units: sizeOf(result!.shape.slice(0, 2)),
      cost: sizeOf(result!.shape) * 200,
      run: ([a, regions], out, from, to) => {
        for (let unit = from; unit < to; unit++) {
          const region = Math.floor(unit / channels);
          const [image, ...corners] = regions!.subarray(5 * region, 5 * region + 5) as Float32Array;
          if (!(image! >= 0 && image! < images))
            throw new RangeError(`image ${image} is not one of ${images}`);
          const [left, top, right, bottom] = Array.from(corners, (at) => Math.round(at * spatialScale));
          const base = (image! * channels + (unit % channels)) * rows * columns;
          for (let py = 0; py < height; py++) {
            const [y0, y1] = cell(py, height, top!, bottom!, rows);
            for (let px = 0; px < width; px++) {
              const [x0, x1] = cell(px, width, left!, right!, columns);
              let most = y0 < y1 && x0 < x1 ? Number.NEGATIVE_INFINITY : 0;
              for (let y = y0; y < y1; y++)
                for (let z = x0; z < x1; z++) most = Math.max(most, a![base + y * columns + z]!);
              out[(unit * height + py) * width + px] = most;
            }
          }
        }
      },
    };
  }
}
