import { tensor } from "../../machine/index.js";
import { Convolution } from "../../machine/ops/convolution.js";
import { Quantize } from "../../machine/ops/quantization.js";
import type { Builder, Operand } from "../builder.js";
import type { Call, Conversion } from "../call.js";
import { windowOf } from "./neural.js";

/** Scales or zero points, one for all or one for each place along an axis, to go with an operand of `rank` axes. */
function along(build: Builder, values: Operand, axis: number, rank: number): Operand {
  if (values.shape.length !== 1 || rank === 0) return values;
  if (values.shape[0] === 1) return build.reshape(values, []);
  return build.reshape(values, [values.shape[0]!, ...new Array<number>(rank - 1 - axis).fill(1)]);
}

/** Values of blocks along an axis, one for each of `block` elements, for each element of x. */
function blockwise(build: Builder, values: Operand, axis: number, block: number, x: Operand): Operand {
  const { shape } = values;
  const [lead, count, tail] = [shape.slice(0, axis), shape[axis]!, shape.slice(axis + 1)];
  const apart = build.reshape(values, [...lead, count, 1, ...tail]);
  const each = build.broadcastTo(apart, [...lead, count, block, ...tail]);
  return build.part(build.reshape(each, [...lead, count * block, ...tail]), axis, 0, x.shape[axis]!);
}

/** Scales or zero points as they go with x: one for all, for each place along an axis, or for each block there. */
function asGiven(call: Call, values: Operand, axis: number, x: Operand): Operand {
  const block = call.integer("block_size", 0);
  return block > 0 && values.shape.length === x.shape.length && values.shape.length > 0
    ? blockwise(call.build, values, axis, block, x)
    : along(call.build, values, axis, x.shape.length);
}

/** x − zero, as int32. */
function moved(build: Builder, x: Operand, zero: Operand | undefined): Operand {
  const wide = build.cast(x, "int32");
  return zero === undefined ? wide : build.binary("sub", wide, build.cast(zero, "int32"));
}

/** Sums of products of integers, as int32, times a scale, quantised. */
function requantized(build: Builder, sums: Operand, factor: Operand, scale: Operand, zero: Operand): Operand {
  const real = build.binary("mul", build.cast(sums, "float32"), factor);
  return build.apply(new Quantize({ to: zero.dtype }), real, scale, zero);
}

const quantize: Conversion = (call) => {
  const { build } = call;
  const x = build.cast(call.input(0), "float32");
  const axis = call.axis(call.integer("axis", Math.min(1, x.shape.length - 1)), [
    ...x.shape,
    ...(x.shape.length ? [] : [1]),
  ]);
  const zero =
    call.optional(2) ??
    tensor([0], [], call.integer("output_dtype", 0) ? call.type("output_dtype", 2) : "uint8");
  return build.apply(
    new Quantize({ to: zero.dtype }),
    x,
    asGiven(call, call.input(1), axis, x),
    asGiven(call, zero, axis, x),
  );
};

const dequantize: Conversion = (call) => {
  const { build } = call;
  const x = call.input(0);
  const rank = x.shape.length;
  const given = call.integer("axis", 1);
  const axis = given < 0 ? given + rank : given;
  const scale = asGiven(call, call.input(1), axis, x);
  const zero = call.optional(2);
  const whole = moved(build, x, zero && asGiven(call, zero, axis, x));
  const result = build.binary("mul", build.cast(whole, scale.dtype), scale);
  return call.integer("output_dtype", 0) ? build.cast(result, call.type("output_dtype", 1)) : result;
};

/** A scale and a zero point by x's own range, which holds 0. */
const dynamic: Conversion = (call) => {
  const { build } = call;
  const x = call.input(0);
  const axes = x.shape.map((_, axis) => axis);
  const zero = build.scalar(0, x);
  const high = build.pair("maximum", build.reduce("maxOf", x, axes, false), zero);
  const low = build.pair("minimum", build.reduce("minOf", x, axes, false), zero);
  const scale = build.binary("div", build.binary("sub", high, low), build.scalar(255, x));
  const point = build.math(
    "round",
    build.math("clip", build.binary("div", build.unary("neg", low), scale), { alpha: 0, beta: 255 }),
  );
  const zeroPoint = build.cast(point, "uint8");
  return [build.apply(new Quantize({ to: "uint8" }), x, scale, zeroPoint), scale, zeroPoint];
};

/** A zero point for each row of the left matrix. */
const byRow = (build: Builder, zero: Operand | undefined) =>
  zero !== undefined && zero.shape.length === 1 && zero.shape[0]! > 1
    ? build.reshape(zero, [zero.shape[0]!, 1])
    : zero;

function convolve(call: Call, x: Operand, w: Operand, bias: Operand | undefined): Operand {
  const window = windowOf(call, x.shape.slice(2), w.shape.slice(2));
  const op = new Convolution({ ...window, groups: call.integer("group", 1) });
  return call.build.apply(op, x, w, ...(bias === undefined ? [] : [bias]));
}

export const quantized: Readonly<Record<string, Conversion>> = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: dynamic,
  MatMulInteger: (call) => {
    const { build } = call;
    const a = moved(build, call.input(0), byRow(build, call.optional(2)));
    return build.matmul(a, moved(build, call.input(1), call.optional(3)));
  },
  ConvInteger: (call) => {
    const { build } = call;
    const w = call.input(1);
    const zero = call.optional(3);
    return convolve(
      call,
      moved(build, call.input(0), call.optional(2)),
      moved(build, w, zero && along(build, zero, 0, w.shape.length)),
      undefined,
    );
  },
  QLinearMatMul: (call) => {
    const { build } = call;
    const [a, aScale, aZero, b, bScale, bZero, yScale, yZero] = call.operands() as Operand[];
    const sums = build.matmul(moved(build, a!, byRow(build, aZero)), moved(build, b!, bZero));
    const factor = build.binary("mul", byRow(build, aScale)!, bScale!);
    return requantized(build, sums, factor, yScale!, yZero!);
  },
  QLinearConv: (call) => {
    const { build } = call;
    const [x, xScale, xZero, w, wScale, wZero, yScale, yZero, bias] = call.operands() as Operand[];
    const rank = x!.shape.length;
    const sums = convolve(
      call,
      moved(build, x!, xZero),
      moved(build, w!, along(build, wZero!, 0, rank)),
      bias,
    );
    const factor = build.binary("mul", xScale!, along(build, wScale!, 1, rank));
    return requantized(build, sums, factor, yScale!, yZero!);
  },
};
