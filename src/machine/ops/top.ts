import { ShapeError } from "../errors.js";
import { type Attributes, checkArity, type Kernel, resolveAxis, type TensorType, TypedOp } from "../op.js";
import { formatShape, sizeOf } from "../shape.js";
import type { BigData } from "../tensor.js";

/** The k greatest or least elements along an axis, in order, NaN above ∞, of equals the first, and their places as int64. */
export class TopK extends TypedOp {
  readonly name = "topK";
  override readonly attributes: Attributes & { axis: number; k: number; greatest: boolean };
  override readonly portable = true;

  constructor(attributes: { axis: number; k: number; greatest: boolean }) {
    super();
    this.attributes = attributes;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 1);
    const { dtype, shape } = inputs[0]!;
    const { k } = this.attributes;
    const axis = resolveAxis(this.attributes.axis, shape);
    if (!(Number.isInteger(k) && k >= 0 && k <= shape[axis]!))
      throw new ShapeError(`axis ${axis} of ${formatShape(shape)} has no ${k} elements`);
    const result = shape.map((length, i) => (i === axis ? k : length));
    return [
      { dtype, shape: result },
      { dtype: "int64", shape: result },
    ];
  }

  make([input]: readonly TensorType[]): Kernel {
    const { shape } = input!;
    const { k, greatest } = this.attributes;
    const axis = resolveAxis(this.attributes.axis, shape);
    const length = shape[axis]!;
    const step = sizeOf(shape.slice(axis + 1));
    const sign = greatest ? -1 : 1;
    return {
      units: sizeOf(shape.slice(0, axis)),
      cost: sizeOf(shape) * 50,
      run: ([a], out, from, to, results) => {
        const places = results![1] as unknown as BigData;
        for (let outer = from; outer < to; outer++) {
          for (let inner = 0; inner < step; inner++) {
            const start = outer * length * step + inner;
            const order = Array.from({ length }, (_, i) => i).sort((i, j) => {
              const [x, y] = [a![start + i * step]!, a![start + j * step]!];
              const unknown = Number.isNaN(y);
              if (x === y || (unknown && Number.isNaN(x))) return i - j;
              return unknown || x < y ? -sign : sign;
            });
            for (let i = 0; i < k; i++) {
              const o = outer * k * step + inner + i * step;
              // Whichever the elements are, numbers or bigints.
              out[o] = a![start + order[i]! * step]!;
              places[o] = BigInt(order[i]!);
            }
          }
        }
      },
    };
  }
}
