import type { Hash } from "node:crypto";
import { type Kernels, threadKernels } from "./kernels.js";

/** Up to so many bytes are hashed here: Node's own digests take 5 ms to load, and hash eight times as fast then. */
const MOST = 1 << 18;
const BLOCK = 64;
/** The square roots' fractions that SHA-256 starts from (FIPS 180-4, section 5.3.3). */
const START = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/**
 * SHA-256 (FIPS 180-4) of bytes that come in pieces, as Node's `createHash("sha256")`: of up to 256 KiB in a kernel, so that a
 * small fit need not load `node:crypto`, of more by that.
 */
export class Sha256 {
  /** The bytes so far, while they are few. */
  #bytes = new Uint8Array(1 << 13);
  #length = 0;
  #long: Hash | undefined;

  update(piece: Uint8Array | string): this {
    const bytes = typeof piece === "string" ? new TextEncoder().encode(piece) : piece;
    const length = this.#length + bytes.length;
    if (this.#long === undefined && length > MOST) {
      this.#long = process.getBuiltinModule("node:crypto").createHash("sha256");
      this.#long.update(this.#bytes.subarray(0, this.#length));
    }
    if (this.#long !== undefined) {
      this.#long.update(bytes);
      return this;
    }
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
    return this;
  }

  /** The hash, as 64 hexadecimal digits; once. */
  digest(): string {
    return this.#long?.digest("hex") ?? hashOf(threadKernels(), this.#bytes.subarray(0, this.#length));
  }
}

function hashOf(kernels: Kernels, bytes: Uint8Array): string {
  const mark = kernels.mark();
  // A bit that is set, zeros, and the number of bits in the last eight bytes.
  const blocks = Math.ceil((bytes.length + 9) / BLOCK);
  const state = kernels.alloc(4 * START.length);
  const schedule = kernels.alloc(4 * BLOCK);
  const input = kernels.alloc(BLOCK * blocks);
  kernels.bytes.set(bytes, input);
  kernels.bytes.fill(0, input + bytes.length, input + BLOCK * blocks);
  kernels.bytes[input + bytes.length] = 0x80;
  const view = new DataView(kernels.bytes.buffer);
  view.setUint32(input + BLOCK * blocks - 4, 8 * bytes.length);
  for (const [i, word] of START.entries()) view.setUint32(state + 4 * i, word, true);
  kernels.exports.sha256Blocks(state, schedule, input, blocks);
  const words = START.map((_, i) =>
    view
      .getUint32(state + 4 * i, true)
      .toString(16)
      .padStart(8, "0"),
  );
  kernels.release(mark);
  return words.join("");
}
