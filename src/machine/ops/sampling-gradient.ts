import { type Attributes, type Kernel, type TensorType, TypedOp } from "../op.js";
import { type Shape, sizeOf } from "../shape.js";
import type { GridSampleAttributes } from "./grid-taps.js";
import { gridReader } from "./sampling.js";

/** The derivative of `GridSample` with respect to x: of a grid and what comes from above, 0 where nothing was read. */
export class GridSampleGradient extends TypedOp {
  readonly name = "gridSampleGradient";
  override readonly attributes: Attributes & GridSampleAttributes & { shape: Shape };
  override readonly portable = true;

  /** @param attributes `shape` is that of x */
  constructor(attributes: GridSampleAttributes & { shape: Shape }) {
    super();
    this.attributes = { ...attributes };
  }

  infer([, upstream]: readonly TensorType[]): readonly TensorType[] {
    return [{ dtype: upstream!.dtype, shape: this.attributes.shape }];
  }

  make([, upstream]: readonly TensorType[]): Kernel {
    const { shape } = this.attributes;
    const channels = shape[1]!;
    const rank = shape.length - 2;
    const size = sizeOf(shape.slice(2));
    const places = sizeOf(upstream!.shape.slice(2));
    return {
      units: sizeOf(shape.slice(0, 2)),
      cost: sizeOf(upstream!.shape) * 60,
      run: ([grid, g], out, from, to) => {
        const reader = gridReader(shape, this.attributes);
        const { offsets, weights } = reader;
        const sums = new Float64Array(size);
        for (let plane = from; plane < to; plane++) {
          const image = Math.floor(plane / channels);
          sums.fill(0);
          for (let i = 0; i < places; i++) {
            const count = reader.read(grid!, rank * (image * places + i));
            const own = g![plane * places + i]!;
            for (let k = 0; k < count; k++) if (offsets[k]! >= 0) sums[offsets[k]!]! += weights[k]! * own;
          }
          out.set(sums, plane * size);
        }
      },
    };
  }
}

/** The derivative of `GridSample` with respect to its grid: of x, the grid and what comes from above. */
export class GridPlaceGradient extends TypedOp {
  readonly name = "gridPlaceGradient";
  override readonly attributes: Attributes & GridSampleAttributes;
  override readonly portable = true;

  constructor(attributes: GridSampleAttributes) {
    super();
    this.attributes = { ...attributes };
  }

  infer([, grid]: readonly TensorType[]): readonly TensorType[] {
    return [grid!];
  }

  make([x, grid]: readonly TensorType[]): Kernel {
    const { shape } = x!;
    const channels = shape[1]!;
    const rank = shape.length - 2;
    const size = sizeOf(shape.slice(2));
    const places = sizeOf(grid!.shape.slice(1, -1));
    return {
      // A unit is one place of the grid.
      units: shape[0]! * places,
      cost: sizeOf(grid!.shape) * channels * 60,
      run: ([a, at, g], out, from, to) => {
        const reader = gridReader(shape, this.attributes);
        const { offsets, weights } = reader;
        for (let unit = from; unit < to; unit++) {
          const image = Math.floor(unit / places);
          reader.read(at!, rank * unit);
          for (let axis = 0; axis < rank; axis++) {
            const count = reader.sloped(axis);
            let total = 0;
            for (let c = 0; c < channels; c++) {
              const plane = image * channels + c;
              let slope = 0;
              for (let k = 0; k < count; k++)
                if (offsets[k]! >= 0) slope += weights[k]! * a![plane * size + offsets[k]!]!;
              total += slope * g![plane * places + (unit - image * places)]!;
            }
            out[rank * unit + rank - 1 - axis] = total;
          }
        }
      },
    };
  }
}
