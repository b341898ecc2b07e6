import type { Node } from "../graph.js";
import { add, div, ge, gt, le, lt, mul, sub } from "../ops/binary.js";
import { type FunctionName, type MathFunction, mathFunction } from "../ops/functions.js";
import { abs, exp, sigmoid, sqrt, square, tanh } from "../ops/unary.js";
import { where } from "../ops/where.js";
import type { Derivative } from "./derivative.js";

type Slope = (x: Node, y: Node, alpha: number, beta: number) => Node | number | undefined;

/** The slopes f′(x) by the functions' names, y being f(x); undefined where it is 0 wherever it exists. */
const slopes: Readonly<Record<FunctionName, Slope>> = {
  floor: () => undefined,
  ceil: () => undefined,
  round: () => undefined,
  sin: (x) => mathFunction("cos", x),
  cos: (x) => mul(-1, mathFunction("sin", x)),
  tan: (_x, y) => add(1, square(y)),
  asin: (x) => div(1, sqrt(sub(1, square(x)))),
  acos: (x) => div(-1, sqrt(sub(1, square(x)))),
  atan: (x) => div(1, add(1, square(x))),
  sinh: (x) => mathFunction("cosh", x),
  cosh: (x) => mathFunction("sinh", x),
  asinh: (x) => div(1, sqrt(add(square(x), 1))),
  acosh: (x) => div(1, sqrt(sub(square(x), 1))),
  atanh: (x) => div(1, sub(1, square(x))),
  erf: (x) => mul(2 / Math.sqrt(Math.PI), exp(mul(-1, square(x)))),
  reciprocal: (_x, y) => mul(-1, square(y)),
  softplus: (x) => sigmoid(x),
  softsign: (x) => div(1, square(add(1, abs(x)))),
  mish: (x) => {
    const t = tanh(mathFunction("softplus", x));
    return add(t, mul(x, mul(sub(1, square(t)), sigmoid(x))));
  },
  gelu: (x) => {
    const normal = mul(0.5, add(1, mathFunction("erf", mul(x, Math.SQRT1_2))));
    const density = mul(1 / Math.sqrt(2 * Math.PI), exp(mul(-0.5, square(x))));
    return add(normal, mul(x, density));
  },
  geluTanh: (x) => {
    const c = Math.sqrt(2 / Math.PI);
    const t = tanh(mul(c, add(x, mul(0.044715, mul(x, square(x))))));
    const inner = mul(c, add(1, mul(3 * 0.044715, square(x))));
    return add(mul(0.5, add(1, t)), mul(mul(0.5, x), mul(sub(1, square(t)), inner)));
  },
  elu: (x, y, alpha) => where(lt(x, 0), add(y, alpha), 1),
  celu: (x, _y, alpha) => where(lt(x, 0), exp(div(x, alpha)), 1),
  selu: (x, _y, alpha, beta) => where(gt(x, 0), beta, mul(alpha * beta, exp(x))),
  leakyRelu: (x, _y, alpha) => where(lt(x, 0), alpha, 1),
  hardSigmoid: (_x, y, alpha) => mul(alpha, mul(gt(y, 0), lt(y, 1))),
  hardSwish: (x) => where(gt(x, -3), where(lt(x, 3), add(div(x, 3), 0.5), 1), 0),
  thresholdedRelu: (x, _y, alpha) => gt(x, alpha),
  shrink: (x, _y, _alpha, beta) => gt(abs(x), beta),
  affine: (_x, _y, alpha) => alpha,
  // Where two bounds meet x both hold: the elements kept are those that were.
  clip: (x, _y, alpha, beta) => mul(ge(x, alpha), le(x, beta)),
  swish: (x, _y, alpha) => {
    const s = sigmoid(mul(alpha, x));
    return add(s, mul(mul(alpha, x), mul(s, sub(1, s))));
  },
};

export const mapped: Derivative = (inputs, output, upstream) => {
  const { name, attributes } = output.op as MathFunction;
  const { alpha = 0, beta = 0 } = attributes;
  const slope = slopes[name](inputs[0]!, output, alpha, beta);
  return [slope === undefined ? undefined : mul(upstream, slope)];
};
