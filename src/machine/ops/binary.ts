import { ShapeError } from "../errors.js";
import { applyOp, type Node, type Operand } from "../graph.js";
import { checkArity, type Kernel, Op, type TensorType } from "../op.js";
import { broadcast, broadcastStrides, formatShape, type Shape, sizeOf } from "../shape.js";
import { type DType, isFloat } from "../tensor.js";
import { elementKernel } from "./elementwise.js";
import { integerBinary } from "./integers.js";
import { type BinaryStrip, strided, walkOf } from "./strips.js";

/** An elementwise op of two operands, broadcast against each other as in NumPy. */
export class Binary extends Op {
  readonly name: BinaryName;
  override readonly portable = true;

  constructor(name: BinaryName) {
    super();
    this.name = name;
  }

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 2);
    const shape = broadcast(shapes);
    if (shape === undefined) {
      throw new ShapeError(
        `shapes ${formatShape(shapes[0]!)} and ${formatShape(shapes[1]!)} do not broadcast`,
      );
    }
    return shape;
  }

  override takes(dtype: DType): boolean {
    return isFloat(dtype) || integerBinary(this.name, dtype) !== undefined;
  }

  override make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const { dtype, shape } = result!;
    const shapes = inputs.map((input) => input.shape);
    if (!isFloat(dtype)) return this.prepare(shapes, shape, integerBinary(this.name, dtype)!);
    return elementKernel(this.name, {}, dtype, shapes, shape, this.prepare(shapes, shape));
  }

  prepare(shapes: readonly Shape[], output: Shape, strip = strips[this.name]): Kernel {
    const units = sizeOf(output);
    const walk = walkOf(
      output,
      shapes.map((shape) => broadcastStrides(shape, output)),
    );
    const flat = walk.lengths.length === 0;
    const [aStep, bStep] = walk.steps as [number, number];
    return {
      units,
      cost: units * (this.name === "pow" ? 20 : 1),
      run: ([a, b], out, from, to) => {
        if (flat) strip(a!, from * aStep, aStep, b!, from * bStep, bStep, out, from, to - from);
        else {
          strided(walk, from, to, (offsets, steps, o, n) =>
            strip(a!, offsets[0]!, steps[0]!, b!, offsets[1]!, steps[1]!, out, o, n),
          );
        }
      },
    };
  }
}

/**
 * x + y.
 *
 * @example
 * ```js
 * import { add, Graph, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = add(graph.parameter("x", tensor([1, 2, 3])), 2);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 3, 4, 5 ]
 * ```
 */
export const add = (x: Operand, y: Operand): Node => applyOp(new Binary("add"), [x, y]);
/**
 * x − y.
 *
 * @example
 * ```js
 * import { Graph, sub, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = sub(graph.parameter("x", tensor([1, 2, 3])), 2);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ -1, 0, 1 ]
 * ```
 */
export const sub = (x: Operand, y: Operand): Node => applyOp(new Binary("sub"), [x, y]);
/**
 * x · y, element by element; `matmul` multiplies matrices.
 *
 * @example
 * ```js
 * import { Graph, mul, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = mul(graph.parameter("x", tensor([1, 2, 3])), 2);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 2, 4, 6 ]
 * ```
 */
export const mul = (x: Operand, y: Operand): Node => applyOp(new Binary("mul"), [x, y]);
/**
 * x / y.
 *
 * @example
 * ```js
 * import { div, Graph, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = div(graph.parameter("x", tensor([1, 2, 3])), 2);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 0.5, 1, 1.5 ]
 * ```
 */
export const div = (x: Operand, y: Operand): Node => applyOp(new Binary("div"), [x, y]);
/**
 * x^y. Its derivative with respect to x is y·x^(y−1), 0 where y is 0; with respect to y it is x^y·log x, taken as 0
 * where x ≤ 0 and the power is no smooth function of y.
 *
 * @example
 * ```js
 * import { Graph, pow, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = pow(graph.parameter("x", tensor([1, 2, 3])), 2);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 1, 4, 9 ]
 * ```
 */
export const pow = (x: Operand, y: Operand): Node => applyOp(new Binary("pow"), [x, y]);
/**
 * 1 where x > y, else 0, also for NaN; its derivative is 0, as for all comparisons.
 *
 * @example
 * ```js
 * import { Graph, gt, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = gt(graph.parameter("x", tensor([1, 2, 3])), 2);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 0, 0, 1 ]
 * ```
 */
export const gt = (x: Operand, y: Operand): Node => applyOp(new Binary("gt"), [x, y]);
/**
 * 1 where x ≥ y, else 0.
 *
 * @example
 * ```js
 * import { ge, Graph, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = ge(graph.parameter("x", tensor([1, 2, 3])), 2);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 0, 1, 1 ]
 * ```
 */
export const ge = (x: Operand, y: Operand): Node => applyOp(new Binary("ge"), [x, y]);
/**
 * 1 where x < y, else 0.
 *
 * @example
 * ```js
 * import { Graph, lt, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = lt(graph.parameter("x", tensor([1, 2, 3])), 2);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 1, 0, 0 ]
 * ```
 */
export const lt = (x: Operand, y: Operand): Node => applyOp(new Binary("lt"), [x, y]);
/**
 * 1 where x ≤ y, else 0.
 *
 * @example
 * ```js
 * import { Graph, le, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = le(graph.parameter("x", tensor([1, 2, 3])), 2);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 1, 1, 0 ]
 * ```
 */
export const le = (x: Operand, y: Operand): Node => applyOp(new Binary("le"), [x, y]);
/**
 * 1 where x = y, else 0.
 *
 * @example
 * ```js
 * import { eq, Graph, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = eq(graph.parameter("x", tensor([1, 2, 3])), 2);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 0, 1, 0 ]
 * ```
 */
export const eq = (x: Operand, y: Operand): Node => applyOp(new Binary("eq"), [x, y]);
/**
 * 1 where x ≠ y, else 0.
 *
 * @example
 * ```js
 * import { Graph, ne, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = ne(graph.parameter("x", tensor([1, 2, 3])), 2);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 1, 0, 1 ]
 * ```
 */
export const ne = (x: Operand, y: Operand): Node => applyOp(new Binary("ne"), [x, y]);

export type BinaryName = "add" | "sub" | "mul" | "div" | "pow" | "gt" | "ge" | "lt" | "le" | "eq" | "ne";

const strips: Record<BinaryName, BinaryStrip> = {
  add(a, ai, as, b, bi, bs, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = a[ai + i * as]! + b[bi + i * bs]!;
  },
  sub(a, ai, as, b, bi, bs, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = a[ai + i * as]! - b[bi + i * bs]!;
  },
  mul(a, ai, as, b, bi, bs, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = a[ai + i * as]! * b[bi + i * bs]!;
  },
  div(a, ai, as, b, bi, bs, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = a[ai + i * as]! / b[bi + i * bs]!;
  },
  pow(a, ai, as, b, bi, bs, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = a[ai + i * as]! ** b[bi + i * bs]!;
  },
  gt(a, ai, as, b, bi, bs, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = a[ai + i * as]! > b[bi + i * bs]! ? 1 : 0;
  },
  ge(a, ai, as, b, bi, bs, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = a[ai + i * as]! >= b[bi + i * bs]! ? 1 : 0;
  },
  lt(a, ai, as, b, bi, bs, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = a[ai + i * as]! < b[bi + i * bs]! ? 1 : 0;
  },
  le(a, ai, as, b, bi, bs, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = a[ai + i * as]! <= b[bi + i * bs]! ? 1 : 0;
  },
  eq(a, ai, as, b, bi, bs, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = a[ai + i * as]! === b[bi + i * bs]! ? 1 : 0;
  },
  ne(a, ai, as, b, bi, bs, out, o, n) {
    for (let i = 0; i < n; i++) out[o + i] = a[ai + i * as]! !== b[bi + i * bs]! ? 1 : 0;
  },
};
