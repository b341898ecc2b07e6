import { sharedMemory } from "./request-memory.js";

/** The longest double, such as -2.2250738585072014e-308, and a comma. */
const LONGEST_NUMBER = 25;
const STRIDE = 1 << 14;

/** Numbers that print as JSON has them, where they are finite. */
export type Elements =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/**
 * JSON with many numbers, written as a text, or, where it is to lie in shared memory, piece by piece into that: a
 * message would copy a text on the receiving thread, which is the one not to hold up, and a text of all would be
 * made in pieces anyway.
 */
export class JsonText {
  private text = "";
  private bytes: Buffer | undefined;
  private length = 0;

  /** @param numbers how many there will be at most */
  constructor(
    { shared }: { shared: boolean },
    private readonly most: number,
  ) {
    if (shared) this.bytes = Buffer.alloc(0);
  }

  /** Adds text. */
  add(text: string): this {
    if (this.bytes === undefined) {
      this.text += text;
      return this;
    }
    // What is not used of it is never touched, and so takes no memory.
    if (this.length === 0)
      this.bytes = Buffer.from(sharedMemory(this.most * LONGEST_NUMBER + 3 * text.length + 4096 + (1 << 16)));
    this.length += this.bytes.write(text, this.length);
    return this;
  }

  /** Adds numbers, with commas between them; all are finite. */
  numbers(values: Elements): this {
    return this.each(values, (part) => part.join(","));
  }

  /** Adds numbers, null for those that are not finite. */
  nullable(values: Float64Array): this {
    return this.each(values, (part) =>
      part.every(Number.isFinite)
        ? part.join(",")
        : Array.from(part, (v) => (Number.isFinite(v) ? v : "null")).join(","),
    );
  }

  /** What was written. */
  finish(): string | Uint8Array {
    return this.bytes === undefined ? this.text : this.bytes.subarray(0, this.length);
  }

  private each<T extends Elements>(values: T, join: (part: T) => string): this {
    for (let from = 0; from < values.length; from += STRIDE) {
      if (from > 0) this.add(",");
      this.add(join(values.subarray(from, from + STRIDE) as T));
    }
    return this;
  }
}
