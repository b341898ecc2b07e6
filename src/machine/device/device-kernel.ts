import type { TensorType, TypedOp } from "../op.js";

/**
 * A buffer that a pass reads or writes: an input or a result of its op, scratch room of the kernel, or its two words of
 * faults, the first of which it makes 1 where the op cannot be computed from such elements.
 */
export interface PassBuffer {
  readonly of: "input" | "result" | "scratch" | "fault";
  readonly index: number;
}

/** A shader over buffers; what a kernel on a device does is one or more of these, in order. */
export interface Pass {
  /**
   * WGSL, with shapes and attributes as constants in it; equal texts share a pipeline. The entry point is `main`, the
   * buffers are `@group(0) @binding(i)` in the order of `buffers`.
   */
  readonly code: string;
  readonly workgroups: readonly [number, number, number];
  readonly buffers: readonly PassBuffer[];
}

/**
 * An op made ready for inputs of given types on a device.
 *
 * Buffers hold the bytes that the values have on the CPU, row-major, and are padded to a multiple of 4 bytes. So types
 * narrower than a word are written by whole words; of an int64 that is an index the low word is read. What has no elements
 * needs no pass.
 */
export interface DeviceKernel {
  readonly passes: readonly Pass[];
  /** The bytes of each scratch buffer. */
  readonly scratch: readonly number[];
  /** What a fault means, of a kernel that may raise one; both words are 0 before it runs. */
  readonly fault?: (words: Uint32Array) => Error;
  /** About how long the whole takes on a device of middling speed, in nanoseconds; see `Kernel.cost`. */
  readonly cost: number;
}

/** The kernel of an op for inputs and results of given types; undefined where there is none. */
export type DeviceKernels = (
  op: TypedOp,
  inputs: readonly TensorType[],
  results: readonly TensorType[],
) => DeviceKernel | undefined;
