import { ShapeError } from "../errors.js";
import { type Attributes, checkArity, type Kernel, type TensorType, TypedOp } from "../op.js";
import { formatShape, sizeOf } from "../shape.js";
import type { Data } from "../tensor.js";

export interface GridSampleAttributes {
  readonly mode: "bilinear" | "nearest" | "bicubic";
  readonly padding: "zeros" | "border" | "reflection";
  /** Whether −1 and 1 are the middles of the outermost elements, not their outer edges. */
  readonly alignCorners: boolean;
}

/** x, N × C × H × W, read at the places of a grid, N × H′ × W′ × 2, of numbers x, y between −1 and 1. */
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
    if (
      x.shape.length !== 4 ||
      grid.shape.length !== 4 ||
      grid.shape[3] !== 2 ||
      grid.shape[0] !== x.shape[0]
    )
      throw new ShapeError(`${formatShape(grid.shape)} is no grid for ${formatShape(x.shape)}`);
    return [{ dtype: x.dtype, shape: [x.shape[0]!, x.shape[1]!, grid.shape[1]!, grid.shape[2]!] }];
  }

  make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const [, channels, height, width] = inputs[0]!.shape as [number, number, number, number];
    const places = result!.shape[2]! * result!.shape[3]!;
    const { mode, padding, alignCorners } = this.attributes;
    const toPlace = (at: number, length: number) =>
      alignCorners ? ((at + 1) / 2) * (length - 1) : ((at + 1) * length - 1) / 2;
    const inside = (at: number, length: number): number => {
      if (padding === "zeros") return at >= 0 && at < length ? at : -1;
      if (padding === "border") return Math.max(0, Math.min(length - 1, at));
      return reflected(at, length, alignCorners);
    };
    const element = (x: Data, base: number, row: number, column: number): number => {
      const [y, z] = [inside(row, height), inside(column, width)];
      return y < 0 || z < 0 ? 0 : x[base + y * width + z]!;
    };
    const sample = (x: Data, base: number, row: number, column: number): number => {
      if (mode === "nearest") return element(x, base, evenRound(row), evenRound(column));
      const [y, z] = [Math.floor(row), Math.floor(column)];
      const weights = mode === "bilinear" ? linear : cubic;
      const [ys, zs] = [weights(row - y), weights(column - z)];
      const lead = mode === "bilinear" ? 0 : 1;
      let total = 0;
      for (const [i, wy] of ys.entries())
        for (const [j, wz] of zs.entries()) total += wy * wz * element(x, base, y - lead + i, z - lead + j);
      return total;
    };
    return {
      units: sizeOf(result!.shape.slice(0, 2)),
      cost: sizeOf(result!.shape) * 60,
      run: ([x, grid], out, from, to) => {
        for (let plane = from; plane < to; plane++) {
          const image = Math.floor(plane / channels);
          for (let i = 0; i < places; i++) {
            const at = 2 * (image * places + i);
            let column = toPlace(grid![at]!, width);
            let row = toPlace(grid![at + 1]!, height);
            if (padding === "border") {
              column = Math.max(0, Math.min(width - 1, column));
              row = Math.max(0, Math.min(height - 1, row));
            } else if (padding === "reflection") {
              column = reflectedAt(column, width, alignCorners);
              row = reflectedAt(row, height, alignCorners);
            }
            out[plane * places + i] = sample(x!, plane * height * width, row, column);
          }
        }
      },
    };
  }
}

const linear = (t: number) => [1 - t, t];
const cubic = (t: number) => {
  const a = -0.75;
  const near = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
};

function evenRound(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

function reflectedAt(at: number, length: number, alignCorners: boolean): number {
  const [low, high] = alignCorners ? [0, length - 1] : [-0.5, length - 0.5];
  const range = high - low;
  if (range === 0) return 0;
  const distance = Math.abs(at - low) % (2 * range);
  return low + (distance > range ? 2 * range - distance : distance);
}

function reflected(at: number, length: number, alignCorners: boolean): number {
  return Math.max(0, Math.min(length - 1, Math.round(reflectedAt(at, length, alignCorners))));
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
