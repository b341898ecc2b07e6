import { applyOp, type Node, type Operand } from "../graph.js";
import { type Attributes, checkArity, type Kernel, type TensorType, TypedOp } from "../op.js";
import { sizeOf } from "../shape.js";
import { type BigData, type Data, type DType, isBig, isFloat } from "../tensor.js";

/** The same values in another type. */
export class Cast extends TypedOp {
  readonly name = "cast";
  override readonly attributes: Attributes & { to: DType };
  override readonly portable = true;

  constructor(attributes: { to: DType }) {
    super();
    this.attributes = attributes;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 1);
    return [{ dtype: this.attributes.to, shape: inputs[0]!.shape }];
  }

  make([input]: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const units = sizeOf(result!.shape);
    const strip = stripOf(input!.dtype, result!.dtype);
    return {
      units,
      cost: units * (isBig(input!.dtype) || isBig(result!.dtype) ? 20 : 1),
      run: ([a], out, from, to) => strip(a!, out, from, to),
    };
  }
}

/**
 * x in another type: floats lose their fractions where the type has none, integers are taken modulo its range, and of
 * a bool all but 0 is true. What is no number, or infinite, becomes 0.
 *
 * @example
 * ```js
 * import { cast, Graph, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = cast(graph.parameter("x", tensor([1.7, -1.7])), "int32");
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 1, -1 ]
 * ```
 */
export const cast = (x: Operand, to: DType): Node => applyOp(new Cast({ to }), [x]);

type Strip = (a: Data, out: Data, from: number, to: number) => void;

function stripOf(from: DType, to: DType): Strip {
  if (!isBig(from)) return isBig(to) ? toBig : to === "bool" ? toBool : toNumber;
  if (isBig(to)) return bigToBig;
  if (to === "bool") return bigToBool;
  return isFloat(to) ? toNumber : bigToInteger;
}

const toNumber: Strip = (a, out, from, to) => {
  for (let i = from; i < to; i++) out[i] = Number(a[i]!);
};
const toBool: Strip = (a, out, from, to) => {
  for (let i = from; i < to; i++) out[i] = a[i]! !== 0 ? 1 : 0;
};
const toBig: Strip = (a, out, from, to) => {
  const big = out as unknown as BigData;
  for (let i = from; i < to; i++) big[i] = Number.isFinite(a[i]!) ? BigInt(Math.trunc(a[i]!)) : 0n;
};
const bigToBig: Strip = (a, out, from, to) => {
  for (let i = from; i < to; i++) out[i] = a[i]!;
};
const bigToBool: Strip = (a, out, from, to) => {
  const big = a as unknown as BigData;
  for (let i = from; i < to; i++) out[i] = big[i]! !== 0n ? 1 : 0;
};
/** A number has 53 bits, so the low ones are taken first; 32 are enough for any type of numbers. */
const bigToInteger: Strip = (a, out, from, to) => {
  const big = a as unknown as BigData;
  for (let i = from; i < to; i++) out[i] = Number(BigInt.asIntN(32, big[i]!));
};
