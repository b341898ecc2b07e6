import { applyOp, type Node } from "../graph.js";
import { resolveAxis } from "../op.js";
import { add, div, eq, gt, lt, mul, sub } from "../ops/binary.js";
import { mathFunction } from "../ops/functions.js";
import { type LaneOpName, Lanes } from "../ops/lanes.js";
import { broadcastTo, reshape } from "../ops/layout.js";
import type { Pairwise } from "../ops/pairwise.js";
import { sum } from "../ops/reduce.js";
import { Reduction, type ReductionName } from "../ops/reductions.js";
import { abs, exp, neg, sign, sqrt, square } from "../ops/unary.js";
import { where } from "../ops/where.js";
import { sizeOf } from "../shape.js";
import type { Derivative } from "./derivative.js";
import { sumTo } from "./sum-to.js";

/** From x, y and g, both spread over x's axes, and how many elements each y is of: dcost/dx, to be broadcast. */
type Share = (x: Node, y: Node, g: Node, total: (value: Node) => Node, count: number) => Node;

/** Every element that is the greatest, or the least, takes its share. */
const extreme: Share = (x, y, g, total) => {
  const chosen = eq(x, y);
  return mul(chosen, div(g, total(chosen)));
};

const shares: Readonly<Record<ReductionName, Share>> = {
  sumOf: (_x, _y, g) => g,
  meanOf: (_x, _y, g, _total, count) => div(g, count),
  maxOf: extreme,
  minOf: extreme,
  // The product of the others: y/x but for zeros, of which there may be one for it to be other than 0.
  product: (x, _y, g, total) => {
    const zero = eq(x, 0);
    const zeros = total(zero);
    const [axes, keepAxes] = [x.shape.map((_, axis) => axis).filter((axis) => zeros.shape[axis] === 1), true];
    const others = applyOp(new Reduction("product", { axes, keepAxes }), [where(zero, 1, x)]);
    const own = where(zero, mul(others, eq(zeros, 1)), mul(div(others, where(zero, 1, x)), eq(zeros, 0)));
    return mul(g, own);
  },
  norm1: (x, _y, g) => mul(g, sign(x)),
  norm2: (x, y, g) => mul(g, div(x, where(eq(y, 0), 1, y))),
  sumOfSquares: (x, _y, g) => mul(g, mul(2, x)),
  logSum: (_x, y, g) => mul(g, exp(neg(y))),
  logSumExp: (x, y, g) => mul(g, exp(sub(x, y))),
};

/** Of the statistics of elements along axes. */
export const summarised: Derivative = (inputs, output, upstream) => {
  const [x] = inputs as [Node];
  const { name, attributes } = output.op as Reduction;
  const axes = attributes.axes.map((axis) => resolveAxis(axis, x.shape));
  const kept = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
  const count = sizeOf(x.shape) / Math.max(1, sizeOf(kept));
  const share = shares[name](
    x,
    reshape(output, kept),
    reshape(upstream, kept),
    (value) => sum(value, axes, true),
    count,
  );
  return [broadcastTo(share, x.shape)];
};

const ofLanes: Readonly<Record<LaneOpName, (x: Node, y: Node, g: Node, op: Lanes) => Node | undefined>> = {
  logSoftmax: (_x, y, g, { attributes: { axis } }) => sub(g, mul(exp(y), sum(g, axis, true))),
  hardmax: () => undefined,
  runningSum: (_x, _y, g, { attributes }) =>
    applyOp(new Lanes("runningSum", { ...attributes, reverse: !attributes.reverse }), [g]),
  normalize: (x, y, g, { attributes: { axis, p = 2 } }) => {
    const norm = p === 1 ? sum(abs(x), axis, true) : sqrt(sum(square(x), axis, true));
    const along = mul(p === 1 ? sign(x) : y, sum(mul(g, y), axis, true));
    return div(sub(g, along), where(eq(norm, 0), 1, norm));
  },
};

export const alongLanes: Derivative = (inputs, output, upstream) => {
  const op = output.op as Lanes;
  return [ofLanes[op.name](inputs[0]!, output, upstream, op)];
};

/** Of the elementwise choices of two operands; where both are alike each takes half. */
export const paired: Derivative = (inputs, output, upstream, wanted) => {
  const [x, y] = inputs as [Node, Node];
  const { name } = output.op as Pairwise;
  const half = (chosen: Node) => mul(upstream, add(chosen, mul(0.5, eq(x, y))));
  const terms = (): readonly (Node | undefined)[] => {
    switch (name) {
      case "minimum":
        return [half(lt(x, y)), half(gt(x, y))];
      case "maximum":
        return [half(gt(x, y)), half(lt(x, y))];
      case "prelu":
        return [where(lt(x, 0), mul(upstream, y), upstream), where(lt(x, 0), mul(upstream, x), 0)];
      case "modulo":
        return [upstream, neg(mul(upstream, mathFunction("floor", div(x, y))))];
      case "remainder": {
        const quotient = div(x, y);
        const whole = mul(sign(quotient), mathFunction("floor", abs(quotient)));
        return [upstream, neg(mul(upstream, whole))];
      }
      default:
        return [];
    }
  };
  return terms().map((term, i) => (term && wanted[i] ? sumTo(term, inputs[i]!.shape) : undefined));
};
