import { UsageError } from "../../errors.js";
import { allowKernels, knowBuffer, ROOM_BYTES } from "../kernels/tensor-kernels.js";
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

/** Bytes from `offset` on. */
interface Stretch {
  readonly offset: number;
  readonly bytes: number;
}

/** A constant's value in a memory, and how many machines read it. */
interface Constant {
  readonly stretch: Stretch;
  readonly data: Data;
  readers: number;
}

/**
 * The shared memory of one machine, or of several that have constants in common, whose values then lie there once: see
 * the option `memory` of machines.
 */
export class Memory {
  /** @internal */
  readonly pages: SharedPages;
  /** Nothing lies at 0: that address says that there is no operand. */
  private top = LINE;
  /** What was given back, by ascending offsets, no two of them neighbours. */
  private free: Stretch[] = [];
  private readonly constants = new Map<Data, Constant>();
  private room = -1;

  constructor() {
    this.pages = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true });
  }

  /** The number of bytes taken. */
  get size(): number {
    return this.top - LINE - this.free.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** A machine's part of this memory. @internal */
  share(): MemoryShare {
    return new MemoryShare(this);
  }

  /**
   * Room for `bytes` bytes, all 0, at a multiple of 64; grows the memory where need be.
   *
   * @throws UsageError where it would pass 4 GiB
   */
  take(bytes: number): number {
    const wanted = roundedUp(bytes);
    const at = this.free.findIndex((stretch) => stretch.bytes >= wanted);
    if (at >= 0 && wanted > 0) {
      const { offset, bytes: all } = this.free[at]!;
      this.free.splice(at, 1, ...(all > wanted ? [{ offset: offset + wanted, bytes: all - wanted }] : []));
      new Uint8Array(this.pages.buffer, offset, wanted).fill(0);
      return offset;
    }
    const offset = this.top;
    this.growTo(offset + wanted);
    this.top = offset + wanted;
    return offset;
  }

  /** Takes room back that nobody uses any more. */
  give(offset: number, bytes: number): void {
    const size = roundedUp(bytes);
    if (size === 0) return;
    const all = [...this.free, { offset, bytes: size }].sort((a, b) => a.offset - b.offset);
    const joined: Stretch[] = [];
    for (const stretch of all) {
      const last = joined.at(-1);
      if (last !== undefined && last.offset + last.bytes === stretch.offset)
        joined[joined.length - 1] = { offset: last.offset, bytes: last.bytes + stretch.bytes };
      else joined.push(stretch);
    }
    this.free = joined;
  }

  /** Lets kernels of this thread run on the memory. */
  allowKernels(): void {
    if (this.room >= 0) return;
    this.room = this.take(ROOM_BYTES);
    allowKernels(this.pages, this.room);
  }

  /** The value of a constant here, the same for all who read it; `release` tells that one of them does not any more. */
  constant(data: Data, dtype: DType): Data {
    let own = this.constants.get(data);
    if (own === undefined) {
      const stretch = { offset: this.take(data.byteLength), bytes: data.byteLength };
      const copy = viewOf(this.pages, dtype, stretch.offset, data.length);
      copy.set(data);
      own = { stretch, data: copy, readers: 0 };
      this.constants.set(data, own);
    }
    own.readers++;
    return own.data;
  }

  release(data: Data): void {
    const own = this.constants.get(data)!;
    if (--own.readers > 0) return;
    this.constants.delete(data);
    this.give(own.stretch.offset, own.stretch.bytes);
  }

  private growTo(bytes: number): void {
    const wanted = Math.ceil(bytes / PAGE);
    const pages = this.pages.buffer.byteLength / PAGE;
    if (wanted <= pages) return;
    const step = Math.min(MOST_PAGES, Math.max(wanted, Math.ceil(pages * GROWTH)));
    try {
      if (wanted > MOST_PAGES) throw new RangeError("past 4 GiB");
      this.pages.grow(step - pages);
    } catch (cause) {
      throw new UsageError(`the machine's values need ${gigabytes(bytes)}, more than there is`, {
        hint: "a machine's memory holds 4 GiB; a smaller capacity or smaller batches need less",
        cause,
      });
    }
  }
}

/** What one machine has of a memory, to be given back as a whole. */
export class MemoryShare {
  private readonly memory: Memory;
  private readonly taken: Stretch[] = [];
  private readonly read: Data[] = [];

  constructor(memory: Memory) {
    this.memory = memory;
  }

  /** @internal */
  get pages(): SharedPages {
    return this.memory.pages;
  }

  /** As `Memory.take`. */
  take(bytes: number): number {
    const offset = this.memory.take(bytes);
    this.taken.push({ offset, bytes });
    return offset;
  }

  /** As `Memory.constant`. */
  constant(data: Data, dtype: DType): Data {
    this.read.push(data);
    return this.memory.constant(data, dtype);
  }

  allowKernels(): void {
    this.memory.allowKernels();
  }

  /** Gives everything back; no thread may use it any more. */
  close(): void {
    for (const { offset, bytes } of this.taken.splice(0)) this.memory.give(offset, bytes);
    for (const data of this.read.splice(0)) this.memory.release(data);
  }
}

function roundedUp(bytes: number): number {
  return Math.ceil(bytes / LINE) * LINE;
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
