/**
 * A message of Protocol Buffers under construction: fields are appended in the order of the calls.
 *
 * Of the wire format it has what ONNX needs: varints, and length-delimited bytes, texts and messages. A library was
 * refused: protobufjs is 30 times this file, and would still need ONNX's schema.
 */
export class Message {
  readonly #bytes: number[] = [];
  readonly #parts: Uint8Array[] = [];

  /** A whole number: int32, int64 or an enum. */
  integer(field: number, value: number | bigint): this {
    this.#varint(BigInt(field << 3));
    this.#varint(BigInt.asUintN(64, BigInt(value)));
    return this;
  }

  /** A number of 32 bits, which a float attribute is. */
  float(field: number, value: number): this {
    this.#varint(BigInt((field << 3) | 5));
    this.#bytes.push(...new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  /** A number of 64 bits. */
  double(field: number, value: number): this {
    this.#varint(BigInt((field << 3) | 1));
    this.#bytes.push(...new Uint8Array(Float64Array.of(value).buffer));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint(BigInt((field << 3) | 2));
    this.#varint(BigInt(value.length));
    this.#flush();
    this.#parts.push(value);
    return this;
  }

  /** The start of bytes that follow the message's end. */
  bytesAfter(field: number, length: number): this {
    this.#varint(BigInt((field << 3) | 2));
    this.#varint(BigInt(length));
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.encode());
  }

  encode(): Uint8Array {
    this.#flush();
    const out = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  /** Seven bits at a time, the lowest first; the eighth says that more follow. */
  #varint(value: bigint): void {
    let rest = value;
    while (rest > 127n) {
      this.#bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    this.#bytes.push(Number(rest));
  }

  #flush(): void {
    if (this.#bytes.length > 0) this.#parts.push(Uint8Array.from(this.#bytes));
    this.#bytes.length = 0;
  }
}
