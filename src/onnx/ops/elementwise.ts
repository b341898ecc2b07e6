import { type DType, Tensor, tensor } from "../../machine/index.js";
import type { BinaryName } from "../../machine/ops/binary.js";
import { Select } from "../../machine/ops/boxes.js";
import type { FunctionName } from "../../machine/ops/functions.js";
import { Lanes } from "../../machine/ops/lanes.js";
import type { PairwiseName } from "../../machine/ops/pairwise.js";
import { Softmax } from "../../machine/ops/softmax.js";
import type { UnaryName } from "../../machine/ops/unary.js";
import { isFloat } from "../../machine/tensor.js";
import type { Operand } from "../builder.js";
import type { Call, Conversion } from "../call.js";
import { elementType, StringTensor } from "../elements.js";

/** The second operand with axes of length 1 to its right, as operator sets up to 6 broadcast it from `axis` on. */
function aligned(call: Call, x: Operand, y: Operand): Operand {
  if (call.opset >= 7 || !call.has("axis")) return y;
  const axis = call.axis(call.integer("axis", 0), x.shape);
  const trailing = x.shape.length - axis - y.shape.length;
  return call.build.reshape(y, [...y.shape, ...new Array<number>(Math.max(0, trailing)).fill(1)]);
}

const unary =
  (name: UnaryName): Conversion =>
  (call) =>
    call.build.unary(name, call.input(0));

/** A function of x with parameters by attributes, whose names and default values are given. */
const math =
  (name: FunctionName, alpha?: readonly [string, number], beta?: readonly [string, number]): Conversion =>
  (call) =>
    call.build.math(name, call.input(0), {
      ...(alpha && { alpha: call.float(...alpha) }),
      ...(beta && { beta: call.float(...beta) }),
    });

const binary =
  (name: BinaryName): Conversion =>
  (call) => {
    const [x, y] = [call.input(0), call.input(1)];
    return call.build.binary(name, x, aligned(call, x, y));
  };

const pair =
  (name: PairwiseName): Conversion =>
  (call) => {
    const [x, y] = [call.input(0), call.input(1)];
    return call.build.pair(name, x, aligned(call, x, y));
  };

/** Any number of operands, one after another. */
const folded =
  (combine: (call: Call, x: Operand, y: Operand) => Operand): Conversion =>
  (call) =>
    call.operands().reduce((x, y) => combine(call, x, y));

/** Softmax and its like: along an axis, or, before operator set 13, over all axes from that one on. */
const alongAxis =
  (name: "softmax" | "logSoftmax" | "hardmax"): Conversion =>
  (call) => {
    const x = call.input(0);
    const op = (axis: number) => (name === "softmax" ? new Softmax({ axis }) : new Lanes(name, { axis }));
    if (call.opset >= 13) return call.build.apply(op(call.integer("axis", -1)), x);
    const axis = call.axis(call.integer("axis", 1), x.shape);
    const rows = x.shape.slice(0, axis).reduce((n, length) => n * length, 1);
    const columns = x.shape.slice(axis).reduce((n, length) => n * length, 1);
    return call.build.reshape(call.build.apply(op(1), call.build.reshape(x, [rows, columns])), x.shape);
  };

/** Bounds by attributes, which are inputs from operator set 11 on. */
const clip: Conversion = (call) => {
  const { build } = call;
  const x = call.input(0);
  const bound = (i: number, name: string) =>
    call.optional(i) ?? (call.has(name) ? build.scalar(call.float(name, 0), x) : undefined);
  const [low, high] = [bound(1, "min"), bound(2, "max")];
  if (isFloat(x.dtype) && [low, high].every((each) => each === undefined || each instanceof Tensor)) {
    const value = (each: Operand | undefined, otherwise: number) =>
      (each as Tensor | undefined)?.item() ?? otherwise;
    return build.math("clip", x, {
      alpha: value(low, Number.NEGATIVE_INFINITY),
      beta: value(high, Number.POSITIVE_INFINITY),
    });
  }
  const raised = low === undefined ? x : build.pair("maximum", x, low);
  return high === undefined ? raised : build.pair("minimum", raised, high);
};

const power: Conversion = (call) => {
  const { build } = call;
  const x = call.input(0);
  const y = aligned(call, x, call.input(1));
  if (x.dtype === y.dtype) return build.binary("pow", x, y);
  // The exponent may be of another type; the result is of the base's.
  const wide = (z: Operand) => build.cast(z, "float64");
  return build.cast(build.binary("pow", wide(x), wide(y)), x.dtype);
};

const cast: Conversion = (call) => {
  const attribute = call.attribute("to");
  // The first operator sets wrote the type out.
  const named = attribute?.s && new TextDecoder().decode(attribute.s).toLowerCase();
  const to =
    named === undefined
      ? elementType(call.integer("to", 0))
      : named === "float"
        ? "float32"
        : named === "double"
          ? "float64"
          : (named as DType);
  const [value] = call.inputs;
  if (value instanceof StringTensor) {
    if (to === "string") return value;
    return tensor(
      value.strings.map((text) => Number(text.replace(/^([+-]?)inf(inity)?$/i, "$1Infinity"))),
      value.shape,
      to,
    );
  }
  const x = call.input(0);
  if (to !== "string") return call.build.cast(x, to);
  const known = call.known(0);
  return new StringTensor(
    Array.from(known.data, (own) => text(own, known.dtype)),
    known.shape,
  );
};

/** A number as NumPy writes it in a string: the shortest decimal that reads back as the same element. */
function text(value: number | bigint, dtype: DType): string {
  if (typeof value === "bigint") return String(value);
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "INF" : "-INF";
  if (dtype !== "float32") return String(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

/** Text as a number, infinities included. */
function parsed(written: string): number {
  return Number(written.trim().replace(/^([+-]?)inf(inity)?$/i, "$1Infinity"));
}

const isNaNOrInfinite = (call: Call, infinite: boolean): Operand => {
  const { build } = call;
  const x = call.input(0);
  if (!infinite) return not(call, build.pair("isEqual", x, x));
  const is = (value: number) => build.pair("isEqual", x, build.scalar(value, x));
  const [up, down] = [call.flag("detect_positive", true), call.flag("detect_negative", true)];
  const never = not(call, build.pair("isEqual", x, x));
  if (up && down) return build.pair("bitOr", is(Number.POSITIVE_INFINITY), is(Number.NEGATIVE_INFINITY));
  if (up) return is(Number.POSITIVE_INFINITY);
  return down ? is(Number.NEGATIVE_INFINITY) : build.pair("bitAnd", never, not(call, never));
};

function not(call: Call, x: Operand): Operand {
  return call.build.pair("bitXor", x, call.build.scalar(1, x));
}

export const elementwise: Readonly<Record<string, Conversion>> = {
  Abs: unary("abs"),
  Neg: unary("neg"),
  Exp: unary("exp"),
  Log: unary("log"),
  Sqrt: unary("sqrt"),
  Sign: unary("sign"),
  Sigmoid: unary("sigmoid"),
  Tanh: unary("tanh"),
  Relu: unary("relu"),
  Floor: math("floor"),
  Ceil: math("ceil"),
  Round: math("round"),
  Sin: math("sin"),
  Cos: math("cos"),
  Tan: math("tan"),
  Asin: math("asin"),
  Acos: math("acos"),
  Atan: math("atan"),
  Sinh: math("sinh"),
  Cosh: math("cosh"),
  Asinh: math("asinh"),
  Acosh: math("acosh"),
  Atanh: math("atanh"),
  Erf: math("erf"),
  Reciprocal: math("reciprocal"),
  Softplus: math("softplus"),
  Softsign: math("softsign"),
  Mish: math("mish"),
  HardSwish: math("hardSwish"),
  Elu: math("elu", ["alpha", 1]),
  Celu: math("celu", ["alpha", 1]),
  LeakyRelu: math("leakyRelu", ["alpha", 0.01]),
  ThresholdedRelu: math("thresholdedRelu", ["alpha", 1]),
  Shrink: math("shrink", ["bias", 0], ["lambd", 0.5]),
  HardSigmoid: math("hardSigmoid", ["alpha", 0.2], ["beta", 0.5]),
  Affine: math("affine", ["alpha", 1], ["beta", 0]),
  Selu: (call) => {
    const old = call.opset < 6;
    return call.build.math("selu", call.input(0), {
      alpha: call.float("alpha", old ? 1.6732 : 1.6732631921768188),
      beta: call.float("gamma", old ? 1.0507 : 1.0507010221481323),
    });
  },
  Gelu: (call) =>
    call.build.math(call.text("approximate", "none") === "tanh" ? "geluTanh" : "gelu", call.input(0)),
  Swish: math("swish", ["alpha", 1]),
  Add: binary("add"),
  Sub: binary("sub"),
  Mul: binary("mul"),
  Div: binary("div"),
  Pow: power,
  Mod: (call) => {
    const remainder = call.flag("fmod");
    return call.build.pair(remainder ? "remainder" : "modulo", call.input(0), call.input(1));
  },
  PRelu: (call) => {
    const [x, slope] = [call.input(0), call.input(1)];
    // Before operator set 7 a slope of one axis is one for each channel.
    const old =
      call.opset < 7 && slope.shape.length === 1 && x.shape.length > 2 && slope.shape[0] === x.shape[1];
    const shape = old ? [slope.shape[0]!, ...x.shape.slice(2).map(() => 1)] : slope.shape;
    return call.build.pair("prelu", x, call.build.reshape(slope, shape));
  },
  Min: folded((call, x, y) => call.build.pair("minimum", x, y)),
  Max: folded((call, x, y) => call.build.pair("maximum", x, y)),
  Sum: folded((call, x, y) => call.build.binary("add", x, y)),
  Mean: (call) => {
    const operands = call.operands();
    const sum = operands.reduce((x, y) => call.build.binary("add", x, y));
    return call.build.binary("div", sum, call.build.scalar(operands.length, sum));
  },
  And: pair("bitAnd"),
  Or: pair("bitOr"),
  Xor: pair("bitXor"),
  BitwiseAnd: pair("bitAnd"),
  BitwiseOr: pair("bitOr"),
  BitwiseXor: pair("bitXor"),
  BitwiseNot: (call) => {
    const x = call.input(0);
    return call.build.binary("sub", call.build.unary("neg", x), call.build.scalar(1, x));
  },
  BitShift: (call) =>
    call.build.pair(
      call.text("direction", "LEFT") === "LEFT" ? "shiftLeft" : "shiftRight",
      call.input(0),
      call.input(1),
    ),
  Not: (call) => not(call, call.input(0)),
  Equal: (call) => {
    const [x, y] = call.inputs;
    if (x instanceof StringTensor && y instanceof StringTensor) {
      // Texts by their numbers in a list of all that occur.
      const numbers = new Map([...x.strings, ...y.strings].map((own, i) => [own, i]));
      const [a, b] = [x, y].map(({ strings, shape }) =>
        tensor(
          strings.map((own) => numbers.get(own)!),
          shape,
        ),
      ) as [Tensor, Tensor];
      return call.build.pair("isEqual", a, b);
    }
    return pair("isEqual")(call);
  },
  Less: pair("isLess"),
  LessOrEqual: pair("isLessOrEqual"),
  Greater: pair("isGreater"),
  GreaterOrEqual: pair("isGreaterOrEqual"),
  IsNaN: (call) => isNaNOrInfinite(call, false),
  IsInf: (call) => isNaNOrInfinite(call, true),
  Where: (call) => call.build.apply(new Select(), call.input(0), call.input(1), call.input(2)),
  Softmax: alongAxis("softmax"),
  LogSoftmax: alongAxis("logSoftmax"),
  Hardmax: alongAxis("hardmax"),
  Clip: clip,
  Cast: cast,
  CastLike: (call) => {
    const [, like] = call.inputs;
    if (like instanceof StringTensor) {
      const known = call.known(0);
      return new StringTensor(
        Array.from(known.data, (own) => text(own, known.dtype)),
        known.shape,
      );
    }
    const to = call.input(1).dtype;
    const [value] = call.inputs;
    if (value instanceof StringTensor) return tensor(value.strings.map(parsed), value.shape, to);
    return call.build.cast(call.input(0), to);
  },
};
