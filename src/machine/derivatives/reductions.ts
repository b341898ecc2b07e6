import { applyOp, type Node } from "../graph.js";
import { div, eq, mul, sub } from "../ops/binary.js";
import { broadcastTo, reshape, transpose } from "../ops/layout.js";
import { Matmul } from "../ops/matmul.js";
import { type Reduce, sum } from "../ops/reduce.js";
import type { Softmax } from "../ops/softmax.js";
import { sizeOf } from "../shape.js";
import type { Derivative } from "./derivative.js";
import { sumTo } from "./sum-to.js";

/** Of sum, mean and max: every element that was summed, or was the greatest, takes its share. */
export const reduced: Derivative = (inputs, output, upstream) => {
  const [x] = inputs as [Node];
  const op = output.op as Reduce;
  const axes = op.axes(x.shape);
  const kept = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
  const spread = (y: Node) => reshape(y, kept);
  if (op.name === "sum") return [broadcastTo(spread(upstream), x.shape)];
  if (op.name === "mean") {
    const count = sizeOf(x.shape) / sizeOf(kept);
    return [broadcastTo(spread(div(upstream, count)), x.shape)];
  }
  const greatest = eq(x, spread(output));
  return [mul(greatest, spread(div(upstream, sum(greatest, axes, op.attributes.keepAxes))))];
};

/** Of C = A·B: upstream·Bᵀ and Aᵀ·upstream. */
export const multiplied: Derivative = (inputs, _output, upstream, wanted) => {
  const [a, b] = inputs as [Node, Node];
  return [
    wanted[0] ? sumTo(applyOp(new Matmul(), [upstream, flip(b)]), a.shape) : undefined,
    wanted[1] ? sumTo(applyOp(new Matmul(), [flip(a), upstream]), b.shape) : undefined,
  ];
};

export const normalised: Derivative = (_inputs, output, upstream) => {
  const { axis } = (output.op as Softmax).attributes;
  return [mul(output, sub(upstream, sum(mul(upstream, output), axis, true)))];
};

function flip(x: Node): Node {
  const axes = x.shape.map((_, axis) => axis);
  return transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}
