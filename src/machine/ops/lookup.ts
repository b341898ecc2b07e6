import { type Attributes, checkArity, type Kernel, type TensorType, TypedOp } from "../op.js";
import { sizeOf } from "../shape.js";
import { type DType, isBig } from "../tensor.js";

export interface LookupAttributes {
  readonly keys: readonly number[];
  readonly values: readonly number[];
  /** What a key that is not in the table becomes. */
  readonly otherwise: number;
  readonly to: DType;
}

/** Each element replaced by the value that a table has for it; NaN is a key like any other. */
export class Lookup extends TypedOp {
  readonly name = "lookup";
  override readonly attributes: Attributes & LookupAttributes;
  override readonly portable = true;

  constructor(attributes: LookupAttributes) {
    super();
    this.attributes = { ...attributes };
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 1);
    return [{ dtype: this.attributes.to, shape: inputs[0]!.shape }];
  }

  make(_inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const { keys, values, otherwise, to: dtype } = this.attributes;
    const table = new Map<number, number>();
    for (const [i, key] of keys.entries()) if (!table.has(key)) table.set(key, values[i]!);
    const units = sizeOf(result!.shape);
    return {
      units,
      cost: units * 30,
      run: ([x], out, from, to) => {
        for (let i = from; i < to; i++) {
          const value = table.get(Number(x![i]!)) ?? otherwise;
          out[i] = (isBig(dtype) ? BigInt(value) : value) as number;
        }
      },
    };
  }
}
