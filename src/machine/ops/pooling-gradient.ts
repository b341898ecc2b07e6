import { type Attributes, checkArity, type Kernel, type TensorType, TypedOp } from "../op.js";
import { type Shape, sizeOf } from "../shape.js";
import type { PoolingAttributes, PoolingName } from "./pooling.js";
import { geometryOf } from "./windows.js";

/**
 * The derivative with respect to x, of `shape`, of a cost whose derivative with respect to the pooled y is g: each window
 * gives its g to the first of its greatest elements (operands x, g), to all alike (operand g), or, of a p-norm,
 * sign(x)·|x/y|^(p−1) of it (operands x, y, g).
 */
export class PoolingGradient extends TypedOp {
  readonly name = "poolingGradient";
  override readonly attributes: Attributes &
    Omit<PoolingAttributes, "places"> & { of: PoolingName; shape: Shape };
  override readonly portable = true;

  constructor(attributes: Omit<PoolingAttributes, "places"> & { of: PoolingName; shape: Shape }) {
    super();
    this.attributes = { ...attributes };
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    const { of, shape } = this.attributes;
    checkArity(inputs, of === "averagePooling" ? 1 : of === "maxPooling" ? 2 : 3);
    return [{ dtype: inputs[0]!.dtype, shape }];
  }

  make(inputs: readonly TensorType[]): Kernel {
    const { of, shape, kernel, countPadding = false, p = 2, after } = this.attributes;
    const pooled = inputs.at(-1)!.shape;
    const geometry = geometryOf(shape.slice(2), pooled.slice(2), kernel, this.attributes);
    const { input, output, kernel: window, strides, dilations, before } = geometry;
    const [inD, inH, inW] = input;
    const [outD, outH, outW] = output;
    const lead = 3 - after.length;
    const room = input.map((length, axis) => length + (axis < lead ? 0 : after[axis - lead]!));
    const size = inD * inH * inW;
    const pooledSize = outD * outH * outW;
    const places = new Int32Array(sizeOf(window));
    // Along an axis, the places of window number o, and where of it counts as padding.
    const along = (axis: 0 | 1 | 2, o: number, k: number) =>
      o * strides[axis] + k * dilations[axis] - before[axis];
    return {
      units: sizeOf(shape.slice(0, 2)),
      cost: sizeOf(pooled) * sizeOf(kernel) * 3 + sizeOf(shape),
      run(operands, out, from, to) {
        const x = operands[0]!;
        const y = operands[1]!;
        const g = operands[operands.length - 1]!;
        out.fill(0, from * size, to * size);
        for (let plane = from; plane < to; plane++) {
          const base = plane * size;
          let o = plane * pooledSize;
          for (let oz = 0; oz < outD; oz++) {
            for (let oy = 0; oy < outH; oy++) {
              for (let ox = 0; ox < outW; ox++, o++) {
                let count = 0;
                let padding = 0;
                for (let kz = 0; kz < window[0]; kz++) {
                  const at = along(0, oz, kz);
                  for (let ky = 0; ky < window[1]; ky++) {
                    const row = along(1, oy, ky);
                    for (let kx = 0; kx < window[2]; kx++) {
                      const column = along(2, ox, kx);
                      const inside =
                        at >= 0 && at < inD && row >= 0 && row < inH && column >= 0 && column < inW;
                      if (inside) places[count++] = base + (at * inH + row) * inW + column;
                      else if (at < room[0]! && row < room[1]! && column < room[2]!) padding++;
                    }
                  }
                }
                if (of === "averagePooling") {
                  const share = g[o]! / (count + (countPadding ? padding : 0));
                  for (let i = 0; i < count; i++) out[places[i]!]! += share;
                } else if (of === "maxPooling") {
                  if (count === 0) continue;
                  let best = places[0]!;
                  for (let i = 1; i < count; i++) if (x[places[i]!]! > x[best]!) best = places[i]!;
                  out[best]! += g[o]!;
                } else {
                  const norm = y[o]!;
                  if (norm === 0) continue;
                  for (let i = 0; i < count; i++) {
                    const value = x[places[i]!]!;
                    out[places[i]!]! += g[o]! * Math.sign(value) * (Math.abs(value) / norm) ** (p - 1);
                  }
                }
              }
            }
          }
        }
      },
    };
  }
}
