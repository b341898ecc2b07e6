import { DataError } from "../errors.js";
import { type BigData, type Data, type DType, Tensor, tensor } from "../machine/index.js";
import { bytesOf } from "../machine/tensor.js";
import type { SparseTensorProto, TensorProto } from "./messages.js";

/** ONNX's numbers of element types; float16 and bfloat16 are widened to float32. */
const TYPES: Readonly<Record<number, DType | "string">> = {
  1: "float32",
  2: "uint8",
  3: "int8",
  4: "uint16",
  5: "int16",
  6: "int32",
  7: "int64",
  8: "string",
  9: "bool",
  10: "float32",
  11: "float64",
  12: "uint32",
  13: "uint64",
  16: "float32",
};

const NAMES: Readonly<Record<number, string>> = {
  14: "complex64",
  15: "complex128",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  21: "uint4",
  22: "int4",
};

const FLOAT16 = 10;
const BFLOAT16 = 16;

/** A tensor of text, which is known when a graph is planned: machines compute with numbers alone. */
export class StringTensor {
  readonly strings: readonly string[];
  readonly shape: readonly number[];
  readonly dtype = "string";

  constructor(strings: readonly string[], shape: readonly number[]) {
    this.strings = strings;
    this.shape = shape;
  }
}

/** What an element type's number means here. @throws DataError for one that goml does not have. */
export function elementType(number: number | undefined): DType | "string" {
  const type = TYPES[number ?? 0];
  if (type !== undefined) return type;
  throw new DataError(`elements of type ${NAMES[number ?? 0] ?? number ?? "undefined"} are not supported`);
}

/** Gives the bytes of data that a model keeps in files beside it. */
export type ExternalData = (location: string) => Uint8Array;

/** The tensors of messages that were read before: what is made of a constant can be found again by its tensor. */
const tensors = new WeakMap<TensorProto, Tensor | StringTensor>();

/** As `tensorOf`, the same tensor for the same message. */
export function sameTensorOf(proto: TensorProto, external?: ExternalData): Tensor | StringTensor {
  let own = tensors.get(proto);
  if (own === undefined) {
    own = tensorOf(proto, external);
    tensors.set(proto, own);
  }
  return own;
}

/**
 * Whether a message's bytes are as many as its shape says, so that its tensor can be made later, when it is needed: of
 * bytes that are not aligned it is a copy.
 */
export function isWhole({ dims, dataType, dataLocation, rawData }: TensorProto): boolean {
  const type = TYPES[dataType ?? 0];
  if (type === undefined || type === "string" || dataLocation === 1 || rawData === undefined) return false;
  if (!dims.every((length) => Number.isSafeInteger(length) && length >= 0)) return false;
  const size = dataType === FLOAT16 || dataType === BFLOAT16 ? 2 : bytesOf(type);
  return rawData.length === size * dims.reduce((product, length) => product * length, 1);
}

/**
 * The tensor of a message: a view of the file's bytes where they are aligned, else a copy.
 *
 * @throws DataError where it has more or fewer elements than its shape
 * @example
 * ```js
 * import { readTensorProto, tensorOf } from "goml/onnx";
 *
 * // Two floats: dims, the type, and the bytes.
 * const tensor = [8, 2, 16, 1, 74, 8, ...new Uint8Array(Float32Array.of(1, 2).buffer)];
 * console.log(tensorOf(readTensorProto(Uint8Array.from(tensor))).toArray()); // [ 1, 2 ]
 * ```
 */
export function tensorOf(proto: TensorProto, external?: ExternalData): Tensor | StringTensor {
  const type = elementType(proto.dataType);
  const { dims } = proto;
  const what = `tensor ${JSON.stringify(proto.name ?? "")}`;
  if (!dims.every((length) => Number.isSafeInteger(length) && length >= 0)) {
    throw new DataError(`${what} has the shape [${dims.join(", ")}]`);
  }
  const size = dims.reduce((product, length) => product * length, 1);
  const fits = (count: number) => {
    if (count !== size) throw new DataError(`${what} of shape [${dims.join(", ")}] has ${count} elements`);
  };
  if (type === "string") {
    fits(proto.stringData.length);
    return new StringTensor(
      proto.stringData.map((bytes) => new TextDecoder().decode(bytes)),
      dims,
    );
  }
  const raw = proto.dataLocation === 1 ? externalBytes(proto, what, external) : proto.rawData;
  if (raw !== undefined) {
    const data = elementsOf(raw, proto.dataType!, type);
    fits(data === undefined ? raw.length : data.length);
    return new Tensor(data!, dims, type);
  }
  const list =
    proto.dataType === 1
      ? proto.floatData
      : proto.dataType === 11
        ? proto.doubleData
        : proto.dataType === 7
          ? proto.int64Data
          : proto.dataType === 13 || proto.dataType === 12
            ? proto.uint64Data
            : proto.int32Data;
  fits(list.length);
  return new Tensor(fromList(list, proto.dataType!, type), dims, type);
}

function fromList(list: readonly (number | bigint)[], number: number, type: DType): Data | BigData {
  if (number === FLOAT16 || number === BFLOAT16) {
    return widened(Uint16Array.from(list as readonly number[]), number);
  }
  if (type === "int64") return BigInt64Array.from(list as readonly bigint[]);
  if (type === "uint64") return BigUint64Array.from(list as readonly bigint[]);
  return tensor(list.map(Number), undefined, type).data;
}

/** The elements that bytes are; undefined where they are no whole number of them. */
function elementsOf(raw: Uint8Array, number: number, type: DType): Data | BigData | undefined {
  if (number === FLOAT16 || number === BFLOAT16) {
    const bits = viewOf(raw, Uint16Array);
    return bits && widened(bits, number);
  }
  return viewOf(raw, ARRAYS[type]);
}

interface Elements<T> {
  new (buffer: ArrayBuffer, offset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
}

const ARRAYS: Readonly<Record<DType, Elements<Data | BigData>>> = {
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
};

function viewOf<T>(raw: Uint8Array, array: Elements<T>): T | undefined {
  const size = array.BYTES_PER_ELEMENT;
  if (raw.length % size !== 0) return undefined;
  // A copy begins at a buffer of its own.
  const own = raw.byteOffset % size === 0 ? raw : new Uint8Array(raw);
  return new array(own.buffer as ArrayBuffer, own.byteOffset, own.length / size);
}

function widened(bits: Uint16Array, number: number): Float32Array {
  if (number === FLOAT16) return Float32Array.from(bits, half);
  const words = Uint32Array.from(bits, (value) => value << 16);
  return new Float32Array(words.buffer);
}

/** The number that a half-precision float's 16 bits say. */
function half(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function externalBytes(proto: TensorProto, what: string, external: ExternalData | undefined): Uint8Array {
  const entry = (key: string) => proto.externalData.find((own) => own.key === key)?.value;
  const location = entry("location");
  if (location === undefined) throw new DataError(`${what} does not say in which file its data are`);
  // A model may not read what lies elsewhere.
  if (location.startsWith("/") || location.split(/[\\/]/).includes(".."))
    throw new DataError(`${what} has its data in ${location}, outside of the model's folder`);
  if (external === undefined) throw new DataError(`${what} has its data in ${location}, which was not given`);
  const bytes = external(location);
  const offset = Number(entry("offset") ?? 0);
  const length = Number(entry("length") ?? bytes.length - offset);
  if (!(offset >= 0 && length >= 0 && offset + length <= bytes.length)) {
    throw new DataError(
      `${what} has its data at ${offset} to ${offset + length} of ${location}, which has ${bytes.length} bytes`,
    );
  }
  return bytes.subarray(offset, offset + length);
}

/** A sparse tensor, dense. */
export function denseOf({ values, indices, dims }: SparseTensorProto, most: number): Tensor {
  const value = values && tensorOf(values);
  const at = indices && tensorOf(indices);
  if (!(value instanceof Tensor && at instanceof Tensor))
    throw new DataError("a sparse tensor without numbers");
  const size = dims.reduce((product, length) => product * length, 1);
  if (!(size >= 0 && size <= most)) throw new DataError(`a sparse tensor of shape [${dims.join(", ")}]`);
  const dense = tensor(new Float64Array(size), [...dims], value.dtype);
  const width = at.shape.length === 2 ? at.shape[1]! : 1;
  for (let i = 0; i < value.data.length; i++) {
    let place = Number(at.data[i * width]!);
    if (at.shape.length === 2) {
      place = 0;
      for (let axis = 0; axis < dims.length; axis++)
        place = place * dims[axis]! + Number(at.data[i * width + axis]!);
    }
    if (!(place >= 0 && place < size))
      throw new DataError(`a sparse tensor has an element at ${place} of ${size}`);
    dense.data[place] = value.data[i]!;
  }
  return dense;
}
