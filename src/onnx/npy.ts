import { DataError } from "../errors.js";
import { type BigData, type Data, type DType, Tensor } from "../machine/index.js";
import { Transpose } from "../machine/ops/layout.js";

/** NumPy's letters for our types, little-endian. */
const DESCRIPTIONS: Readonly<Record<DType, string>> = {
  float64: "<f8",
  float32: "<f4",
  int64: "<i8",
  int32: "<i4",
  int16: "<i2",
  int8: "|i1",
  uint64: "<u8",
  uint32: "<u4",
  uint16: "<u2",
  uint8: "|u1",
  bool: "|b1",
};

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/**
 * A tensor as NumPy's file format has it, version 1 to 3; elements are copied.
 *
 * @throws DataError where the bytes are no such file, or its elements of a type that goml does not have
 * @example
 * ```js
 * import { tensor } from "goml/machine";
 * import { readNpy, writeNpy } from "goml/onnx";
 *
 * console.log(readNpy(writeNpy(tensor([[1, 2], [3, 4]]))).toArray()); // [ [ 1, 2 ], [ 3, 4 ] ]
 * ```
 */
export function readNpy(bytes: Uint8Array): Tensor {
  if (!MAGIC.every((byte, i) => bytes[i] === byte) || bytes.length < 10) throw new DataError("no .npy file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes[6]! >= 2;
  const start = wide ? 12 : 10;
  const length = wide && bytes.length >= 12 ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const shapeText = /'shape'\s*:\s*\(([^)]*)\)/.exec(header)?.[1];
  const plain = descr?.replace(/^=/, "<").replace(/^[<|](?=[iu]1|b1)/, "|");
  const dtype = (Object.keys(DESCRIPTIONS) as DType[]).find((own) => DESCRIPTIONS[own] === plain);
  if (dtype === undefined || order === undefined || shapeText === undefined)
    throw new DataError(`a .npy file of ${descr ?? "unknown elements"} is not supported`);
  const shape = shapeText.split(",").flatMap((text) => (text.trim() === "" ? [] : [Number(text)]));
  const size = shape.reduce((product, own) => product * own, 1);
  // Not by `slice`, which for a Buffer is no copy.
  const elements = new Uint8Array(bytes.subarray(start + length));
  const width = Number(DESCRIPTIONS[dtype].slice(2));
  if (!(elements.length === size * width))
    throw new DataError(
      `a .npy file of shape (${shapeText}) has ${elements.length} bytes of elements, not ${size * width}`,
    );
  const data = dataOf(dtype, elements.buffer, size);
  if (order === "False") return new Tensor(data, shape, dtype);
  return new Transpose({}).do([new Tensor(data, [...shape].reverse(), dtype)]) as Tensor;
}

/**
 * A tensor's bytes in NumPy's file format, version 1.
 *
 * @example
 * ```js
 * import { writeFileSync } from "node:fs";
 * import { tensor } from "goml/machine";
 * import { writeNpy } from "goml/onnx";
 *
 * const bytes = writeNpy(tensor([1, 2, 3]));
 * writeFileSync("x.npy", bytes);
 * console.log(bytes.length); // 152
 * ```
 */
export function writeNpy({ dtype, shape, data }: Tensor): Uint8Array {
  const comma = shape.length === 1 ? "," : "";
  const dictionary = `{'descr': '${DESCRIPTIONS[dtype]}', 'fortran_order': False, 'shape': (${shape.join(", ")}${comma}), }`;
  // Elements begin at a multiple of 64.
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10;
  const bytes = new Uint8Array(10 + length + data.byteLength);
  bytes.set([...MAGIC, 1, 0, length & 255, length >> 8]);
  bytes.set(new TextEncoder().encode(`${dictionary.padEnd(length - 1)}\n`), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + length);
  return bytes;
}

function dataOf(dtype: DType, buffer: ArrayBuffer, size: number): Data | BigData {
  switch (dtype) {
    case "float64":
      return new Float64Array(buffer, 0, size);
    case "float32":
      return new Float32Array(buffer, 0, size);
    case "int64":
      return new BigInt64Array(buffer, 0, size);
    case "uint64":
      return new BigUint64Array(buffer, 0, size);
    case "int32":
      return new Int32Array(buffer, 0, size);
    case "uint32":
      return new Uint32Array(buffer, 0, size);
    case "int16":
      return new Int16Array(buffer, 0, size);
    case "uint16":
      return new Uint16Array(buffer, 0, size);
    case "int8":
      return new Int8Array(buffer, 0, size);
    default:
      return new Uint8Array(buffer, 0, size);
  }
}
