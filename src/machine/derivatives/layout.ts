import type { Node } from "../graph.js";
import { resolveAxis } from "../op.js";
import {
  broadcastTo,
  type Concat,
  concat,
  reshape,
  type Slice,
  slice,
  type Transpose,
  transpose,
} from "../ops/layout.js";
import type { Derivative } from "./derivative.js";
import { sumTo } from "./sum-to.js";

export const transposed: Derivative = (inputs, output, upstream) => {
  const order = (output.op as Transpose).order(inputs[0]!.shape);
  return [
    transpose(
      upstream,
      order.map((_, axis) => order.indexOf(axis)),
    ),
  ];
};

export const reshaped: Derivative = (inputs, _output, upstream) => [reshape(upstream, inputs[0]!.shape)];

export const repeated: Derivative = (inputs, _output, upstream) => [sumTo(upstream, inputs[0]!.shape)];

/** Zeros are put back around the box, one axis after the other. */
export const sliced: Derivative = (inputs, output, upstream) => {
  const [x] = inputs as [Node];
  let padded = upstream;
  for (const [axis, [start, end]] of (output.op as Slice).box(x.shape).entries()) {
    const length = x.shape[axis]!;
    if (end - start === length) continue;
    const zeros = (n: number) => {
      const shape = padded.shape.map((own, i) => (i === axis ? n : own));
      return broadcastTo(x.graph.constant(0, x.dtype), shape);
    };
    const parts = [padded];
    if (start > 0) parts.unshift(zeros(start));
    if (end < length) parts.push(zeros(length - end));
    padded = concat(parts, axis);
  }
  return [padded];
};

export const joined: Derivative = (inputs, output, upstream, wanted) => {
  const axis = resolveAxis((output.op as Concat).attributes.axis, output.shape);
  let start = 0;
  return inputs.map((input, i) => {
    const from = start;
    start += input.shape[axis]!;
    if (!wanted[i]) return undefined;
    return slice(
      upstream,
      output.shape.map((length, own) => (own === axis ? [from, from + input.shape[axis]!] : [0, length])),
    );
  });
};
