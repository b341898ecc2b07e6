import { DataError } from "../errors.js";

/** How a field's bytes are read; a message by its own fields. */
type FieldType = "integer" | "bigint" | "float" | "double" | "text" | "bytes" | MessageType;

/** A field of a message: its name, how it is read, and whether it may come several times. */
export type Field = readonly [name: string, type: FieldType, repeated?: "repeated"];

/** The fields of a message by their numbers. Filled after it is made where messages hold each other. */
export interface MessageType {
  readonly name: string;
  readonly fields: Record<number, Field>;
}

/** Messages hold messages, subgraphs graphs; more of them than this is no model. */
const DEEPEST = 100;

const utf8 = new TextDecoder();

/**
 * Reads a Protocol Buffers message: an object with the fields that are there, and an array, perhaps empty, for each
 * field that may come several times. Bytes are views of `bytes`.
 *
 * @throws DataError where the bytes are no such message
 */
export function readMessage(type: MessageType, bytes: Uint8Array): Record<string, unknown> {
  return read(type, new Reader(bytes), bytes.length, 0);
}

function read(type: MessageType, reader: Reader, end: number, depth: number): Record<string, unknown> {
  if (depth > DEEPEST) throw damaged(`messages lie ${DEEPEST} deep in each other`, reader.at);
  const message: Record<string, unknown> = {};
  for (const key in type.fields) {
    const [name, , repeated] = type.fields[key]!;
    if (repeated) message[name] = [];
  }
  while (reader.at < end) {
    const start = reader.at;
    const tag = reader.integer(end);
    const field = type.fields[tag >>> 3];
    const wire = tag & 7;
    if (wire === 2) {
      const length = reader.integer(end);
      const stop = reader.at + length;
      if (!(length >= 0 && stop <= end)) throw damaged(`a field of ${type.name} reaches beyond it`, start);
      if (field !== undefined) addDelimited(message, field, reader, stop, depth);
      reader.at = stop;
    } else {
      const value = scalar(reader, wire, field, end, type);
      if (field !== undefined && typeof field[1] === "string") add(message, field, value);
    }
  }
  return message;
}

function add(message: Record<string, unknown>, [name, , repeated]: Field, value: unknown): void {
  if (repeated) (message[name] as unknown[]).push(value);
  else message[name] = value;
}

/** A message, text, bytes, or numbers packed one after another. */
function addDelimited(
  message: Record<string, unknown>,
  field: Field,
  reader: Reader,
  stop: number,
  depth: number,
): void {
  const [name, type] = field;
  if (typeof type !== "string") add(message, field, read(type, reader, stop, depth + 1));
  else if (type === "text") add(message, field, utf8.decode(reader.bytes.subarray(reader.at, stop)));
  else if (type === "bytes") add(message, field, reader.bytes.subarray(reader.at, stop));
  else {
    const list = message[name];
    while (reader.at < stop) {
      const value = number(reader, type, stop);
      if (Array.isArray(list)) list.push(value);
      else message[name] = value;
    }
  }
}

function number(reader: Reader, type: FieldType, end: number): number | bigint {
  if (type === "float") return reader.float(end);
  if (type === "double") return reader.double(end);
  return type === "bigint" ? reader.bigint(end) : reader.integer(end);
}

function scalar(
  reader: Reader,
  wire: number,
  field: Field | undefined,
  end: number,
  type: MessageType,
): number | bigint {
  if (wire === 0) return field?.[1] === "bigint" ? reader.bigint(end) : reader.integer(end);
  if (wire === 5) return reader.float(end);
  if (wire === 1) return reader.double(end);
  throw damaged(`${type.name} has a field of wire type ${wire}`, reader.at);
}

class Reader {
  readonly bytes: Uint8Array;
  at = 0;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A varint as a signed number, exact up to 2⁵³. */
  integer(end: number): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte(end);
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= bits << 31;
      if (byte < 128) return high * 2 ** 32 + (low >>> 0);
    }
    throw damaged("a number has more than ten bytes", this.at);
  }

  bigint(end: number): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte(end);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
    throw damaged("a number has more than ten bytes", this.at);
  }

  float(end: number): number {
    return this.view.getFloat32(this.skip(4, end), true);
  }

  double(end: number): number {
    return this.view.getFloat64(this.skip(8, end), true);
  }

  private byte(end: number): number {
    return this.bytes[this.skip(1, end)]!;
  }

  private skip(length: number, end: number): number {
    const at = this.at;
    if (at + length > end) throw damaged("it ends in the middle of a number", at);
    this.at = at + length;
    return at;
  }
}

function damaged(what: string, at: number): DataError {
  return new DataError(`no ONNX file, or a damaged one: byte ${at}: ${what}`);
}
