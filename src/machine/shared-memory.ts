import type { Data, DType } from "./tensor.js";

/** Shared buffers that are used again: a large one costs the system more to map than a kernel to fill. */
export class SharedMemory {
  private readonly free = new Map<number, SharedArrayBuffer[]>();

  /** Elements in shared memory; what they hold is not defined. */
  take(dtype: DType, size: number): Data {
    const bytes = size * (dtype === "float64" ? 8 : 4);
    const buffer = this.free.get(bytes)?.pop() ?? new SharedArrayBuffer(bytes);
    return dtype === "float64" ? new Float64Array(buffer) : new Float32Array(buffer);
  }

  /** Gives back what `take` gave and nobody reads any more. */
  give(data: Data): void {
    const buffer = data.buffer as SharedArrayBuffer;
    const list = this.free.get(buffer.byteLength);
    if (list === undefined) this.free.set(buffer.byteLength, [buffer]);
    else list.push(buffer);
  }

  clear(): void {
    this.free.clear();
  }
}

export function isShared(data: Data): boolean {
  return data.buffer instanceof SharedArrayBuffer;
}
