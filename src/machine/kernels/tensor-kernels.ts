import { instantiateTensor, type SharedMemory, type TensorExports } from "../../kernels/wasm.js";
import type { Data } from "../tensor.js";

/** The kernels in WebAssembly on a machine's memory, as one thread has them. */
export interface TensorKernels {
  readonly exports: TensorExports;
  /** The address of room that is this thread's alone, `exports.roomBytes()` of it and more. */
  readonly room: number;
  /** What a call is told beside addresses: `TOLD_BYTES` of the room, as integers and as doubles. */
  readonly words: Int32Array;
  readonly doubles: Float64Array;
}

/** A memory that this thread may use kernels on. */
interface Site {
  readonly room: number;
  kernels: TensorKernels | undefined;
}

const sites = new WeakMap<SharedMemory, Site>();
/** The same by a memory's buffer: a memory that grows gets another object for it, and views keep theirs. */
const byBuffer = new WeakMap<ArrayBufferLike, { readonly pages: SharedMemory; readonly site: Site }>();

/** The bytes that a call may be told beside its arguments: a geometry, or the steps of a program. */
export const TOLD_BYTES = 4096;
/** The bytes in which a call keeps what it makes on the way, beside those that products are packed into. */
export const SCRATCH_BYTES = 512 * 1024;
/** Where in a thread's room they begin. */
export const SCRATCH_AT = 657 * 1024;
/** The bytes of room that each thread needs: what products are packed into, scratch, then what a call is told. */
export const ROOM_BYTES = SCRATCH_AT + SCRATCH_BYTES + TOLD_BYTES;
/** Where in a thread's room stands what a call is told. */
export const TOLD_AT = ROOM_BYTES - TOLD_BYTES;

/** Lets kernels of this thread run on a memory; `room` is the address of `ROOM_BYTES` bytes for them to work in. */
export function allowKernels(pages: SharedMemory, room: number): void {
  sites.set(pages, { room, kernels: undefined });
}

/** Makes views of a memory's present buffer known, where kernels may run on it. */
export function knowBuffer(pages: SharedMemory): void {
  const { buffer } = pages;
  if (byBuffer.has(buffer)) return;
  const site = sites.get(pages);
  if (site !== undefined) byBuffer.set(buffer, { pages, site });
}

/** The kernels on the memory in which all operands lie; undefined where there is no such memory. */
export function kernelsOn(output: Data, inputs: readonly Data[]): TensorKernels | undefined {
  const own = byBuffer.get(output.buffer);
  if (own === undefined) return undefined;
  for (const { buffer } of inputs)
    if (buffer !== output.buffer && byBuffer.get(buffer)?.site !== own.site) return undefined;
  const { pages, site } = own;
  site.kernels ??= {
    exports: instantiateTensor(pages),
    room: site.room,
    words: new Int32Array(pages.buffer, site.room + TOLD_AT, TOLD_BYTES / 4),
    doubles: new Float64Array(pages.buffer, site.room + TOLD_AT, TOLD_BYTES / 8),
  };
  return site.kernels;
}
