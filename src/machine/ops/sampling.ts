import { ShapeError } from "../errors.js";
import { type Attributes, checkArity, type Kernel, type TensorType, TypedOp } from "../op.js";
import { formatShape, type Shape, sizeOf, stridesOf } from "../shape.js";
import type { Data } from "../tensor.js";
import { type GridSampleAttributes, gridTaps, newTaps, spread } from "./grid-taps.js";

export type { GridSampleAttributes } from "./grid-taps.js";

/** Reads a grid of numbers, its axes after the first being places: what element by element of x a place is made of. */
export function gridReader(shape: Shape, attributes: GridSampleAttributes) {
  const lengths = shape.slice(2);
  const rank = lengths.length;
  const strides = stridesOf(lengths);
  const taps = lengths.map(newTaps);
  const offsets = new Int32Array(4 ** rank);
  const weights = new Float64Array(4 ** rank);
  return {
    offsets,
    weights,
    /** Fills `offsets` and `weights` for the place whose numbers begin at `at`; gives how many there are. */
    read(grid: Data, at: number): number {
      // The last axis is x, the first number.
      for (let axis = 0; axis < rank; axis++)
        gridTaps(taps[axis]!, grid[at + rank - 1 - axis]!, lengths[axis]!, attributes);
      return spread(taps, strides, offsets, weights);
    },
    /** As `read` of the place that was read last, with derivatives along an axis. */
    sloped: (axis: number): number => spread(taps, strides, offsets, weights, axis),
  };
}

/** x, N × C × …, read at the places of a grid, N × … × r, of r numbers between −1 and 1, the last axis' first. */
export class GridSample extends TypedOp {
  readonly name = "gridSample";
  override readonly attributes: Attributes & GridSampleAttributes;
  override readonly portable = true;

  constructor(attributes: GridSampleAttributes) {
    super();
    this.attributes = { ...attributes };
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 2);
    const [x, grid] = inputs as [TensorType, TensorType];
    const rank = x.shape.length - 2;
    const fits =
      rank >= 1 &&
      grid.shape.length === rank + 2 &&
      grid.shape.at(-1) === rank &&
      grid.shape[0] === x.shape[0];
    if (!fits) throw new ShapeError(`${formatShape(grid.shape)} is no grid for ${formatShape(x.shape)}`);
    return [{ dtype: x.dtype, shape: [x.shape[0]!, x.shape[1]!, ...grid.shape.slice(1, -1)] }];
  }

  make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const { shape } = inputs[0]!;
    const channels = shape[1]!;
    const rank = shape.length - 2;
    const size = sizeOf(shape.slice(2));
    const places = sizeOf(result!.shape.slice(2));
    return {
      units: sizeOf(result!.shape.slice(0, 2)),
      cost: sizeOf(result!.shape) * 60,
      run: ([x, grid], out, from, to) => {
        const reader = gridReader(shape, this.attributes);
        const { offsets, weights } = reader;
        for (let plane = from; plane < to; plane++) {
          const image = Math.floor(plane / channels);
          for (let i = 0; i < places; i++) {
            const count = reader.read(grid!, rank * (image * places + i));
            let total = 0;
            for (let k = 0; k < count; k++)
              total += weights[k]! * (offsets[k]! < 0 ? 0 : x![plane * size + offsets[k]!]!);
            out[plane * places + i] = total;
          }
        }
      },
    };
  }
}

export interface RegionAttributes {
  readonly mode: "avg" | "max";
  readonly height: number;
  readonly width: number;
  readonly samplingRatio: number;
  readonly spatialScale: number;
  /** Whether places are moved by half an element, as the middles of elements are. */
  readonly halfPixel: boolean;
}

/** Regions of x, N × C × H × W, given by their corners, R × 4, and their images, as R × C × height × width. */
export class RegionAlign extends TypedOp {
  readonly name = "regionAlign";
  override readonly attributes: Attributes & RegionAttributes;
  override readonly portable = true;

  constructor(attributes: RegionAttributes) {
    super();
    this.attributes = { ...attributes };
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 3);
    const { height, width } = this.attributes;
    const [x, regions] = inputs as [TensorType, TensorType];
    return [{ dtype: x.dtype, shape: [regions.shape[0]!, x.shape[1]!, height, width] }];
  }

  make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const [, channels, rows, columns] = inputs[0]!.shape as [number, number, number, number];
    const { mode, height, width, samplingRatio, spatialScale, halfPixel } = this.attributes;
    const shift = halfPixel ? 0.5 : 0;
    return {
      units: sizeOf(result!.shape.slice(0, 2)),
      cost: sizeOf(result!.shape) * 200,
      run: ([x, regions, images], out, from, to) => {
        for (let unit = from; unit < to; unit++) {
          const region = Math.floor(unit / channels);
          const base = (Number(images![region]!) * channels + (unit % channels)) * rows * columns;
          const corner = (i: number) => regions![4 * region + i]! * spatialScale - shift;
          const [left, top] = [corner(0), corner(1)];
          let [w, h] = [corner(2) - left, corner(3) - top];
          if (!halfPixel) [w, h] = [Math.max(w, 1), Math.max(h, 1)];
          const [binW, binH] = [w / width, h / height];
          const gridH = samplingRatio > 0 ? samplingRatio : Math.ceil(h / height);
          const gridW = samplingRatio > 0 ? samplingRatio : Math.ceil(w / width);
          for (let py = 0; py < height; py++) {
            for (let px = 0; px < width; px++) {
              let total = mode === "max" ? Number.NEGATIVE_INFINITY : 0;
              for (let iy = 0; iy < gridH; iy++) {
                for (let ix = 0; ix < gridW; ix++) {
                  const y = top + py * binH + ((iy + 0.5) * binH) / gridH;
                  const z = left + px * binW + ((ix + 0.5) * binW) / gridW;
                  const parts = corners(x!, base, rows, columns, y, z);
                  if (mode === "max") total = Math.max(total, ...parts);
                  else total += parts.reduce((sum, part) => sum + part, 0);
                }
              }
              out[(unit * height + py) * width + px] =
                mode === "max" ? total : total / Math.max(1, gridH * gridW);
            }
          }
        }
      },
    };
  }
}

/** The four elements around a place, by their weights. */
function corners(
  x: Data,
  base: number,
  rows: number,
  columns: number,
  row: number,
  column: number,
): number[] {
  if (row < -1 || row > rows || column < -1 || column > columns) return [0, 0, 0, 0];
  const along = (at: number, length: number): [number, number, number] => {
    const low = Math.floor(Math.max(0, at));
    return low >= length - 1 ? [length - 1, length - 1, 0] : [low, low + 1, Math.max(0, at) - low];
  };
  const [y0, y1, dy] = along(row, rows);
  const [z0, z1, dz] = along(column, columns);
  const at = (y: number, z: number) => x[base + y * columns + z]!;
  return [
    (1 - dy) * (1 - dz) * at(y0, z0),
    (1 - dy) * dz * at(y0, z1),
    dy * (1 - dz) * at(y1, z0),
    dy * dz * at(y1, z1),
  ];
}
