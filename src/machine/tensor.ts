import { UsageError } from "../errors.js";
import { formatShape, type Shape, sizeOf, stridesOf } from "./shape.js";

/** The type of a tensor's elements; a bool is 1 or 0 in a byte. */
export type DType =
  | "float64"
  | "float32"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint64"
  | "uint32"
  | "uint16"
  | "uint8"
  | "bool";

/** A tensor's elements, row-major; those of int64 and uint64 are `BigData`, which `bigData` gives. */
export type Data =
  | Float64Array
  | Float32Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint32Array
  | Uint16Array
  | Uint8Array;

/** The elements of an int64 or uint64 tensor. */
export type BigData = BigInt64Array | BigUint64Array;

/** Numbers in nested arrays, as deep as the tensor has axes. */
export type Nested = number | readonly Nested[];

/** A dense array of any rank: `data` holds the elements row-major, `shape` the lengths of the axes. */
export class Tensor {
  /** Of an int64 or uint64 tensor, `BigData` in truth: see `bigData`. */
  readonly data: Data;
  readonly shape: Shape;
  readonly dtype: DType;

  /**
   * Wraps `data` without a copy; who shares a tensor with a machine must not write to it any more.
   *
   * @param dtype default: that of the array; a Uint8Array may hold bools too
   * @throws UsageError when `shape` does not hold exactly `data.length` elements, or they are not of `dtype`.
   */
  constructor(data: Data | BigData, shape: Shape, dtype: DType = dtypeOf(data)) {
    if (sizeOf(shape) !== data.length) {
      throw new UsageError(
        `a tensor of shape ${formatShape(shape)} has ${sizeOf(shape)} elements, the data have ${data.length}`,
      );
    }
    if (!holds(data, dtype)) throw new UsageError(`${data.constructor.name} does not hold ${dtype}`);
    this.data = data as Data;
    this.shape = shape;
    this.dtype = dtype;
  }

  /** The elements of an int64 or uint64 tensor. @throws UsageError for any other. */
  get bigData(): BigData {
    if (isBig(this.dtype)) return this.data as unknown as BigData;
    throw new UsageError(`the elements of ${this.dtype} are numbers`);
  }

  /** The element at the given index, one number per axis, as a number, also where it is an int64. */
  at(...index: number[]): number {
    const inside = index.every((i, axis) => Number.isInteger(i) && i >= 0 && i < this.shape[axis]!);
    if (index.length !== this.shape.length || !inside) {
      throw new UsageError(
        `no element [${index.join(", ")}] in a tensor of shape ${formatShape(this.shape)}`,
      );
    }
    const strides = stridesOf(this.shape);
    return Number(this.data[index.reduce((offset, i, axis) => offset + i * strides[axis]!, 0)]!);
  }

  /** The one element of a tensor that has one. */
  item(): number {
    if (this.data.length !== 1) {
      throw new UsageError(`item() needs a tensor of one element, got shape ${formatShape(this.shape)}`);
    }
    return Number(this.data[0]!);
  }

  /** The elements in nested arrays; a number for a scalar. */
  toArray(): Nested {
    const nest = (axis: number, offset: number, size: number): Nested => {
      if (axis === this.shape.length) return Number(this.data[offset]!);
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
 * @example
 * ```js
 * import { tensor } from "goml/machine";
 *
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * console.log(x.shape, x.dtype); // [ 2, 3 ] float64
 * ```
 */
export function tensor(values: Nested | Data | BigData, shape?: Shape, dtype?: DType): Tensor {
  if (isTypedArray(values)) {
    const data = dtype === undefined || holds(values, dtype) ? values : convert(values, dtype);
    return new Tensor(data, shape ?? [values.length], dtype);
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
  const type = dtype ?? "float64";
  return new Tensor(convert(flat, type), shape ?? found, type);
}

/** Whether a value is a tensor's elements. */
export function isTypedArray(value: unknown): value is Data | BigData {
  return value instanceof Float64Array || value instanceof Float32Array || ArrayBuffer.isView(value);
}

/** Whether the elements of a type are bigints. */
export function isBig(dtype: DType): boolean {
  return dtype === "int64" || dtype === "uint64";
}

/** Whether a type is float64 or float32. */
export function isFloat(dtype: DType): boolean {
  return dtype === "float64" || dtype === "float32";
}

/** The bytes of one element. */
export function bytesOf(dtype: DType): number {
  return dtype === "float64" ? 8 : arrays[dtype].BYTES_PER_ELEMENT;
}

/** Zeros. */
export function allocate(dtype: DType, size: number): Data {
  if (dtype === "float64") return new Float64Array(size);
  return new arrays[dtype](size) as Data;
}

/** The elements of `dtype` that lie in a buffer from a multiple of their size on. */
export function dataAt(dtype: DType, buffer: ArrayBufferLike, offset: number, size: number): Data {
  if (dtype === "float64") return new Float64Array(buffer, offset, size);
  return new arrays[dtype](buffer as ArrayBuffer, offset, size) as Data;
}

/**
 * The values in another type: fractions are cut off where it has none, integers taken modulo its range, and as a bool
 * all but 0 is 1.
 */
function convert(values: ArrayLike<number> | ArrayLike<bigint>, dtype: DType): Data {
  const { length } = values;
  if (isBig(dtype)) {
    const big = allocate(dtype, length) as unknown as BigData;
    for (let i = 0; i < length; i++) big[i] = toBig(values[i]!);
    return big as unknown as Data;
  }
  const result = allocate(dtype, length);
  // Cut to the type's bits before it becomes a number, which has 53.
  const wraps = typeof values[0] === "bigint" && !isFloat(dtype) && dtype !== "bool";
  if (dtype === "bool") for (let i = 0; i < length; i++) result[i] = Number(values[i]!) !== 0 ? 1 : 0;
  else if (wraps) for (let i = 0; i < length; i++) result[i] = Number(BigInt.asIntN(32, values[i] as bigint));
  else for (let i = 0; i < length; i++) result[i] = Number(values[i]!);
  return result;
}

function toBig(value: number | bigint): bigint {
  if (typeof value === "bigint") return value;
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
}

const arrays = {
  float64: Float64Array,
  float32: Float32Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

function dtypeOf(data: Data | BigData): DType {
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Float32Array) return "float32";
  for (const dtype of Object.keys(arrays) as DType[]) if (data instanceof arrays[dtype]) return dtype;
  throw new UsageError(`${(data as object).constructor.name} is no tensor's elements`);
}

function holds(data: Data | BigData, dtype: DType): boolean {
  return data instanceof arrays[dtype];
}
