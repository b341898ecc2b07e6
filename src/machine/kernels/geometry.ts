import type { Data } from "../tensor.js";
import { type TensorKernels, TOLD_AT } from "./tensor-kernels.js";

/** Numbers within an array, from `at` on. */
export interface Part {
  readonly data: Data;
  readonly at: number;
}

/** A window that moves over a plane; padding is at the top and the left, what is missing at the others is padding too. */
export interface Geometry {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly dilationY: number;
  readonly dilationX: number;
  readonly padTop: number;
  readonly padLeft: number;
}

/** Where a part begins in its memory, in bytes. */
export function addressOf({ data, at }: Part): number {
  return data.byteOffset + at * data.BYTES_PER_ELEMENT;
}

/** Writes a geometry where this thread's kernels read it, in the order of the kernels' class, and gives its address. */
export function written({ room, words }: TensorKernels, g: Geometry): number {
  words.set([
    g.channels,
    g.height,
    g.width,
    g.kernelHeight,
    g.kernelWidth,
    g.outHeight,
    g.outWidth,
    g.strideY,
    g.strideX,
    g.dilationY,
    g.dilationX,
    g.padTop,
    g.padLeft,
  ]);
  return room + TOLD_AT;
}
