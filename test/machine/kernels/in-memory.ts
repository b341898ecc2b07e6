import { Memory, viewOf } from "../../../src/machine/engine/memory.js";
import { allowKernels, ROOM_BYTES } from "../../../src/machine/kernels/tensor-kernels.js";
import type { Data } from "../../../src/machine/tensor.js";

/** Numbers within an array, from `at` on. */
export interface Placed {
  readonly data: Data;
  readonly at: number;
}

/** A machine's memory on which kernels may run: puts floats there. */
export function inMemory(): (values: Float32Array) => Placed {
  const memory = new Memory();
  allowKernels(memory.pages, memory.take(ROOM_BYTES));
  return (values) => {
    // A row of another value before it, so that it does not begin where the memory's part does.
    const data = viewOf(memory.pages, "float32", memory.take(4 * (values.length + 4)), values.length + 4);
    data.set(values, 4);
    return { data, at: 4 };
  };
}

/** Floats of different sizes, a few of them odd. */
export function floats(random: () => number, length: number): Float32Array {
  const odd = [0, -0, 1e-45, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
  return Float32Array.from({ length }, () =>
    random() < 0.02 ? odd[Math.floor(random() * odd.length)]! : (random() - 0.5) * 10 ** (3 * random()),
  );
}
