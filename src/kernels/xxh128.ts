import type { Kernels } from "./kernels.js";
import { addStripe, finish, SECRET, START } from "./xxh128-finish.js";

const BLOCK = 1024;
const STRIPE = 64;
/** In a state: two doubles (how many bytes, and how many of them are held), the sums, and what is held behind the 64 bytes before. */
const SUMS_AT = 16;
const HELD_AT = SUMS_AT + 8 * START.length;
/** Shorter contents are hashed otherwise, which is not here. */
const SHORTEST = 241;

/**
 * XXH128 of bytes that come in pieces: 128 bits of XXH3 (Collet, xxHash specification 0.2), which tell contents apart that
 * nobody made to collide, as `xxh128sum` prints them. Of more than 240 bytes: shorter ones have other ways.
 *
 * A piece is put where `room` says, and `add` called; `update` does both.
 */
export class Xxh128 {
  /** How many bytes a state takes. */
  static readonly STATE_BYTES = HELD_AT + STRIPE + BLOCK;
  readonly #kernels: Kernels;
  readonly #sums: number;
  readonly #secret: number;
  /** Bytes that no whole block has been made of yet, 64 that stand before them, and room for a piece. */
  readonly #data: number;
  readonly #piece: number;
  #held = 0;
  #length = 0;

  /** @param piece how many bytes are added at once at most */
  constructor(kernels: Kernels, piece = 1 << 16) {
    this.#kernels = kernels;
    this.#sums = kernels.alloc(8 * START.length);
    this.#secret = kernels.alloc(SECRET.length);
    this.#data = kernels.alloc(STRIPE + BLOCK + piece) + STRIPE;
    this.#piece = piece;
    kernels.bytes.set(SECRET, this.#secret);
    const view = new DataView(kernels.bytes.buffer);
    START.forEach((sum, i) => {
      view.setBigUint64(this.#sums + 8 * i, sum, true);
    });
  }

  /**
   * Makes a state of no more than a block's bytes, which takes no kernels: false where there are more.
   *
   * @param state STATE_BYTES bytes of zeros
   */
  static begin(state: Uint8Array, bytes: Uint8Array): boolean {
    if (bytes.length > BLOCK) return false;
    const view = new DataView(state.buffer, state.byteOffset);
    view.setFloat64(0, bytes.length, true);
    view.setFloat64(8, bytes.length, true);
    START.forEach((sum, i) => {
      view.setBigUint64(SUMS_AT + 8 * i, sum, true);
    });
    state.set(bytes, HELD_AT + STRIPE);
    return true;
  }

  /** Where the next piece goes; good until the next `add`. */
  get room(): Uint8Array<ArrayBuffer> {
    const from = this.#data + this.#held;
    return this.#kernels.bytes.subarray(from, from + this.#piece);
  }

  /** Adds the first `count` bytes of `room`. */
  add(count: number): void {
    if (count === 0) return;
    const { bytes, exports } = this.#kernels;
    this.#length += count;
    const end = this.#held + count;
    // The last block is never a whole one: what ends it is hashed otherwise.
    const blocks = Math.floor((end - 1) / BLOCK);
    exports.xxh3Blocks(this.#sums, this.#secret, this.#data, blocks);
    const done = this.#data + BLOCK * blocks;
    this.#held = end - BLOCK * blocks;
    if (blocks > 0) bytes.copyWithin(this.#data - STRIPE, done - STRIPE, done + this.#held);
  }

  /** Adds bytes that stand elsewhere in the kernels' memory. */
  addAt(address: number, count: number): void {
    if (count === 0) return;
    const { bytes, exports } = this.#kernels;
    let [at, left] = [address, count];
    this.#length += count;
    if (this.#held > 0) {
      const more = Math.min(left, BLOCK - this.#held);
      bytes.copyWithin(this.#data + this.#held, at, at + more);
      this.#held += more;
      at += more;
      left -= more;
      if (left === 0) return;
      // A whole block, and not the last one.
      exports.xxh3Blocks(this.#sums, this.#secret, this.#data, 1);
      bytes.copyWithin(this.#data - STRIPE, this.#data + BLOCK - STRIPE, this.#data + BLOCK);
    }
    const blocks = Math.floor((left - 1) / BLOCK);
    exports.xxh3Blocks(this.#sums, this.#secret, at, blocks);
    const done = at + BLOCK * blocks;
    this.#held = left - BLOCK * blocks;
    if (blocks > 0) bytes.copyWithin(this.#data - STRIPE, done - STRIPE, done);
    bytes.copyWithin(this.#data, done, done + this.#held);
  }

  /** Puts what the bytes so far have come to into STATE_BYTES bytes, from which `load` goes on elsewhere. */
  store(state: Uint8Array): void {
    const { bytes } = this.#kernels;
    const view = new DataView(state.buffer, state.byteOffset);
    view.setFloat64(0, this.#length, true);
    view.setFloat64(8, this.#held, true);
    state.set(bytes.subarray(this.#sums, this.#sums + 8 * START.length), SUMS_AT);
    state.set(bytes.subarray(this.#data - STRIPE, this.#data + this.#held), HELD_AT);
  }

  /** Goes on from what `store` has put there. */
  load(state: Uint8Array): void {
    const { bytes } = this.#kernels;
    const view = new DataView(state.buffer, state.byteOffset);
    this.#length = view.getFloat64(0, true);
    this.#held = view.getFloat64(8, true);
    bytes.set(state.subarray(SUMS_AT, HELD_AT), this.#sums);
    bytes.set(state.subarray(HELD_AT, HELD_AT + STRIPE + this.#held), this.#data - STRIPE);
  }

  update(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; from += this.#piece) {
      const piece = bytes.subarray(from, from + this.#piece);
      this.room.set(piece);
      this.add(piece.length);
    }
  }

  /** The hash so far, as 32 hexadecimal digits. @throws RangeError below 241 bytes */
  digest(): string {
    if (this.#length < SHORTEST)
      throw new RangeError(`XXH128 of ${this.#length} bytes: there should be ${SHORTEST} or more`);
    const view = new DataView(this.#kernels.bytes.buffer);
    const sums = START.map((_, i) => view.getBigUint64(this.#sums + 8 * i, true));
    for (let stripe = 0; stripe < Math.floor((this.#held - 1) / STRIPE); stripe++)
      addStripe(sums, view, this.#data + STRIPE * stripe, 8 * stripe);
    addStripe(sums, view, this.#data + this.#held - STRIPE, SECRET.length - STRIPE - 7);
    return finish(sums, this.#length);
  }
}
