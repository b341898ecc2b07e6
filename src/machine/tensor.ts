import { UsageError } from "../errors.js";
import { formatShape, type Shape, sizeOf, stridesOf } from "./shape.js";

/** The type of a tensor's elements. */
export type DType = "float64" | "float32";

/** A tensor's elements, row-major. */
export type Data = Float64Array | Float32Array;

/** Numbers in nested arrays, as deep as the tensor has axes. */
export type Nested = number | readonly Nested[];

/** A dense array of any rank: `data` holds the elements row-major, `shape` the lengths of the axes. */
export class Tensor {
  readonly data: Data;
  readonly shape: Shape;

  /**
   * Wraps `data` without a copy; who shares a tensor with a machine must not write to it any more.
   *
   * @throws UsageError when `shape` does not hold exactly `data.length` elements.
   */
  constructor(data: Data, shape: Shape) {
    if (sizeOf(shape) !== data.length) {
      throw new UsageError(
        `a tensor of shape ${formatShape(shape)} has ${sizeOf(shape)} elements, the data have ${data.length}`,
      );
    }
    this.data = data;
    this.shape = shape;
  }

  get dtype(): DType {
    return dtypeOf(this.data);
  }

  /** The element at the given index, one number per axis. */
  at(...index: number[]): number {
    const inside = index.every((i, axis) => Number.isInteger(i) && i >= 0 && i < this.shape[axis]!);
    if (index.length !== this.shape.length || !inside) {
      throw new UsageError(
        `no element [${index.join(", ")}] in a tensor of shape ${formatShape(this.shape)}`,
      );
    }
    const strides = stridesOf(this.shape);
    return this.data[index.reduce((offset, i, axis) => offset + i * strides[axis]!, 0)]!;
  }

  /** The one element of a tensor that has one. */
  item(): number {
    if (this.data.length !== 1) {
      throw new UsageError(`item() needs a tensor of one element, got shape ${formatShape(this.shape)}`);
    }
    return this.data[0]!;
  }

  /** The elements in nested arrays; a number for a scalar. */
  toArray(): Nested {
    const nest = (axis: number, offset: number, size: number): Nested => {
      if (axis === this.shape.length) return this.data[offset]!;
      const length = this.shape[axis]!;
      const step = length === 0 ? 0 : size / length;
      return Array.from({ length }, (_, i) => nest(axis + 1, offset + i * step, step));
    };
    return nest(0, 0, this.data.length);
  }
}

/**
 * Makes a tensor from a number, nested arrays or a typed array; a typed array is wrapped, not copied.
 *
 * `shape` may be left out for numbers and nested arrays, and defaults to one axis for a typed array. `dtype`
 * defaults to that of a typed array, else to float64.
 *
 * @throws UsageError when nested arrays are ragged, or their elements do not fit `shape`.
 */
export function tensor(values: Nested | Data, shape?: Shape, dtype?: DType): Tensor {
  if (values instanceof Float64Array || values instanceof Float32Array) {
    const data = dtype === undefined || dtype === dtypeOf(values) ? values : dataFrom(values, dtype);
    return new Tensor(data, shape ?? [values.length]);
  }
  const found: number[] = [];
  for (let level: Nested | undefined = values; typeof level === "object"; level = level[0])
    found.push(level.length);
  const flat: number[] = [];
  const flatten = (level: Nested, axis: number): void => {
    if (typeof level === "number" ? axis !== found.length : level.length !== found[axis]) {
      throw new UsageError(
        `nested arrays are ragged: they start as ${formatShape(found)}, but not all rows are alike`,
      );
    }
    if (typeof level === "number") flat.push(level);
    else for (const inner of level) flatten(inner, axis + 1);
  };
  flatten(values, 0);
  return new Tensor(dataFrom(flat, dtype ?? "float64"), shape ?? found);
}

function dtypeOf(data: Data): DType {
  return data instanceof Float64Array ? "float64" : "float32";
}

/** Zeros. */
export function allocate(dtype: DType, size: number): Data {
  return dtype === "float64" ? new Float64Array(size) : new Float32Array(size);
}

function dataFrom(values: ArrayLike<number>, dtype: DType): Data {
  return dtype === "float64" ? Float64Array.from(values) : Float32Array.from(values);
}
