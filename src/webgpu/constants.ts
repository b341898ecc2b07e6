import type { Data } from "../machine/tensor.js";
import { COPY_DST, COPY_SRC, type GpuBuffer, type GpuHandle, STORAGE } from "./api.js";

interface Kept {
  readonly buffer: GpuBuffer;
  readers: number;
}

/** Constants that lie on a device, each once, for as long as a program reads it. */
export class Constants {
  private readonly handle: GpuHandle;
  private readonly kept = new Map<Data, Kept>();

  constructor(handle: GpuHandle) {
    this.handle = handle;
  }

  /** The buffer of a constant; `release` tells that who asked does not read it any more. */
  take(data: Data, bytes: number): GpuBuffer {
    let own = this.kept.get(data);
    if (own === undefined) {
      const size = Math.max(4, bytes);
      const buffer = this.handle.createBuffer({
        size,
        usage: STORAGE | COPY_SRC | COPY_DST,
        mappedAtCreation: true,
      });
      new Uint8Array(buffer.getMappedRange()).set(bytesIn(data));
      buffer.unmap();
      own = { buffer, readers: 0 };
      this.kept.set(data, own);
    }
    own.readers++;
    return own.buffer;
  }

  release(data: Data): void {
    const own = this.kept.get(data);
    if (own === undefined || --own.readers > 0) return;
    this.kept.delete(data);
    own.buffer.destroy();
  }
}

/** The bytes of a value. */
export function bytesIn({ buffer, byteOffset, byteLength }: Data): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
