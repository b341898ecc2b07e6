import type { Node } from "../graph.js";
import { reshape } from "../ops/layout.js";
import { sum } from "../ops/reduce.js";
import { type Shape, sameShape } from "../shape.js";

/** Sums a gradient over the axes along which an operand of `shape` was repeated: the adjoint of broadcasting. */
export function sumTo(gradient: Node, shape: Shape): Node {
  if (sameShape(gradient.shape, shape)) return gradient;
  const lead = gradient.shape.length - shape.length;
  const axes = gradient.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < lead || (shape[axis - lead] === 1 && gradient.shape[axis] !== 1));
  const summed = axes.length === 0 ? gradient : sum(gradient, axes);
  return sameShape(summed.shape, shape) ? summed : reshape(summed, shape);
}
