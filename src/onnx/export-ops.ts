import { type DType, type Node, type Tensor, tensor } from "../machine/index.js";
import { resolveAxis } from "../machine/op.js";
import type { Padding } from "../machine/ops/boxes.js";
import type { Convolution, TransposedConvolution } from "../machine/ops/convolution.js";
import type { Slice, Transpose } from "../machine/ops/layout.js";
import type { BatchNormalization, LayerNormalization } from "../machine/ops/normalization.js";
import type { Pooling } from "../machine/ops/pooling.js";
import type { Split } from "../machine/ops/split.js";
import { sizeOf } from "../machine/shape.js";

type AttributeValue = number | string | readonly number[] | { readonly float: number };

/** What a conversion writes to: nodes, and constants, whose names it gives. */
export interface Writer {
  node(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue>>,
  ): void;
  constant(value: Tensor, name?: string): string;
  /** An int64 vector. */
  integers(values: readonly number[], name?: string): string;
  /** A name for a value between two nodes. */
  value(name?: string): string;
  typeOf(dtype: DType): number;
}

/** Writes the nodes that an op of the machine is in ONNX. */
export type Converter = (
  node: Node,
  inputs: readonly string[],
  outputs: readonly string[],
  writer: Writer,
) => void;

/** How an op is written; undefined for one that is not. */
export function converterOf(name: string): Converter | undefined {
  return converters[name];
}

const attributesOf = <T>(node: Node) => (node.op as unknown as { attributes: T }).attributes;
const scalar = (value: number, { dtype }: Node) => tensor([value], [], dtype);

/** The op of the same name and operands, with attributes where it has parameters. */
const same =
  (op: string, alpha?: string, beta?: string): Converter =>
  (node, inputs, outputs, writer) => {
    const { alpha: a, beta: b } = attributesOf<{ alpha?: number; beta?: number }>(node);
    writer.node(op, inputs, outputs, {
      ...(alpha !== undefined && a !== undefined && { [alpha]: { float: a } }),
      ...(beta !== undefined && b !== undefined && { [beta]: { float: b } }),
    });
  };

/** A comparison, 1 or 0 in the operands' type. */
const comparison =
  (op: string, negated = false): Converter =>
  (node, inputs, outputs, writer) => {
    let truth = writer.value("truth");
    writer.node(op, inputs, [truth]);
    if (negated) {
      const opposite = writer.value("opposite");
      writer.node("Not", [truth], [opposite]);
      truth = opposite;
    }
    writer.node("Cast", [truth], outputs, { to: writer.typeOf(node.dtype) });
  };

const axesOf = (axes: readonly number[], node: Node) =>
  axes.map((axis) => resolveAxis(axis, node.inputs[0]!.shape));

/** A reduction; that of sums has its axes as an input from operator set 13 on, the others from 18 on. */
const reduction =
  (op: string): Converter =>
  (node, inputs, outputs, writer) => {
    const { axes, keepAxes } = attributesOf<{ axes?: readonly number[]; keepAxes?: boolean }>(node);
    const own = axesOf(axes ?? node.inputs[0]!.shape.map((_, axis) => axis), node);
    const keepdims = keepAxes ? 1 : 0;
    if (own.length === 0) writer.node("Identity", inputs, outputs);
    else if (op === "ReduceSum")
      writer.node(op, [...inputs, writer.integers(own, "axes")], outputs, { keepdims });
    else writer.node(op, inputs, outputs, { axes: own, keepdims });
  };

const windowOf = ({
  strides,
  dilations,
  before,
  after,
}: Convolution["attributes"] | Pooling["attributes"]) => ({
  strides,
  dilations,
  pads: [...before, ...after],
});

const pooling =
  (op: "MaxPool" | "AveragePool"): Converter =>
  (node, inputs, outputs, writer) => {
    const { kernel, ceil, countPadding, dilations, places, ...window } =
      attributesOf<Pooling["attributes"]>(node);
    const { dilations: _dilations, ...own } = windowOf({ ...window, dilations, kernel, ceil });
    writer.node(op, inputs, outputs, {
      kernel_shape: kernel,
      ...own,
      ceil_mode: ceil ? 1 : 0,
      ...(op === "MaxPool" ? { dilations } : { count_include_pad: countPadding ? 1 : 0 }),
      ...(places === "columns" && { storage_order: 1 }),
    });
  };

const converters: Readonly<Record<string, Converter>> = {
  add: same("Add"),
  sub: same("Sub"),
  mul: same("Mul"),
  div: same("Div"),
  pow: same("Pow"),
  gt: comparison("Greater"),
  ge: comparison("GreaterOrEqual"),
  lt: comparison("Less"),
  le: comparison("LessOrEqual"),
  eq: comparison("Equal"),
  ne: comparison("Equal", true),
  minimum: same("Min"),
  maximum: same("Max"),
  prelu: same("PRelu"),
  neg: same("Neg"),
  exp: same("Exp"),
  log: same("Log"),
  sqrt: same("Sqrt"),
  abs: same("Abs"),
  sign: same("Sign"),
  square: (_node, [x], outputs, writer) => writer.node("Mul", [x!, x!], outputs),
  sigmoid: same("Sigmoid"),
  tanh: same("Tanh"),
  relu: same("Relu"),
  floor: same("Floor"),
  ceil: same("Ceil"),
  round: same("Round"),
  sin: same("Sin"),
  cos: same("Cos"),
  tan: same("Tan"),
  asin: same("Asin"),
  acos: same("Acos"),
  atan: same("Atan"),
  sinh: same("Sinh"),
  cosh: same("Cosh"),
  asinh: same("Asinh"),
  acosh: same("Acosh"),
  atanh: same("Atanh"),
  erf: same("Erf"),
  reciprocal: same("Reciprocal"),
  softplus: same("Softplus"),
  softsign: same("Softsign"),
  elu: same("Elu", "alpha"),
  celu: same("Celu", "alpha"),
  selu: same("Selu", "alpha", "gamma"),
  leakyRelu: same("LeakyRelu", "alpha"),
  thresholdedRelu: same("ThresholdedRelu", "alpha"),
  hardSigmoid: same("HardSigmoid", "alpha", "beta"),
  hardSwish: same("HardSwish"),
  shrink: same("Shrink", "bias", "lambd"),
  clip: (node, [x], outputs, writer) => {
    const { alpha = 0, beta = 0 } = attributesOf<{ alpha?: number; beta?: number }>(node);
    const bound = (value: number) =>
      Number.isFinite(value) ? writer.constant(scalar(value, node), "bound") : "";
    writer.node("Clip", [x!, bound(alpha), bound(beta)], outputs);
  },
  affine: (node, [x], outputs, writer) => {
    const { alpha = 0, beta = 0 } = attributesOf<{ alpha?: number; beta?: number }>(node);
    const scaled = writer.value("scaled");
    writer.node("Mul", [x!, writer.constant(scalar(alpha, node))], [scaled]);
    writer.node("Add", [scaled, writer.constant(scalar(beta, node))], outputs);
  },
  swish: (node, [x], outputs, writer) => {
    const { alpha = 1 } = attributesOf<{ alpha?: number }>(node);
    const [scaled, gate] = [writer.value("scaled"), writer.value("gate")];
    writer.node("Mul", [x!, writer.constant(scalar(alpha, node))], [scaled]);
    writer.node("Sigmoid", [scaled], [gate]);
    writer.node("Mul", [x!, gate], outputs);
  },
  matmul: same("MatMul"),
  sum: reduction("ReduceSum"),
  mean: reduction("ReduceMean"),
  max: reduction("ReduceMax"),
  sumOf: reduction("ReduceSum"),
  meanOf: reduction("ReduceMean"),
  maxOf: reduction("ReduceMax"),
  minOf: reduction("ReduceMin"),
  product: reduction("ReduceProd"),
  norm1: reduction("ReduceL1"),
  norm2: reduction("ReduceL2"),
  sumOfSquares: reduction("ReduceSumSquare"),
  logSum: reduction("ReduceLogSum"),
  logSumExp: reduction("ReduceLogSumExp"),
  softmax: (node, inputs, outputs, writer) =>
    writer.node("Softmax", inputs, outputs, { axis: attributesOf<{ axis: number }>(node).axis }),
  logSoftmax: (node, inputs, outputs, writer) =>
    writer.node("LogSoftmax", inputs, outputs, { axis: attributesOf<{ axis: number }>(node).axis }),
  transpose: (node, inputs, outputs, writer) =>
    writer.node("Transpose", inputs, outputs, { perm: (node.op as Transpose).order(node.inputs[0]!.shape) }),
  reshape: (node, [x], outputs, writer) => {
    // The first axis as it is where it is kept, so that any batch fits.
    const from = node.inputs[0]!.shape;
    const inner = node.shape.slice(1);
    const kept = node.shape.length > 0 && from.length > 0 && node.shape[0] === from[0] && sizeOf(inner) > 0;
    writer.node("Reshape", [x!, writer.integers(kept ? [-1, ...inner] : node.shape, "shape")], outputs);
  },
  broadcastTo: (node, [x], outputs, writer) =>
    writer.node("Expand", [x!, writer.integers(node.shape, "shape")], outputs),
  slice: (node, [x], outputs, writer) => {
    const { shape } = node.inputs[0]!;
    const box = (node.op as Slice).box(shape);
    const axes = shape
      .map((_, axis) => axis)
      .filter((axis) => box[axis]![0] !== 0 || box[axis]![1] !== shape[axis]);
    if (axes.length === 0) {
      writer.node("Identity", [x!], outputs);
      return;
    }
    const bounds = (end: 0 | 1) =>
      writer.integers(
        axes.map((axis) => box[axis]![end]),
        "bounds",
      );
    writer.node("Slice", [x!, bounds(0), bounds(1), writer.integers(axes, "axes")], outputs);
  },
  concat: (node, inputs, outputs, writer) =>
    writer.node("Concat", inputs, outputs, { axis: attributesOf<{ axis: number }>(node).axis }),
  split: (node, [x], outputs, writer) => {
    const { axis, lengths } = attributesOf<Split["attributes"]>(node);
    writer.node("Split", [x!, writer.integers(lengths, "lengths")], outputs, { axis });
  },
  where: (_node, [condition, x, y], outputs, writer) => {
    const truth = writer.value("truth");
    writer.node("Cast", [condition!], [truth], { to: writer.typeOf("bool") });
    writer.node("Where", [truth, x!, y!], outputs);
  },
  select: same("Where"),
  cast: (node, inputs, outputs, writer) =>
    writer.node("Cast", inputs, outputs, { to: writer.typeOf(node.dtype) }),
  gather: (node, inputs, outputs, writer) =>
    writer.node("Gather", inputs, outputs, { axis: attributesOf<{ axis: number }>(node).axis }),
  convolution: (node, inputs, outputs, writer) => {
    const attributes = attributesOf<Convolution["attributes"]>(node);
    writer.node("Conv", inputs, outputs, { ...windowOf(attributes), group: attributes.groups });
  },
  transposedConvolution: (node, inputs, outputs, writer) => {
    const attributes = attributesOf<TransposedConvolution["attributes"]>(node);
    writer.node("ConvTranspose", inputs, outputs, {
      ...windowOf(attributes),
      group: attributes.groups,
      output_padding: attributes.outputPadding,
    });
  },
  maxPooling: pooling("MaxPool"),
  averagePooling: pooling("AveragePool"),
  batchNormalization: (node, inputs, outputs, writer) => {
    const { epsilon } = attributesOf<BatchNormalization["attributes"]>(node);
    writer.node("BatchNormalization", inputs, outputs, { epsilon: { float: epsilon } });
  },
  layerNormalization: (node, [x], outputs, writer) => {
    const { axis, epsilon } = attributesOf<LayerNormalization["attributes"]>(node);
    const { shape, dtype } = node;
    const own = shape.slice(resolveAxis(axis, shape));
    const ones = tensor(new Float64Array(sizeOf(own)).fill(1), [...own], dtype);
    writer.node("LayerNormalization", [x!, writer.constant(ones, "scale")], outputs, {
      axis,
      epsilon: { float: epsilon },
    });
  },
  padding: (node, [x, value], outputs, writer) => {
    const { before, after, mode } = attributesOf<Padding["attributes"]>(node);
    const pads = writer.integers([...before, ...after], "pads");
    writer.node("Pad", value === undefined ? [x!, pads] : [x!, pads, value], outputs, { mode });
  },
};
