import { applyOp, type Node, type Operand } from "../graph.js";
import { exponential, logistic, tangent } from "../kernels/exponential.js";
import { checkArity, type Kernel, Op, type TensorType } from "../op.js";
import { type Shape, sizeOf } from "../shape.js";
import { type DType, isFloat } from "../tensor.js";
import { elementKernel } from "./elementwise.js";
import { integerUnary } from "./integers.js";
import type { UnaryStrip } from "./strips.js";

/** An elementwise op of one operand. */
export class Unary extends Op {
  readonly name: UnaryName;
  override readonly portable = true;

  constructor(name: UnaryName) {
    super();
    this.name = name;
  }

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 1);
    return shapes[0]!;
  }

  override takes(dtype: DType): boolean {
    return isFloat(dtype) || integerUnary(this.name, dtype) !== undefined;
  }

  override make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const { dtype, shape } = result!;
    const shapes = inputs.map((input) => input.shape);
    if (!isFloat(dtype)) return this.prepare(shapes, shape, integerUnary(this.name, dtype)!);
    const plain = this.prepare(shapes, shape, dtype === "float32" ? singleStrips[this.name] : undefined);
    return elementKernel(this.name, {}, dtype, shapes, shape, plain);
  }

  prepare(_shapes: readonly Shape[], output: Shape, strip = strips[this.name]): Kernel {
    const units = sizeOf(output);
    return { units, cost: units * weights[this.name], run: ([a], out, from, to) => strip(a!, out, from, to) };
  }
}

/** −x. */
export const neg = (x: Operand): Node => applyOp(new Unary("neg"), [x]);
/** e^x. */
export const exp = (x: Operand): Node => applyOp(new Unary("exp"), [x]);
/** The natural logarithm of x. */
export const log = (x: Operand): Node => applyOp(new Unary("log"), [x]);
/** √x. */
export const sqrt = (x: Operand): Node => applyOp(new Unary("sqrt"), [x]);
/** |x|; its derivative at 0 is taken as 0. */
export const abs = (x: Operand): Node => applyOp(new Unary("abs"), [x]);
/** −1, 0 or 1 as x is below, at or above 0; its derivative is 0. */
export const sign = (x: Operand): Node => applyOp(new Unary("sign"), [x]);
/** x². */
export const square = (x: Operand): Node => applyOp(new Unary("square"), [x]);
/** σ(x) = 1 / (1 + e^−x). */
export const sigmoid = (x: Operand): Node => applyOp(new Unary("sigmoid"), [x]);
/** The hyperbolic tangent of x. */
export const tanh = (x: Operand): Node => applyOp(new Unary("tanh"), [x]);
/** max(x, 0); its derivative at 0 is taken as 0. */
export const relu = (x: Operand): Node => applyOp(new Unary("relu"), [x]);

export type UnaryName =
  | "neg"
  | "exp"
  | "log"
  | "sqrt"
  | "abs"
  | "sign"
  | "square"
  | "sigmoid"
  | "tanh"
  | "relu";

const strips: Record<UnaryName, UnaryStrip> = {
  neg(a, out, from, to) {
    for (let i = from; i < to; i++) out[i] = -a[i]!;
  },
  exp(a, out, from, to) {
    for (let i = from; i < to; i++) out[i] = Math.exp(a[i]!);
  },
  log(a, out, from, to) {
    for (let i = from; i < to; i++) out[i] = Math.log(a[i]!);
  },
  sqrt(a, out, from, to) {
    for (let i = from; i < to; i++) out[i] = Math.sqrt(a[i]!);
  },
  abs(a, out, from, to) {
    for (let i = from; i < to; i++) out[i] = Math.abs(a[i]!);
  },
  sign(a, out, from, to) {
    for (let i = from; i < to; i++) out[i] = Math.sign(a[i]!);
  },
  square(a, out, from, to) {
    for (let i = from; i < to; i++) out[i] = a[i]! * a[i]!;
  },
  sigmoid(a, out, from, to) {
    for (let i = from; i < to; i++) out[i] = sigma(a[i]!);
  },
  tanh(a, out, from, to) {
    for (let i = from; i < to; i++) out[i] = Math.tanh(a[i]!);
  },
  relu(a, out, from, to) {
    for (let i = from; i < to; i++) out[i] = Math.max(a[i]!, 0);
  },
};

/** Of single precision the steps that WebAssembly takes, too, for the same bits there. */
const singleStrips: Partial<Record<UnaryName, UnaryStrip>> = {
  exp(a, out, from, to) {
    for (let i = from; i < to; i++) out[i] = exponential(a[i]!);
  },
  sigmoid(a, out, from, to) {
    for (let i = from; i < to; i++) out[i] = logistic(a[i]!);
  },
  tanh(a, out, from, to) {
    for (let i = from; i < to; i++) out[i] = tangent(a[i]!);
  },
};

/** Nanoseconds per element, about. */
const weights: Record<UnaryName, number> = {
  neg: 1,
  exp: 5,
  log: 5,
  sqrt: 2,
  abs: 1,
  sign: 1,
  square: 1,
  sigmoid: 7,
  tanh: 12,
  relu: 1,
};

/** Either form alone overflows on one side: e^−x is infinite for x below −709. */
function sigma(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}
