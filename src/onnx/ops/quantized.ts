import { tensor } from "../../machine/index.js";
import { Convolution } from "../../machine/ops/convolution.js";
import { Quantize } from "../../machine/ops/quantization.js";
import type { Builder, Operand } from "../builder.js";
import type { Call, Conversion } from "../call.js";
import { windowOf } from "./neural.js";

/** Scales or zero points, one for all or one for each place along an axis, to go with an operand of `rank` axes. */
function along(build: Builder, values: Operand, axis: number, rank: number): Operand {
  if (values.shape.length !== 1) return values;
  if (values.shape[0] === 1) return build.reshape(values, []);
  return build.reshape(values, [values.shape[0]!, ...new Array<number>(rank - 1 - axis).fill(1)]);
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
  const zero = call.optional(2) ?? tensor([0], [], "uint8");
  return build.apply(
    new Quantize({ to: zero.dtype }),
    x,
    along(build, call.input(1), axis, x.shape.length),
    along(build, zero, axis, x.shape.length),
  );
};

const dequantize: Conversion = (call) => {
  const { build } = call;
  const x = call.input(0);
  const rank = x.shape.length;
  const given = call.integer("axis", 1);
  const axis = given < 0 ? given + rank : given;
  const scale = along(build, call.input(1), axis, rank);
  const zero = call.optional(2);
  const whole = moved(build, x, zero && along(build, zero, axis, rank));
  return build.binary("mul", build.cast(whole, scale.dtype), scale);
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
