import { isUtf8 } from "node:buffer";
import type { Values } from "../column-values.js";
import type { LeafColumn } from "./schema.js";

/**
 * Reads `count` values that lie one after the other (Parquet's encoding PLAIN), from byte `from` on. Texts come as
 * strings, integers of other lengths as bigints.
 *
 * @throws RangeError where the bytes end before
 */
export function readPlain(bytes: Uint8Array, from: number, column: LeafColumn, count: number): Values {
  const { physical, length } = column;
  switch (physical) {
    case "BOOLEAN": {
      check(bytes, from, Math.ceil(count / 8));
      const out = new Uint8Array(count);
      for (let i = 0; i < count; i++) out[i] = (bytes[from + (i >> 3)]! >> (i & 7)) & 1;
      return out;
    }
    case "DOUBLE":
      return new Float64Array(copied(bytes, from, 8 * count));
    case "FLOAT":
      return new Float32Array(copied(bytes, from, 4 * count));
    case "INT32": {
      const buffer = copied(bytes, from, 4 * count);
      return column.unsigned ? new Uint32Array(buffer) : new Int32Array(buffer);
    }
    case "INT64": {
      const buffer = copied(bytes, from, 8 * count);
      const { type } = column;
      return type.of === "integer" && type.unsigned ? new BigUint64Array(buffer) : new BigInt64Array(buffer);
    }
    case "INT96": {
      const view = new DataView(copied(bytes, from, 12 * count));
      return BigInt64Array.from({ length: count }, (_, i) => nanoseconds(view, 12 * i));
    }
    case "BYTE_ARRAY":
      return byteArrays(bytes, from, count).map((piece) => oneValue(piece, column));
    case "FIXED_LEN_BYTE_ARRAY": {
      check(bytes, from, length * count);
      return Array.from({ length: count }, (_, i) =>
        oneValue(bytes.subarray(from + i * length, from + (i + 1) * length), column),
      );
    }
  }
}

/** What the bytes of one value stand for. */
export function oneValue(
  bytes: Uint8Array,
  { physical, type, length }: LeafColumn,
): string | bigint | number {
  if (type.of === "decimal") return bigEndian(bytes);
  if (physical === "FIXED_LEN_BYTE_ARRAY") {
    if (type.of === "number" && length === 2) return half(bytes[0]! | (bytes[1]! << 8));
    const hex = Buffer.from(bytes).toString("hex");
    return length === 16 ? hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-") : hex;
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  if (text.includes("\uFFFD") && !isUtf8(bytes)) throw new RangeError("a text is not valid UTF-8");
  return text;
}

function byteArrays(bytes: Uint8Array, from: number, count: number): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const pieces: Uint8Array[] = new Array(count);
  let at = from;
  for (let i = 0; i < count; i++) {
    const length = view.getUint32(at, true);
    check(bytes, at + 4, length);
    pieces[i] = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
  return pieces;
}

/** Bytes as a buffer of their own, at whose start they are aligned for any type. */
function copied(bytes: Uint8Array, from: number, length: number): ArrayBuffer {
  check(bytes, from, length);
  const copy = new Uint8Array(length);
  copy.set(bytes.subarray(from, from + length));
  return copy.buffer;
}

function check(bytes: Uint8Array, from: number, length: number): void {
  if (from + length > bytes.length) throw new RangeError("the values of a page end too early");
}

/** A day of the Julian calendar's count and the nanoseconds in it, as those since 1970. */
function nanoseconds(view: DataView, at: number): bigint {
  const days = BigInt(view.getInt32(at + 8, true) - 2_440_588);
  return days * 86_400_000_000_000n + view.getBigInt64(at, true);
}

/** A signed integer, the highest byte first. */
function bigEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(8 * bytes.length, value);
}

/** A floating-point number of 16 bits (IEEE 754). */
function half(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
