import { type Data, type Shape, Tensor } from "../../src/machine/index.js";
import { sizeOf } from "../../src/machine/shape.js";

/** Numbers in [0, 1) from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function randomTensor(random: () => number, shape: Shape, low = -2, high = 2): Tensor {
  return new Tensor(
    Float64Array.from({ length: sizeOf(shape) }, () => low + (high - low) * random()),
    shape,
  );
}

/** A shape of up to three axes, and others that broadcast to it: axes dropped from the front or of length 1. */
export function randomShapes(random: () => number, operands: number): { shape: Shape; parts: Shape[] } {
  const shape = Array.from({ length: Math.floor(random() * 4) }, () => 1 + Math.floor(random() * 4));
  const parts = Array.from({ length: operands }, () =>
    shape.slice(Math.floor(random() * (shape.length + 1))).map((length) => (random() < 0.3 ? 1 : length)),
  );
  return { shape, parts };
}

/** Every index of a tensor of `shape`, in row-major order. */
export function* indicesOf(shape: Shape): Generator<number[]> {
  const index = shape.map(() => 0);
  for (let left = sizeOf(shape); left > 0; left--) {
    yield [...index];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}

/** The element of `x` that broadcasting puts at `index` of a larger result. */
export function broadcastAt(x: Tensor, index: readonly number[]): number {
  const own = index.slice(index.length - x.shape.length);
  return x.at(...own.map((i, axis) => (x.shape[axis] === 1 ? 0 : i)));
}

export function sameBits(a: Data, b: Data): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}
