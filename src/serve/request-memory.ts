/** Room at the front of a block for what the threads tell each other. */
const CONTROL_BYTES = 64;
const LEAST_BYTES = 1 << 20;
/** Memory kept for the next request, and for how long. */
const KEPT_BYTES = 512 << 20;
const KEPT_MS = 5000;

/** A piece of shared memory that holds one request's body; given back when nobody reads it any more. */
export interface SharedBlock {
  readonly memory: SharedArrayBuffer;
  /** One number, 0 until the request is cancelled. */
  readonly cancelled: Int32Array;
}

/**
 * Blocks of shared memory for bodies, used again and again: fresh memory is cleared page by page as it is first
 * written, which for 100 MB takes longer than receiving them.
 *
 * Blocks that wait are dropped after some seconds, so that memory goes back to where it was.
 */
export class SharedMemory {
  private idle: SharedArrayBuffer[] = [];
  private timer: NodeJS.Timeout | undefined;

  /** A block for `bytes` bytes of body, at an offset that `bodyOffset` gives. */
  take(bytes: number): SharedBlock {
    const size = 2 ** Math.ceil(Math.log2(Math.max(LEAST_BYTES, bytes + CONTROL_BYTES + 8)));
    const at = this.idle.findIndex(({ byteLength }) => byteLength === size);
    const memory = at < 0 ? sharedMemory(size) : this.idle.splice(at, 1)[0]!;
    const cancelled = new Int32Array(memory, 0, 1);
    Atomics.store(cancelled, 0, 0);
    return { memory, cancelled };
  }

  /** Takes a block back. Nobody may read it after that. */
  give({ memory }: SharedBlock): void {
    this.idle.push(memory);
    while (this.idle.reduce((sum, { byteLength }) => sum + byteLength, 0) > KEPT_BYTES) this.idle.shift();
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.idle = [];
    }, KEPT_MS).unref();
  }

  /** Drops the blocks that wait. */
  clear(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.idle = [];
  }
}

/** Below this, memory comes from the allocator's heap. */
const LEAST_PAGES = 1 << 16;

/** `SharedArrayBuffer` as ES2024 has it. */
type Growable = new (bytes: number, options: { maxByteLength: number }) => SharedArrayBuffer;

/**
 * Shared memory of so many bytes. Large memory is taken from the system and not from the allocator, which V8 does for
 * buffers that may grow: it goes back to the system whole, where the allocator would keep what lies between other
 * pieces, and pages that nobody writes are never there. (After 10,000 requests of some hundred kilobytes, on many
 * connections at a time, the allocator kept 80 MB.)
 */
export function sharedMemory(bytes: number): SharedArrayBuffer {
  if (bytes < LEAST_PAGES) return new SharedArrayBuffer(bytes);
  return new (SharedArrayBuffer as unknown as Growable)(bytes, { maxByteLength: bytes });
}

/** Where a body starts in its block: such that what follows `headerLength` bytes lies on a multiple of 8. */
export function bodyOffset(headerLength: number): number {
  return CONTROL_BYTES + ((8 - (headerLength % 8)) % 8);
}

const STAGE_BYTES = 1 << 18;
const stage = new Uint8Array(STAGE_BYTES + 8);

/**
 * Copies into shared memory. V8 copies there word by word only where source and target are aligned alike, and
 * byte by byte, some four times slower, elsewhere; so a chunk is first shifted in a small buffer of our own, which
 * is fast. (104 MB in chunks of 64 KiB: 6.6 ms instead of 26.)
 */
export function copyToShared(target: Uint8Array, at: number, chunk: Uint8Array): void {
  const shift = (target.byteOffset + at) % 8;
  if (chunk.byteOffset % 8 === shift) {
    target.set(chunk, at);
    return;
  }
  for (let from = 0; from < chunk.length; from += STAGE_BYTES) {
    const part = chunk.subarray(from, from + STAGE_BYTES);
    stage.set(part, shift);
    target.set(stage.subarray(shift, shift + part.length), at + from);
  }
}
