import { type Numbers, numbersOf } from "./batch.js";
import { badRequest, quoted } from "./request-error.js";

interface NumericType {
  /** Bytes per element. */
  readonly size: number;
  readonly read: (view: DataView, at: number) => number;
  /** The value as the type holds it, NaN where it cannot. */
  readonly cast: (value: number) => number;
}

const integer = (low: number, high: number) => (v: number) =>
  Number.isInteger(v) && v >= low && v <= high ? v : Number.NaN;
const finite = (v: number) => (Number.isFinite(v) ? v : Number.NaN);
/** Below 2^63 and 2^64 the largest doubles are 1024 and 2048 less. */
const LARGEST_INT64 = 2 ** 63 - 1024;
const LARGEST_UINT64 = 2 ** 64 - 2048;

/** The protocol's datatypes of numbers, and of truth values as 1 and 0. */
const NUMERIC: ReadonlyMap<string, NumericType> = new Map<string, NumericType>([
  ["FP64", { size: 8, read: (d, at) => d.getFloat64(at, true), cast: finite }],
  ["FP32", { size: 4, read: (d, at) => d.getFloat32(at, true), cast: (v) => finite(Math.fround(v)) }],
  [
    "INT64",
    { size: 8, read: (d, at) => Number(d.getBigInt64(at, true)), cast: integer(-(2 ** 63), LARGEST_INT64) },
  ],
  ["INT32", { size: 4, read: (d, at) => d.getInt32(at, true), cast: integer(-(2 ** 31), 2 ** 31 - 1) }],
  ["INT16", { size: 2, read: (d, at) => d.getInt16(at, true), cast: integer(-(2 ** 15), 2 ** 15 - 1) }],
  ["INT8", { size: 1, read: (d, at) => d.getInt8(at), cast: integer(-128, 127) }],
  [
    "UINT64",
    { size: 8, read: (d, at) => Number(d.getBigUint64(at, true)), cast: integer(0, LARGEST_UINT64) },
  ],
  ["UINT32", { size: 4, read: (d, at) => d.getUint32(at, true), cast: integer(0, 2 ** 32 - 1) }],
  ["UINT16", { size: 2, read: (d, at) => d.getUint16(at, true), cast: integer(0, 2 ** 16 - 1) }],
  ["UINT8", { size: 1, read: (d, at) => d.getUint8(at), cast: integer(0, 255) }],
  ["BOOL", { size: 1, read: (d, at) => d.getUint8(at), cast: integer(0, 1) }],
]);

/** What a tensor's element type is called in the protocol. */
export function datatypeOf(dtype: string): string {
  if (dtype === "string") return "BYTES";
  return dtype.startsWith("float") ? `FP${dtype.slice(5)}` : dtype.toUpperCase();
}

/** Whether the protocol has a datatype of this name that goml reads. */
export function isDatatype(name: string): boolean {
  return name === "BYTES" || NUMERIC.has(name);
}

/** The datatypes read, for messages. */
export const DATATYPES: readonly string[] = [...NUMERIC.keys(), "BYTES"];

/**
 * A numeric tensor from the binary extension: little-endian, row-major, read where it lies. NaN and infinities stay as
 * they are.
 */
export function binaryNumbers(bytes: Uint8Array, datatype: string, count: number): Numbers {
  const { size, read } = NUMERIC.get(datatype)!;
  if (bytes.length !== count * size)
    throw badRequest(`${count} elements of ${datatype} take ${count * size} bytes, got ${bytes.length}`);
  if (datatype === "FP64" && bytes.byteOffset % 8 === 0)
    return numbersOf(new Float64Array(bytes.buffer, bytes.byteOffset, count));
  const bool = datatype === "BOOL";
  if (bool) checkTruths(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { array: undefined, bool, at: (i) => read(view, i * size) };
}

/** @throws RequestError (400) for a byte that is neither 0 nor 1 */
export function checkTruths(bytes: Uint8Array): void {
  const odd = bytes.findIndex((v) => v > 1);
  if (odd >= 0) throw elementError(bytes[odd], odd, "BOOL");
}

/** A BYTES tensor from the binary extension: each element is its length in 4 bytes, then UTF-8. */
export function binaryTexts(bytes: Uint8Array, count: number): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  let at = 0;
  while (texts.length < count && at + 4 <= bytes.length) {
    const end = at + 4 + view.getUint32(at, true);
    if (end > bytes.length) break;
    texts.push(buffer.toString("utf8", at + 4, end));
    at = end;
  }
  if (texts.length !== count || at !== bytes.length)
    throw badRequest(`the binary data are not ${count} elements of BYTES`);
  return texts;
}

/** A numeric tensor from JSON, flat or nested; every element is a finite number that the datatype can hold. */
export function jsonNumbers(data: unknown, shape: readonly number[], datatype: string): Numbers {
  const { cast } = NUMERIC.get(datatype)!;
  const bool = datatype === "BOOL";
  // Looked at before the array is made: a shape costs nothing to write, and may be anything.
  walk(data, shape, () => {});
  const out = new Float64Array(product(shape));
  let at = 0;
  const leaf = (list: readonly unknown[]) => {
    for (let i = 0; i < list.length; i++) {
      const v = list[i];
      const value = typeof v === "number" ? cast(v) : bool && typeof v === "boolean" ? Number(v) : Number.NaN;
      if (Number.isNaN(value)) throw elementError(v, at, datatype);
      out[at++] = value;
    }
  };
  walk(data, shape, leaf);
  return numbersOf(out, bool);
}

/** A BYTES tensor from JSON, flat or nested, of texts. */
export function jsonTexts(data: unknown, shape: readonly number[]): string[] {
  const out: string[] = [];
  walk(data, shape, (list) => {
    for (const v of list) {
      if (typeof v !== "string") throw elementError(v, out.length, "BYTES");
      out.push(v);
    }
  });
  return out;
}

/** The number of elements of a shape. */
export function product(shape: readonly number[]): number {
  return shape.reduce((n, d) => n * d, 1);
}

/** Calls `leaf` with the innermost lists: the data as a whole where they are flat. */
function walk(data: unknown, shape: readonly number[], leaf: (list: readonly unknown[]) => void): void {
  if (!Array.isArray(data)) throw badRequest(`data should be an array, got ${kindOf(data)}`);
  const flat = !Array.isArray(data[0]);
  const count = product(shape);
  if (flat) {
    if (data.length !== count)
      throw badRequest(`shape [${shape.join(", ")}] has ${count} elements, data has ${data.length}`);
    leaf(data);
    return;
  }
  const descend = (list: unknown, depth: number): void => {
    if (!Array.isArray(list) || list.length !== shape[depth])
      throw badRequest(
        `data does not have the shape [${shape.join(", ")}]: expected an array of ${shape[depth]} at depth ${depth}, got ${kindOf(list)}`,
      );
    if (depth === shape.length - 1) leaf(list);
    else for (const inner of list) descend(inner, depth + 1);
  };
  descend(data, 0);
}

function elementError(value: unknown, at: number, datatype: string): Error {
  return badRequest(`element ${at} of data is ${kindOf(value)}, expected ${datatype}`);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "number") return String(value);
  return typeof value === "object" ? "an object" : quoted(value);
}
