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

/**
 * −x.
 *
 * @example
 * ```js
 * import { Graph, neg, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = neg(graph.parameter("x", tensor([1, -2])));
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ -1, 2 ]
 * ```
 */
export const neg = (x: Operand): Node => applyOp(new Unary("neg"), [x]);
/**
 * e^x.
 *
 * @example
 * ```js
 * import { exp, Graph, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = exp(graph.parameter("x", tensor([0, 1])));
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 1, 2.718281828459045 ]
 * ```
 */
export const exp = (x: Operand): Node => applyOp(new Unary("exp"), [x]);
/**
 * The natural logarithm of x.
 *
 * @example
 * ```js
 * import { Graph, log, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = log(graph.parameter("x", tensor([1, Math.E])));
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 0, 1 ]
 * ```
 */
export const log = (x: Operand): Node => applyOp(new Unary("log"), [x]);
/**
 * √x.
 *
 * @example
 * ```js
 * import { Graph, sqrt, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = sqrt(graph.parameter("x", tensor([1, 4, 9])));
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 1, 2, 3 ]
 * ```
 */
export const sqrt = (x: Operand): Node => applyOp(new Unary("sqrt"), [x]);
/**
 * |x|; its derivative at 0 is taken as 0.
 *
 * @example
 * ```js
 * import { abs, Graph, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = abs(graph.parameter("x", tensor([-1.5, 0, 2])));
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 1.5, 0, 2 ]
 * ```
 */
export const abs = (x: Operand): Node => applyOp(new Unary("abs"), [x]);
/**
 * −1, 0 or 1 as x is below, at or above 0; its derivative is 0.
 *
 * @example
 * ```js
 * import { Graph, sign, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = sign(graph.parameter("x", tensor([-3, 0, 5])));
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ -1, 0, 1 ]
 * ```
 */
export const sign = (x: Operand): Node => applyOp(new Unary("sign"), [x]);
/**
 * x².
 *
 * @example
 * ```js
 * import { Graph, square, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = square(graph.parameter("x", tensor([1, -2, 3])));
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 1, 4, 9 ]
 * ```
 */
export const square = (x: Operand): Node => applyOp(new Unary("square"), [x]);
/**
 * σ(x) = 1 / (1 + e^−x).
 *
 * @example
 * ```js
 * import { Graph, sigmoid, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = sigmoid(graph.parameter("x", tensor([0, 2])));
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 0.5, 0.8807970779778823 ]
 * ```
 */
export const sigmoid = (x: Operand): Node => applyOp(new Unary("sigmoid"), [x]);
/**
 * The hyperbolic tangent of x.
 *
 * @example
 * ```js
 * import { Graph, tanh, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = tanh(graph.parameter("x", tensor([0, 1])));
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 0, 0.7615941559557649 ]
 * ```
 */
export const tanh = (x: Operand): Node => applyOp(new Unary("tanh"), [x]);
/**
 * max(x, 0); its derivative at 0 is taken as 0.
 *
 * @example
 * ```js
 * import { Graph, relu, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = relu(graph.parameter("x", tensor([-1, 0, 2])));
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 0, 0, 2 ]
 * ```
 */
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
