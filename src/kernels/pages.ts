import type { Kernels } from "./kernels.js";

/** A block of compressed bytes in a page. */
export interface Lz4Block {
  readonly from: number;
  readonly length: number;
  readonly stored: boolean;
}

/**
 * Room in the kernels' memory for a page of bytes and for what it is decompressed to, used again by the next page. What
 * it gives are views, good until then.
 */
export class PageBuffer {
  readonly #kernels: Kernels;
  #input = { address: 0, size: 0 };
  #output = { address: 0, size: 0 };

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /** Room for a page of `length` bytes, to be read into. */
  input(length: number): Uint8Array {
    this.#input = this.#roomFor(this.#input, length);
    return this.#view(this.#input.address, length);
  }

  /**
   * Decompresses bytes of the page that was read last, by Snappy.
   *
   * @param from where in the page they begin
   * @throws RangeError where they are damaged, or give another number of bytes than `size`
   */
  snappy(from: number, length: number, size: number): Uint8Array {
    this.#output = this.#roomFor(this.#output, size);
    const { address } = this.#output;
    const { exports } = this.#kernels;
    if (exports.snappyDecompress(this.#input.address + from, length, address, size) !== 1)
      throw new RangeError("the compressed bytes of a page are damaged");
    return this.#view(address, size);
  }

  /**
   * Decompresses blocks of LZ4 that lie in the page that was read last, one behind the other, each of which may repeat
   * bytes of those before.
   *
   * @param blocks where in the page each begins, its length, and whether it is stored as it is
   * @throws RangeError where they are damaged, or give another number of bytes than `size`
   */
  lz4(blocks: readonly Lz4Block[], size: number): Uint8Array {
    this.#output = this.#roomFor(this.#output, size);
    const { address } = this.#output;
    const { exports, bytes } = this.#kernels;
    let to = address;
    for (const { from, length, stored } of blocks) {
      const input = this.#input.address + from;
      if (!stored) to = exports.lz4Decompress(input, length, address, to, address + size);
      else if (length > address + size - to) to = 0;
      else {
        bytes.copyWithin(to, input, input + length);
        to += length;
      }
      if (to === 0) break;
    }
    if (to !== address + size) throw new RangeError("the compressed bytes of a buffer are damaged");
    return this.#view(address, size);
  }

  #view(address: number, length: number): Uint8Array {
    return this.#kernels.bytes.subarray(address, address + length);
  }

  /** Grows by doubling, so that what is given up is no more than what is kept. */
  #roomFor(room: { address: number; size: number }, needed: number): { address: number; size: number } {
    if (needed <= room.size) return room;
    const size = Math.max(needed, 2 * room.size, 1 << 16);
    // A copy of 16 bytes at a time may go beyond the end.
    return { address: this.#kernels.alloc(size + 16), size };
  }
}
