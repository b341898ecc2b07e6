import { float } from "./elements.js";

/** An elementwise op's value in WGSL, of the texts of its operands and its parameters. */
export type Formula = (operands: readonly string[], alpha: number, beta: number) => string;

const call =
  (name: string): Formula =>
  (operands) =>
    `${name}(${operands.join(", ")})`;

const infix =
  (sign: string): Formula =>
  ([x, y]) =>
    `(${x} ${sign} ${y})`;

const predicate =
  (name: string, swapped = false): Formula =>
  ([x, y]) =>
    `select(0.0, 1.0, ${swapped ? `${name}(${y}, ${x})` : `${name}(${x}, ${y})`})`;

/** Below 0; not for −0, nor for NaN. */
const below = (x: string) => `is_less(${x}, 0.0)`;

/** The elementwise ops of float32 that give float32, by their names. */
const formulas: Readonly<Record<string, Formula>> = {
  add: infix("+"),
  sub: infix("-"),
  mul: infix("*"),
  div: infix("/"),
  pow: call("power"),
  gt: predicate("is_less", true),
  ge: predicate("is_less_or_equal", true),
  lt: predicate("is_less"),
  le: predicate("is_less_or_equal"),
  eq: predicate("is_equal"),
  ne: ([x, y]) => `select(1.0, 0.0, is_equal(${x}, ${y}))`,
  minimum: call("minimum"),
  maximum: call("maximum"),
  modulo: call("modulo_of"),
  remainder: call("remainder_of"),
  prelu: ([x, y]) => `select(${x}, ${y} * ${x}, ${below(x!)})`,

  neg: ([x]) => `(-${x})`,
  abs: call("abs"),
  sqrt: call("sqrt"),
  square: ([x]) => `(${x} * ${x})`,
  exp: call("exponential"),
  log: call("logarithm"),
  sign: call("sign_of"),
  sigmoid: call("logistic"),
  tanh: call("hyperbolic_tangent"),
  relu: call("rectified"),

  floor: call("round_down"),
  ceil: call("round_up"),
  round: call("round"),
  sin: call("sine"),
  cos: call("cosine"),
  tan: call("tangent"),
  asin: call("arc_sine"),
  acos: call("arc_cosine"),
  atan: call("arc_tangent"),
  sinh: call("hyperbolic_sine"),
  cosh: call("hyperbolic_cosine"),
  asinh: call("area_hyperbolic_sine"),
  acosh: call("area_hyperbolic_cosine"),
  atanh: call("area_hyperbolic_tangent"),
  erf: call("error_function"),
  reciprocal: ([x]) => `(1.0 / ${x})`,
  softplus: call("soft_plus"),
  softsign: ([x]) => `(${x} / (1.0 + abs(${x})))`,
  mish: ([x]) => `(${x} * hyperbolic_tangent(soft_plus(${x})))`,
  gelu: call("gaussian_unit"),
  geluTanh: call("gaussian_unit_by_tangent"),
  elu: ([x], alpha) => `select(${x}, ${float(alpha)} * exponential_less_one(${x}), ${below(x!)})`,
  celu: ([x], alpha) =>
    `select(${x}, ${float(alpha)} * exponential_less_one(${x} / ${float(alpha)}), ${below(x!)})`,
  selu: ([x], alpha, beta) =>
    `(${float(beta)} * select(${float(alpha)} * exponential_less_one(${x}), ${x}, is_less(0.0, ${x})))`,
  leakyRelu: ([x], alpha) => `select(${x}, ${float(alpha)} * ${x}, ${below(x!)})`,
  hardSigmoid: ([x], alpha, beta) => `maximum(0.0, minimum(1.0, ${float(alpha)} * ${x} + ${float(beta)}))`,
  hardSwish: ([x]) => `(${x} * maximum(0.0, minimum(1.0, ${x} / 6.0 + 0.5)))`,
  thresholdedRelu: ([x], alpha) => `select(0.0, ${x}, is_less(${float(alpha)}, ${x}))`,
  shrink: ([x], alpha, beta) =>
    `select(select(0.0, ${x} - ${float(alpha)}, is_less(${float(beta)}, ${x})), ${x} + ${float(alpha)}, is_less(${x}, ${float(-beta)}))`,
  affine: ([x], alpha, beta) => `(${float(alpha)} * ${x} + ${float(beta)})`,
  clip: ([x], alpha, beta) => `minimum(maximum(${x}, ${float(alpha)}), ${float(beta)})`,
  swish: ([x], alpha) => `swish_of(${x}, ${float(alpha)})`,
};

/** Predicates of float32, which give bools. */
export const floatPredicates: Readonly<Record<string, Formula>> = {
  isEqual: call("is_equal"),
  isLess: call("is_less"),
  isLessOrEqual: call("is_less_or_equal"),
  isGreater: ([x, y]) => `is_less(${y}, ${x})`,
  isGreaterOrEqual: ([x, y]) => `is_less_or_equal(${y}, ${x})`,
};

/** Undefined where float32 has no such op here. */
export function floatFormula(name: string): Formula | undefined {
  return Object.hasOwn(formulas, name) ? formulas[name] : undefined;
}

/** A conversion to the operands' own type, i32 or u32, of a truth. */
const truth = (text: string, type: string) => `select(${type}(0), ${type}(1), ${text})`;

/**
 * The same of integers, computed as i32 or u32; those of fewer bits are cut off when they are stored. Left out is what
 * the CPU works out in double, which loses digits that 32 bits have.
 */
export function integerFormula(name: string, type: "i32" | "u32"): Formula | undefined {
  const compared = (sign: string): Formula => {
    return ([x, y]) => truth(`${x} ${sign} ${y}`, type);
  };
  const bits = (x: string) => (type === "i32" ? `bitcast<u32>(${x})` : x);
  const own = (x: string) => (type === "i32" ? `bitcast<i32>(${x})` : x);
  const table: Record<string, Formula> = {
    add: infix("+"),
    sub: infix("-"),
    mul: infix("*"),
    div: ([x, y]) => `select(${x} / select(${y}, ${type}(1), ${y} == 0), ${type}(0), ${y} == 0)`,
    gt: compared(">"),
    ge: compared(">="),
    lt: compared("<"),
    le: compared("<="),
    eq: compared("=="),
    ne: compared("!="),
    minimum: call("min"),
    maximum: call("max"),
    neg: ([x]) => `(${type}(0) - ${x})`,
    abs: call("abs"),
    square: ([x]) => `(${x} * ${x})`,
    sign: type === "i32" ? call("sign") : ([x]) => truth(`${x} != 0`, type),
    relu: ([x]) => `max(${x}, ${type}(0))`,
    bitAnd: infix("&"),
    bitOr: infix("|"),
    bitXor: infix("^"),
    shiftLeft: ([x, y]) => `select(${x} << (${bits(y!)} & 31u), ${type}(0), ${y} > 31)`,
    shiftRight: ([x, y]) => `select(${own(`(${bits(x!)} >> (${bits(y!)} & 31u))`)}, ${type}(0), ${y} > 31)`,
    remainder: ([x, y]) => `select(${x} % select(${y}, ${type}(1), ${y} == 0), ${type}(0), ${y} == 0)`,
    modulo: type === "i32" ? call("integer_modulo") : ([x, y]) => table.remainder!([x!, y!], 0, 0),
  };
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Predicates of integers. */
export const integerPredicates: Readonly<Record<string, Formula>> = {
  isEqual: infix("=="),
  isLess: infix("<"),
  isLessOrEqual: infix("<="),
  isGreater: infix(">"),
  isGreaterOrEqual: infix(">="),
};

/** The ops of integers of 64 bits that give the same. */
export function wordFormula(name: string, signed: boolean): Formula | undefined {
  const words = (text: string) => `vec2<u32>(select(0u, 1u, ${text}), 0u)`;
  const { isEqual, isLess, isLessOrEqual, isGreater, isGreaterOrEqual } = wordPredicates(signed);
  const compared =
    (predicate: Formula): Formula =>
    (operands) =>
      words(predicate(operands, 0, 0));
  const choice =
    (predicate: Formula): Formula =>
    ([x, y]) =>
      `select(${y}, ${x}, ${predicate([x!, y!], 0, 0)})`;
  const table: Record<string, Formula> = {
    add: call("add_words"),
    sub: ([x, y]) => `add_words(${x}, negate_words(${y}))`,
    mul: call("multiply_words"),
    neg: call("negate_words"),
    eq: compared(isEqual),
    ne: ([x, y]) => words(`any(${x} != ${y})`),
    lt: compared(isLess),
    le: compared(isLessOrEqual),
    gt: compared(isGreater),
    ge: compared(isGreaterOrEqual),
    minimum: choice(isLess),
    maximum: choice(isGreater),
    bitAnd: infix("&"),
    bitOr: infix("|"),
    bitXor: infix("^"),
  };
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Predicates of integers of 64 bits. */
export function wordPredicates(signed: boolean) {
  const less = signed ? "is_less_signed" : "is_less_unsigned";
  return {
    isEqual: ([x, y]) => `all(${x} == ${y})`,
    isLess: call(less),
    isLessOrEqual: ([x, y]) => `!${less}(${y}, ${x})`,
    isGreater: ([x, y]) => `${less}(${y}, ${x})`,
    isGreaterOrEqual: call(`!${less}`),
  } satisfies Record<string, Formula>;
}
