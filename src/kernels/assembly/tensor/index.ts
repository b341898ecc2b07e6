// Kernels of tensors on a memory that the importer brings and threads share. All state is the caller's: every function
// gets the addresses of its operands and of room of its own to work in.
import { multiply, ROOM_BYTES } from "./gemm";

export { convolve } from "./convolve";
export { copyRows } from "./copy";
export { convolveDepthwise } from "./depthwise";
export { elementwise } from "./elementwise";
export { finish } from "./finish";
export { pool } from "./pool";
export { resize } from "./resize";
export { normalizeRows, softmaxRows, sumRows } from "./rows";
export { scatterProducts } from "./scatter";

/** The bytes of room that a function works in, at a multiple of 64. */
export function roomBytes(): usize {
  return ROOM_BYTES;
}

/** `multiply` in single precision. */
export function gemmF32(
  a: usize, aRow: usize, aColumn: usize,
  b: usize, bRow: usize, bColumn: usize,
  c: usize, cRow: usize,
  m: usize, n: usize, k: usize,
  room: usize,
): void {
  multiply<f32>(a, aRow, aColumn, b, bRow, bColumn, c, cRow, m, n, k, room);
}

/** `multiply` in double precision. */
export function gemmF64(
  a: usize, aRow: usize, aColumn: usize,
  b: usize, bRow: usize, bColumn: usize,
  c: usize, cRow: usize,
  m: usize, n: usize, k: usize,
  room: usize,
): void {
  multiply<f64>(a, aRow, aColumn, b, bRow, bColumn, c, cRow, m, n, k, room);
}
