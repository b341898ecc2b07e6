import type { DeviceKernel, Pass } from "../../machine/device/device-kernel.js";
import type { TensorType } from "../../machine/op.js";
import { sizeOf } from "../../machine/shape.js";
import { bytesOf } from "../../machine/tensor.js";

/** What a GPU in the middle of the field does in a nanosecond, and how long a pass takes that does nothing. */
const OPERATIONS = 4000;
const BYTES = 200;
const PASS_NS = 3000;

/** A kernel of passes that read and write `bytes` and do `operations` on floats, with what they take, about. */
export function kernelOf(
  passes: readonly Pass[],
  { bytes, operations = 0 }: { readonly bytes: number; readonly operations?: number },
  scratch: readonly number[] = [],
): DeviceKernel {
  const cost = passes.length * PASS_NS + Math.max(bytes / BYTES, operations / OPERATIONS);
  return { passes, scratch, cost };
}

/** The bytes of values of these types. */
export function bytesOfAll(types: readonly TensorType[]): number {
  return types.reduce((sum, { dtype, shape }) => sum + bytesOf(dtype) * sizeOf(shape), 0);
}
