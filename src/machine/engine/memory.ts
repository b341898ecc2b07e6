import { UsageError } from "../../errors.js";
import { knowBuffer } from "../kernels/tensor-kernels.js";
import { bytesOf, type Data, type DType, dataAt } from "../tensor.js";

/** A shared WebAssembly memory, as the ES library's types (which know no WebAssembly) need it spelled out. */
export interface SharedPages {
  readonly buffer: SharedArrayBuffer;
  /** Adds pages of 64 KiB and gives the number there was before. */
  grow(pages: number): number;
}

declare const WebAssembly: {
  Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => SharedPages;
};

const PAGE = 65_536;
/** 4 GiB, what 32 bits address. */
const MOST_PAGES = 65_536;
/** Memory grows by a quarter at least, so that many small wants make few steps. */
const GROWTH = 1.25;

/** Values and counters lie at multiples of a cache line, small values at multiples of a SIMD register. */
export const LINE = 64;
const REGISTER = 16;

/** `bytes` up to the next place where another value may begin. */
export function aligned(bytes: number): number {
  const unit = bytes >= LINE ? LINE : REGISTER;
  return Math.ceil(bytes / unit) * unit;
}

/** The shared memory of a machine: room is taken from it from front to back, and lives as long as the machine. */
export class Memory {
  readonly pages: SharedPages;
  private top = 0;

  constructor() {
    this.pages = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true });
  }

  /** The number of bytes taken. */
  get size(): number {
    return this.top;
  }

  /**
   * Room for `bytes` bytes, all 0, at a multiple of 64; grows the memory where need be.
   *
   * @throws UsageError where it would pass 4 GiB
   */
  take(bytes: number): number {
    const offset = Math.ceil(this.top / LINE) * LINE;
    const wanted = Math.ceil((offset + bytes) / PAGE);
    const pages = this.pages.buffer.byteLength / PAGE;
    if (wanted > pages) {
      const step = Math.min(MOST_PAGES, Math.max(wanted, Math.ceil(pages * GROWTH)));
      try {
        if (wanted > MOST_PAGES) throw new RangeError("past 4 GiB");
        this.pages.grow(step - pages);
      } catch (cause) {
        throw new UsageError(`the machine's values need ${gigabytes(offset + bytes)}, more than there is`, {
          hint: "a machine's memory holds 4 GiB; a smaller capacity or smaller batches need less",
          cause,
        });
      }
    }
    this.top = offset + bytes;
    return offset;
  }
}

/**
 * A thread's view of `size` elements in a shared memory.
 *
 * Where another thread has grown the memory meanwhile, this thread may not have heard of it yet: growing by nothing
 * makes it look.
 */
export function viewOf(pages: SharedPages, dtype: DType, offset: number, size: number): Data {
  const end = offset + size * bytesOf(dtype);
  while (pages.buffer.byteLength < end) pages.grow(0);
  knowBuffer(pages);
  return dataAt(dtype, pages.buffer, offset, size);
}

/** As `viewOf`, for counters. */
export function wordsOf(pages: SharedPages, offset: number, size: number): Int32Array {
  while (pages.buffer.byteLength < offset + 4 * size) pages.grow(0);
  return new Int32Array(pages.buffer, offset, size);
}

function gigabytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toPrecision(3)} GiB`;
}
