import { UsageError } from "../../errors.js";
import { applyOp, type Node } from "../graph.js";
import { resolveAxis } from "../op.js";
import { sub } from "../ops/binary.js";
import { Padding, Select, Stride, sourceOf, Triangle } from "../ops/boxes.js";
import { cast } from "../ops/cast.js";
import { Contraction } from "../ops/contraction.js";
import { Gather, GatherElements, GatherTuples, ScatterElements, ScatterTuples } from "../ops/gathering.js";
import { broadcastTo, concat, reshape, transpose } from "../ops/layout.js";
import { matmul } from "../ops/matmul.js";
import { Pooling, type PoolingAttributes } from "../ops/pooling.js";
import { PoolingGradient } from "../ops/pooling-gradient.js";
import { sum } from "../ops/reduce.js";
import type { ResizeAxis } from "../ops/resize.js";
import type { GridSample } from "../ops/sampling.js";
import { GridPlaceGradient, GridSampleGradient } from "../ops/sampling-gradient.js";
import type { Split } from "../ops/split.js";
import type { TopK } from "../ops/top.js";
import { type Shape, sizeOf } from "../shape.js";
import { isFloat, Tensor, tensor } from "../tensor.js";
import type { Derivative } from "./derivative.js";
import { sumTo } from "./sum-to.js";

function zeros(like: Node, shape: Shape): Node {
  return broadcastTo(like.graph.constant(0, like.dtype), shape);
}

/** `count` zeros before and after along axes; fewer than none cut off. */
function padded(x: Node, before: readonly number[], after: readonly number[]): Node {
  const constant = x.graph.constant(0, x.dtype);
  return applyOp(new Padding({ before, after, mode: "constant" }), [x, constant]);
}

/** What an op refuses that has a derivative for some of its attributes alone. */
function none(output: Node, what: string): never {
  throw new UsageError(`the derivative of node ${output.label} is not known: ${what}`);
}

export const pooled: Derivative = (inputs, output, upstream) => {
  const [x] = inputs as [Node];
  const { name, attributes } = output.op as Pooling;
  const { places: _places, ...window } = attributes as PoolingAttributes;
  const op = new PoolingGradient({ ...window, of: name, shape: x.shape });
  if (name === "averagePooling") return [applyOp(op, [upstream])];
  return [applyOp(op, name === "maxPooling" ? [x, upstream] : [x, output, upstream])];
};

/** Of an average's derivative, which is linear, the average again; the others hang on x in steps. */
export const pooledAgain: Derivative = (_inputs, output, upstream) => {
  const { of, shape: _shape, ...window } = (output.op as PoolingGradient).attributes;
  if (of !== "averagePooling") none(output, "it is a derivative of a pool's");
  return [applyOp(new Pooling("averagePooling", window), [upstream])];
};

/** Parts are put together again, 0 where the cost does not depend on one. */
export const cut: Derivative = (_inputs, output, _upstream, _wanted, upstreams) => {
  const { axis } = (output.op as Split).attributes;
  const parts = output.results ?? [output];
  return [
    concat(
      parts.map((part, i) => upstreams[i] ?? zeros(part, part.shape)),
      axis,
    ),
  ];
};

export const chosen: Derivative = (inputs, _output, upstream, wanted) => {
  const [condition, x, y] = inputs as [Node, Node, Node];
  const zero = upstream.graph.constant(0, upstream.dtype);
  const select = (a: Node, b: Node, { shape }: Node) =>
    sumTo(applyOp(new Select(), [condition, a, b]), shape);
  return [
    undefined,
    wanted[1] ? select(upstream, zero, x) : undefined,
    wanted[2] ? select(zero, upstream, y) : undefined,
  ];
};

export const converted: Derivative = (inputs, output, upstream) => {
  const [x] = inputs as [Node];
  return [isFloat(x.dtype) && isFloat(output.dtype) ? cast(upstream, x.dtype) : undefined];
};

/**
 * What was put around x is cut off; with zeros that is all there is to it. Else each axis takes elements of x, some more
 * than once, which sum up.
 */
export const surrounded: Derivative = (inputs, output, upstream, wanted) => {
  const { before, after, mode } = (output.op as Padding).attributes;
  if (mode !== "constant") {
    const [{ shape }] = inputs as [Node];
    const total = shape.reduce((g, length, axis) => {
      if (before[axis] === 0 && after[axis] === 0) return g;
      const sources = Array.from({ length: g.shape[axis]! }, (_, i) =>
        sourceOf(i - before[axis]!, length, mode),
      );
      const places = g.graph.constant(new Tensor(BigInt64Array.from(sources, BigInt), [sources.length]));
      return rowsAdded(g, places, axis, length);
    }, upstream);
    return [total];
  }
  const minus = (list: readonly number[]) => list.map((count) => -count);
  const inner = padded(upstream, minus(before), minus(after));
  const constant = () => {
    const around = sub(sum(upstream), sum(inner));
    const { shape } = output.inputs[1]!;
    return shape.length === 0 ? around : reshape(around, shape);
  };
  return [wanted[0] ? inner : undefined, wanted[1] ? constant() : undefined];
};

export const halved: Derivative = (_inputs, output, upstream) => {
  return [applyOp(new Triangle((output.op as Triangle).attributes), [upstream])];
};

/** Elements that were passed over are 0: between those taken, before the first and after the last. */
export const strode: Derivative = (inputs, output, upstream) => {
  const [x] = inputs as [Node];
  const { starts, steps, lengths } = (output.op as Stride).attributes;
  if (sizeOf(output.shape) === 0) return [zeros(x, x.shape)];
  let g = upstream;
  for (const [axis, length] of x.shape.entries()) {
    const [count, step] = [lengths[axis]!, steps[axis]!];
    const gap = Math.abs(step);
    if (step < 0) g = reversed(g, axis);
    const first = step < 0 ? starts[axis]! + (count - 1) * step : starts[axis]!;
    if (gap > 1) {
      const [lead, tail] = [g.shape.slice(0, axis), g.shape.slice(axis + 1)];
      const apart = reshape(g, [...lead, count, 1, ...tail]);
      const at = (k: number) => apart.shape.map((_, i) => (i === axis + 1 ? k : 0));
      g = reshape(padded(apart, at(0), at(gap - 1)), [...lead, count * gap, ...tail]);
    }
    const by = (k: number) => g.shape.map((_, i) => (i === axis ? k : 0));
    const after = length - first - g.shape[axis]!;
    if (first !== 0 || after !== 0) g = padded(g, by(first), by(after));
  }
  return [g];
};

function reversed(x: Node, axis: number): Node {
  const turned = <T>(own: T, other: (i: number) => T) => x.shape.map((_, i) => (i === axis ? own : other(i)));
  const op = new Stride({
    starts: turned(x.shape[axis]! - 1, () => 0),
    steps: turned(-1, () => 1),
    lengths: x.shape,
  });
  return applyOp(op, [x]);
}

/** Rows taken more than once sum up. */
export const gathered: Derivative = (inputs, output, upstream) => {
  const [x, indices] = inputs as [Node, Node];
  const axis = resolveAxis((output.op as Gather).attributes.axis, x.shape);
  return [rowsAdded(upstream, indices, axis, x.shape[axis]!)];
};

/** The rows of g, whose axes from `axis` on are those of `indices`, added up in an axis of `length` where these say. */
function rowsAdded(g: Node, indices: Node, axis: number, length: number): Node {
  const rank = indices.shape.length;
  const all = g.shape.map((_, i) => i);
  const own = all.slice(axis, axis + rank);
  const rest = all.filter((i) => !own.includes(i));
  const tuples = reshape(indices, [...indices.shape, 1]);
  const op = new ScatterTuples({ combination: "add" });
  const start = zeros(g, [length, ...rest.map((i) => g.shape[i]!)]);
  const scattered = applyOp(op, [start, tuples, transpose(g, [...own, ...rest])]);
  const back = scattered.shape.map((_, i) => (i < axis ? i + 1 : i === axis ? 0 : i));
  return transpose(scattered, back);
}

/** The greatest elements, or the least, stand where their places say; no two in one place. */
export const greatestOf: Derivative = (inputs, output, upstream) => {
  const [x] = inputs as [Node];
  const axis = resolveAxis((output.op as TopK).attributes.axis, x.shape);
  const places = output.results![1]!;
  return [
    applyOp(new ScatterElements({ axis, combination: "add" }), [zeros(upstream, x.shape), places, upstream]),
  ];
};

/** Each element comes back from where it was put. */
export const unpooled: Derivative = (inputs, _output, upstream) => {
  const [, places] = inputs as [Node, Node];
  return [applyOp(new Gather({ axis: 0 }), [reshape(upstream, [sizeOf(upstream.shape)]), places])];
};

/** By the weights with which each place of a grid reads x, and by their slopes. */
export const sampled: Derivative = (inputs, output, upstream, wanted) => {
  const [x, grid] = inputs as [Node, Node];
  const { attributes } = output.op as GridSample;
  return [
    wanted[0]
      ? applyOp(new GridSampleGradient({ ...attributes, shape: x.shape }), [grid, upstream])
      : undefined,
    wanted[1] && attributes.mode !== "nearest"
      ? applyOp(new GridPlaceGradient(attributes), [x, grid, upstream])
      : undefined,
  ];
};

export const gatheredElements: Derivative = (inputs, output, upstream) => {
  const [x, indices] = inputs as [Node, Node];
  const { axis } = (output.op as GatherElements).attributes;
  const op = new ScatterElements({ axis, combination: "add" });
  return [applyOp(op, [zeros(upstream, x.shape), indices, upstream])];
};

export const gatheredTuples: Derivative = (inputs, output, upstream) => {
  const [x, indices] = inputs as [Node, Node];
  if ((output.op as GatherTuples).attributes.batchAxes > 0) none(output, "its indices have batch axes");
  const op = new ScatterTuples({ combination: "add" });
  return [applyOp(op, [zeros(upstream, x.shape), indices, upstream])];
};

/** What was written over does not count; what was written counts where it stands. Indices do not meet where they replace. */
export const scatteredElements: Derivative = (inputs, output, upstream, wanted) => {
  const [, indices, updates] = inputs as [Node, Node, Node];
  const { axis, combination } = (output.op as ScatterElements).attributes;
  if (combination !== "none" && combination !== "add") none(output, `elements combined by ${combination}`);
  const cleared = () =>
    applyOp(new ScatterElements({ axis, combination: "none" }), [
      upstream,
      indices,
      zeros(upstream, updates.shape),
    ]);
  return [
    wanted[0] ? (combination === "add" ? upstream : cleared()) : undefined,
    undefined,
    wanted[2] ? applyOp(new GatherElements({ axis }), [upstream, indices]) : undefined,
  ];
};

export const scatteredTuples: Derivative = (inputs, output, upstream, wanted) => {
  const [, indices, updates] = inputs as [Node, Node, Node];
  const { combination } = (output.op as ScatterTuples).attributes;
  if (combination !== "none" && combination !== "add") none(output, `elements combined by ${combination}`);
  const cleared = () =>
    applyOp(new ScatterTuples({ combination: "none" }), [upstream, indices, zeros(upstream, updates.shape)]);
  return [
    wanted[0] ? (combination === "add" ? upstream : cleared()) : undefined,
    undefined,
    wanted[2] ? applyOp(new GatherTuples({ batchAxes: 0 }), [upstream, indices]) : undefined,
  ];
};

/** Resizing is a matrix along its axis, which the op applied to the unit matrix shows; its derivative is the transpose. */
export const resized: Derivative = (inputs, output, upstream) => {
  const [x] = inputs as [Node];
  const op = output.op as ResizeAxis;
  const axis = resolveAxis(op.attributes.axis, x.shape);
  const length = x.shape[axis]!;
  const Own = op.constructor as typeof ResizeAxis;
  // Elements outside of x do not hang on it.
  const along = new Own({ ...op.attributes, axis: 1, outside: 0 });
  const unit = new Float64Array(length * length);
  for (let i = 0; i < length; i++) unit[i * length + i] = 1;
  const matrix = along.do([tensor(unit, [length, length], x.dtype)]) as Tensor;
  const last = x.shape.length - 1;
  const order = x.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
  // g·Mᵀ, M being out × in: row i of the matrix is what element i of x gives to each of the result's.
  const turned = matmul(transpose(upstream, order), transpose(x.graph.constant(matrix), [1, 0]));
  return [transpose(turned, order)];
};

/** Of a sum over products: each operand takes the sum over the upstream derivative and the other operands. */
export const contracted: Derivative = (inputs, output, upstream, wanted) => {
  const { operands, result } = (output.op as Contraction).attributes;
  return inputs.map((input, i) => {
    if (!wanted[i]) return undefined;
    const own = operands[i]!;
    if (new Set(own).size !== own.length) none(output, "an operand's label stands there twice");
    if (operands.some((labels, k) => labels.some((_, axis) => inputs[k]!.shape[axis] !== lengthOf(k, axis))))
      none(output, "an operand is repeated along an axis");
    const others = operands.filter((_, k) => k !== i);
    // Along an axis that nothing else has each element took part alike.
    const shared = own.filter((label) => result.includes(label) || others.flat().includes(label));
    const op = new Contraction({ operands: [result, ...others], result: shared });
    const total = applyOp(op, [upstream, ...inputs.filter((_, k) => k !== i)]);
    const kept = own.map((label, axis) => (shared.includes(label) ? input.shape[axis]! : 1));
    return broadcastTo(reshape(total, kept), input.shape);
  });

  function lengthOf(k: number, axis: number): number {
    const label = operands[k]![axis]!;
    return Math.max(
      ...operands.flatMap((labels, j) =>
        labels.flatMap((other, at) => (other === label ? [inputs[j]!.shape[at]!] : [])),
      ),
    );
  }
};
