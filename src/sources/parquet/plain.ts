import { isUtf8 } from "node:buffer";
import type { Values } from "../column-values.js";
import { half } from "../half-precision.js";
import type { LeafColumn } from "./schema.js";

/**
 * Reads `count` values that lie one after the other (Parquet's encoding PLAIN), from byte `from` on. Texts come as
 * strings, integers of other lengths as bigints, numbers as a view of the bytes, which may move within them.
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
      return numbersAt(Float64Array, bytes, from, count);
    case "FLOAT":
      return numbersAt(Float32Array, bytes, from, count);
    case "INT32":
      return column.unsigned
        ? numbersAt(Uint32Array, bytes, from, count)
        : numbersAt(Int32Array, bytes, from, count);
    case "INT64": {
      const { type } = column;
      return type.of === "integer" && type.unsigned
        ? numbersAt(BigUint64Array, bytes, from, count)
        : numbersAt(BigInt64Array, bytes, from, count);
    }
    case "INT96": {
      check(bytes, from, 12 * count);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      return BigInt64Array.from({ length: count }, (_, i) => nanoseconds(view, from + 12 * i));
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

/** Numbers of 4 or 8 bytes where they lie, moved to where they are aligned if they are not. */
function numbersAt<Numbers>(
  kind: { new (buffer: ArrayBufferLike, offset: number, length: number): Numbers; BYTES_PER_ELEMENT: number },
  bytes: Uint8Array,
  from: number,
  count: number,
): Numbers {
  const size = kind.BYTES_PER_ELEMENT;
  const length = size * count;
  check(bytes, from, length);
  const astray = (bytes.byteOffset + from) % size;
  if (astray === 0) return new kind(bytes.buffer, bytes.byteOffset + from, count);
  if (from < astray) return new kind(bytes.slice(from, from + length).buffer, 0, count);
  // What stands before the values has been read.
  bytes.copyWithin(from - astray, from, from + length);
  return new kind(bytes.buffer, bytes.byteOffset + from - astray, count);
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
