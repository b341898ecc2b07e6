import type { Node } from "../graph.js";
import { type BinaryName, div, eq, gt, mul, pow, sub } from "../ops/binary.js";
import { log, neg, sign, square, type UnaryName } from "../ops/unary.js";
import { where } from "../ops/where.js";
import type { Derivative } from "./derivative.js";
import { sumTo } from "./sum-to.js";

/** dcost/dx from x, y = f(x) and g = dcost/dy. */
export const unary: Record<UnaryName, (x: Node, y: Node, g: Node) => Node | undefined> = {
  neg: (_x, _y, g) => neg(g),
  exp: (_x, y, g) => mul(g, y),
  log: (x, _y, g) => div(g, x),
  sqrt: (_x, y, g) => div(g, mul(2, y)),
  abs: (x, _y, g) => mul(g, sign(x)),
  sign: () => undefined,
  square: (x, _y, g) => mul(g, mul(2, x)),
  sigmoid: (_x, y, g) => mul(g, mul(y, sub(1, y))),
  tanh: (_x, y, g) => mul(g, sub(1, square(y))),
  relu: (x, _y, g) => mul(g, gt(x, 0)),
};

type BinaryDerivative = (
  x: Node,
  y: Node,
  output: Node,
  g: Node,
  wanted: readonly boolean[],
) => readonly (Node | undefined)[];

/** Derivatives in the output's shape, before they are summed to the operands'. */
const inOutputShape: Record<
  Exclude<BinaryName, "gt" | "ge" | "lt" | "le" | "eq" | "ne">,
  BinaryDerivative
> = {
  add: (_x, _y, _output, g) => [g, g],
  sub: (_x, _y, _output, g, wanted) => [g, wanted[1] ? neg(g) : undefined],
  mul: (x, y, _output, g, wanted) => [wanted[0] ? mul(g, y) : undefined, wanted[1] ? mul(g, x) : undefined],
  div: (_x, y, output, g, wanted) => [
    wanted[0] ? div(g, y) : undefined,
    wanted[1] ? neg(div(mul(g, output), y)) : undefined,
  ],
  pow: (x, y, output, g, wanted) => [
    // Where y is 0 the plain formula is 0·x^−1, NaN at x = 0.
    wanted[0] ? mul(g, mul(y, pow(x, where(eq(y, 0), 1, sub(y, 1))))) : undefined,
    wanted[1] ? mul(g, mul(output, log(where(gt(x, 0), x, 1)))) : undefined,
  ],
};

const summed =
  (derivative: BinaryDerivative): Derivative =>
  (inputs, output, upstream, wanted) => {
    const [x, y] = inputs as [Node, Node];
    const terms = derivative(x, y, output, upstream, wanted);
    return terms.map((term, i) => (term && wanted[i] ? sumTo(term, inputs[i]!.shape) : undefined));
  };

/** Comparisons have a derivative of 0 wherever they have one. */
const none: Derivative = () => [];

/** Operands of a binary op are broadcast, so their derivatives are summed back. */
export const binary: Record<BinaryName, Derivative> = {
  add: summed(inOutputShape.add),
  sub: summed(inOutputShape.sub),
  mul: summed(inOutputShape.mul),
  div: summed(inOutputShape.div),
  pow: summed(inOutputShape.pow),
  gt: none,
  ge: none,
  lt: none,
  le: none,
  eq: none,
  ne: none,
};

/** The chosen operand takes the upstream derivative, the other 0. */
export const choice: Derivative = (inputs, _output, upstream, wanted) => {
  const [condition, x, y] = inputs as [Node, Node, Node];
  return [
    undefined,
    wanted[1] ? sumTo(where(condition, upstream, 0), x.shape) : undefined,
    wanted[2] ? sumTo(where(condition, 0, upstream), y.shape) : undefined,
  ];
};
