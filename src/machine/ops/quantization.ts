import { ShapeError } from "../errors.js";
import { type Attributes, checkArity, type Kernel, type TensorType, TypedOp } from "../op.js";
import { broadcastStrides, sizeOf } from "../shape.js";
import type { DType } from "../tensor.js";
import { strided, walkOf } from "./strips.js";

const RANGES: Partial<Record<DType, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
};

/** x/scale to the nearest integer, halves to the even one, plus a zero point, held within the range of a type. */
export class Quantize extends TypedOp {
  readonly name = "quantize";
  override readonly attributes: Attributes & { to: DType };
  override readonly portable = true;

  constructor(attributes: { to: DType }) {
    super();
    this.attributes = attributes;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 3);
    if (RANGES[this.attributes.to] === undefined)
      throw new ShapeError(`does not quantize to ${this.attributes.to}`);
    return [{ dtype: this.attributes.to, shape: inputs[0]!.shape }];
  }

  /** The scale and the zero point broadcast to x. */
  make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const { shape } = result!;
    const [low, high] = RANGES[this.attributes.to]!;
    const walk = walkOf(
      shape,
      inputs.map((input) => broadcastStrides(input.shape, shape)),
    );
    const round = inputs[0]!.dtype === "float32" ? Math.fround : (x: number) => x;
    return {
      units: sizeOf(shape),
      cost: sizeOf(shape) * 8,
      run: ([x, scale, zero], out, from, to) => {
        strided(walk, from, to, (offsets, steps, o, n) => {
          for (let i = 0; i < n; i++) {
            const quotient = round(x![offsets[0]! + i * steps[0]!]! / scale![offsets[1]! + i * steps[1]!]!);
            const floor = Math.floor(quotient);
            const nearest = quotient - floor === 0.5 ? floor + (floor & 1) : Math.round(quotient);
            const moved = nearest + zero![offsets[2]! + i * steps[2]!]!;
            out[o + i] = Math.max(low, Math.min(high, moved));
          }
        });
      },
    };
  }
}
