import { applyOp, type Node, type Operand } from "../graph.js";
import { exponential } from "../kernels/exponential.js";
import { type Attributes, checkArity, type Kernel, Op, type TensorType } from "../op.js";
import { type Shape, sizeOf } from "../shape.js";
import { elementKernel } from "./elementwise.js";

/** What a function is told beside x; what each means stands at the function. */
export interface Parameters {
  readonly alpha?: number;
  readonly beta?: number;
}

/** An elementwise function of one operand of floats that has no op of its own among the unary ones. */
export class MathFunction extends Op {
  readonly name: FunctionName;
  override readonly attributes: Attributes & Parameters;
  override readonly portable = true;

  constructor(name: FunctionName, attributes: Parameters = {}) {
    super();
    this.name = name;
    this.attributes = { ...attributes };
  }

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 1);
    return shapes[0]!;
  }

  override make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const { dtype, shape } = result!;
    const shapes = inputs.map((input) => input.shape);
    const single = dtype === "float32" && this.name === "swish";
    const plain = this.prepare(shapes, shape, single ? swish : mathFunctions[this.name]);
    return elementKernel(this.name, this.attributes, dtype, shapes, shape, plain);
  }

  prepare(_shapes: readonly Shape[], output: Shape, f: Formula = mathFunctions[this.name]): Kernel {
    const { alpha = 0, beta = 0 } = this.attributes;
    const units = sizeOf(output);
    return {
      units,
      cost: units * 10,
      run: ([a], out, from, to) => {
        for (let i = from; i < to; i++) out[i] = f(a![i]!, alpha, beta);
      },
    };
  }
}

/**
 * The function of this name of floats, elementwise: rounding, trigonometric, activations; `alpha` and `beta` are its own.
 *
 * @example
 * ```js
 * import { Graph, mathFunction, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = mathFunction("floor", graph.parameter("x", tensor([1.5, -1.5])));
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 1, -2 ]
 * ```
 */
export const mathFunction = (name: FunctionName, x: Operand, parameters: Parameters = {}): Node =>
  applyOp(new MathFunction(name, parameters), [x]);

export type FunctionName = keyof typeof mathFunctions;

type Formula = (x: number, alpha: number, beta: number) => number;

const ofX = <T extends Record<string, Formula>>(table: T): T => table;

/** The functions by name; α and β are the attributes `alpha` and `beta`. */
export const mathFunctions = ofX({
  floor: Math.floor,
  ceil: Math.ceil,
  /** To the nearest integer, halves to the even one. */
  round: (x) => {
    const floor = Math.floor(x);
    const rest = x - floor;
    if (rest !== 0.5) return Math.round(x);
    return floor % 2 === 0 ? floor : floor + 1;
  },
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  erf,
  reciprocal: (x) => 1 / x,
  /** log(1 + eˣ). */
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  softsign: (x) => x / (1 + Math.abs(x)),
  /** x·tanh(log(1 + eˣ)). */
  mish: (x) => x * Math.tanh(Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  /** x·Φ(x), with Φ the normal distribution. */
  gelu: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  /** The same with Φ by a hyperbolic tangent. */
  geluTanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  /** α(eˣ − 1) below 0. */
  elu: (x, alpha) => (x < 0 ? alpha * Math.expm1(x) : x),
  /** α(e^(x/α) − 1) below 0. */
  celu: (x, alpha) => Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha)),
  /** β times x, or α(eˣ − 1) below 0. */
  selu: (x, alpha, beta) => beta * (x > 0 ? x : alpha * Math.expm1(x)),
  /** αx below 0. */
  leakyRelu: (x, alpha) => (x < 0 ? alpha * x : x),
  /** αx + β, between 0 and 1. */
  hardSigmoid: (x, alpha, beta) => Math.max(0, Math.min(1, alpha * x + beta)),
  hardSwish: (x) => x * Math.max(0, Math.min(1, x / 6 + 0.5)),
  /** x above α, else 0. */
  thresholdedRelu: (x, alpha) => (x > alpha ? x : 0),
  /** x drawn to 0 by α, and 0 between −β and β. */
  shrink: (x, alpha, beta) => (x < -beta ? x + alpha : x > beta ? x - alpha : 0),
  /** αx + β. */
  affine: (x, alpha, beta) => alpha * x + beta,
  /** x between α and β. */
  clip: (x, alpha, beta) => Math.min(Math.max(x, alpha), beta),
  /** x·σ(αx). */
  swish: (x, alpha) => x / (1 + Math.exp(-alpha * x)),
});

/** Of single precision, by the steps that WebAssembly takes. */
const swish: Formula = (x, alpha) => x / (1 + exponential(-(alpha * x)));

const TERMS = 60;

/**
 * The error function: its Taylor series up to |x| = 2.5, the continued fraction of its complement beyond (Abramowitz &
 * Stegun 1964, 7.1.5 and 7.1.14).
 */
function erf(x: number): number {
  const size = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (size > 6) return Math.sign(x);
  if (size <= 2.5) {
    let term = x;
    let total = x;
    for (let n = 1; n < TERMS && Math.abs(term) > 1e-17 * Math.abs(total); n++) {
      term *= -(x * x) / n;
      total += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * total;
  }
  let fraction = 0;
  for (let n = TERMS; n >= 1; n--) fraction = n / 2 / (size + fraction);
  return Math.sign(x) * (1 - Math.exp(-size * size) / (Math.sqrt(Math.PI) * (size + fraction)));
}
