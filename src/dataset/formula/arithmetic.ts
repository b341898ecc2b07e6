import { DoubleDouble, productError, sumError } from "../../stats/double-double.js";
import { dateNumber, noDateError } from "./dates.js";
import type { Evaluate, ReadTexts, Values } from "./evaluate.js";
import { compileAmong, compileChoice, compileLogical } from "./logical.js";
import { type DateNumber, type Expression, type FunctionName, type LogicalName, ofDates } from "./spec.js";

const FUNCTIONS: Record<FunctionName, (x: number) => number> = {
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  log1p: Math.log1p,
  exp: Math.exp,
  sqrt: Math.sqrt,
  abs: Math.abs,
};

/** Powers up to this are products, which are exact in double-double; beyond, and for fractions, Math.pow. */
const LARGEST_PRODUCT = 64;

/**
 * Compiles an expression to a function over blocks of at most `size` rows. With `extended`, sums, products, quotients
 * and whole powers of columns are formed in double-double arithmetic and keep their low parts; without, they are
 * rounded once each, whole powers after the last product. Each node writes into a buffer of its own.
 */
export function compileExpression(
  expression: Expression,
  read: (column: string) => Float64Array,
  size: number,
  extended: boolean,
  texts?: ReadTexts,
): Evaluate {
  if ("number" in expression) {
    const values = { hi: new Float64Array(size).fill(expression.number), lo: undefined };
    return () => values;
  }
  if ("column" in expression) {
    const { column } = expression;
    return () => ({ hi: read(column), lo: undefined });
  }
  if ("among" in expression) return compileAmong(expression, size, texts!);
  if (ofDates(expression)) return compileDates(expression.call, expression.args[0].text, size, texts!);
  const args = expression.args.map((argument) => compileExpression(argument, read, size, extended, texts));
  const { call } = expression;
  const [first, second] = args as [Evaluate, Evaluate];
  if (call === "-" && args.length === 1) return negation(first, size);
  if (call === "+" && args.length === 1) return first;
  if (call === "^") return power(first, second, expression.args[1]!, size, extended);
  if (call === "+" || call === "-" || call === "*" || call === "/")
    return extended ? extendedBinary(call, first, second, size) : plainBinary(call, first, second, size);
  if (call === "log" && args.length === 2) return logarithm(first, second, size);
  if (call === "ifelse" || call === "pmin" || call === "pmax") return compileChoice(call, args, size);
  if (call in FUNCTIONS) return unary(FUNCTIONS[call as FunctionName], first, size);
  return compileLogical(call as LogicalName, args, size);
}

/** A function of dates, worked out once for each text. */
function compileDates(call: DateNumber, column: string, size: number, texts: ReadTexts): Evaluate {
  const hi = new Float64Array(size);
  let known: number[] = [];
  let of: readonly string[] | undefined;
  return (rows) => {
    const { codes, names, rowOf } = texts(column);
    if (names !== of) known = [];
    of = names;
    for (let r = 0; r < rows; r++) {
      const code = codes[r]!;
      if (code < 0) {
        hi[r] = Number.NaN;
        continue;
      }
      if (known[code] === undefined) {
        const value = dateNumber(call, names[code]!);
        if (value === undefined) throw noDateError(call, column, names[code]!, rowOf(r));
        known[code] = value;
      }
      hi[r] = known[code];
    }
    return { hi, lo: undefined };
  };
}

/** The powers 1 to `degree` of an expression, each as {@link compileExpression} forms a power. */
export function compilePowers(
  base: Evaluate,
  degree: number,
  size: number,
  extended: boolean,
): (rows: number) => Values[] {
  const powers = Array.from({ length: degree }, () => buffers(size));
  return (rows) => {
    const { hi, lo } = base(rows);
    for (let r = 0; r < rows; r++) {
      const x = new DoubleDouble(hi[r]!, lo?.[r] ?? 0);
      let product = x;
      for (let k = 0; k < degree; k++) {
        if (k > 0) product = product.mul(x);
        if (!Number.isFinite(product.hi)) product = new DoubleDouble(x.hi ** (k + 1));
        powers[k]!.hi[r] = product.hi;
        powers[k]!.lo[r] = product.lo;
      }
    }
    return powers.map((values, k) => (extended && (k > 0 || lo) ? values : { hi: values.hi, lo: undefined }));
  };
}

/** Multiplies `a` by `b`, row by row, into `out`; double-double where `outLow` is given. */
export function multiply(
  a: Values,
  b: Values,
  rows: number,
  out: Float64Array,
  outLow: Float64Array | undefined,
): void {
  if (outLow === undefined) {
    for (let r = 0; r < rows; r++) out[r] = a.hi[r]! * b.hi[r]!;
    return;
  }
  for (let r = 0; r < rows; r++) {
    const [ah, bh] = [a.hi[r]!, b.hi[r]!];
    const p = ah * bh;
    const e = productError(ah, bh, p) + (ah * (b.lo?.[r] ?? 0) + (a.lo?.[r] ?? 0) * bh);
    const s = p + e;
    // Past 1e300 the error term overflows; the product itself stands, as in double arithmetic.
    const ok = Number.isFinite(s);
    out[r] = ok ? s : p;
    outLow[r] = ok ? e - (s - p) : 0;
  }
}

function buffers(size: number): { hi: Float64Array; lo: Float64Array } {
  return { hi: new Float64Array(size), lo: new Float64Array(size) };
}

function unary(f: (x: number) => number, argument: Evaluate, size: number): Evaluate {
  const hi = new Float64Array(size);
  return (rows) => {
    const x = argument(rows).hi;
    for (let r = 0; r < rows; r++) hi[r] = f(x[r]!);
    return { hi, lo: undefined };
  };
}

/** log of x to a base, R's ln x / ln base with the exact ones for 2 and 10. */
function logarithm(argument: Evaluate, base: Evaluate, size: number): Evaluate {
  const hi = new Float64Array(size);
  return (rows) => {
    const x = argument(rows).hi;
    const b = base(rows).hi;
    for (let r = 0; r < rows; r++) {
      const log = b[r] === 2 ? Math.log2 : b[r] === 10 ? Math.log10 : undefined;
      hi[r] = log ? log(x[r]!) : Math.log(x[r]!) / Math.log(b[r]!);
    }
    return { hi, lo: undefined };
  };
}

function negation(argument: Evaluate, size: number): Evaluate {
  const out = buffers(size);
  return (rows) => {
    const { hi, lo } = argument(rows);
    for (let r = 0; r < rows; r++) out.hi[r] = -hi[r]!;
    if (lo === undefined) return { hi: out.hi, lo };
    for (let r = 0; r < rows; r++) out.lo[r] = -lo[r]!;
    return out;
  };
}

function plainBinary(call: "+" | "-" | "*" | "/", left: Evaluate, right: Evaluate, size: number): Evaluate {
  const hi = new Float64Array(size);
  const values = { hi, lo: undefined };
  return (rows) => {
    const a = left(rows).hi;
    const b = right(rows).hi;
    if (call === "+") for (let r = 0; r < rows; r++) hi[r] = a[r]! + b[r]!;
    else if (call === "-") for (let r = 0; r < rows; r++) hi[r] = a[r]! - b[r]!;
    else if (call === "*") for (let r = 0; r < rows; r++) hi[r] = a[r]! * b[r]!;
    else for (let r = 0; r < rows; r++) hi[r] = a[r]! / b[r]!;
    return values;
  };
}

function extendedBinary(
  call: "+" | "-" | "*" | "/",
  left: Evaluate,
  right: Evaluate,
  size: number,
): Evaluate {
  const out = buffers(size);
  return (rows) => {
    const a = left(rows);
    const b = right(rows);
    if (call === "*") {
      multiply(a, b, rows, out.hi, out.lo);
      return out;
    }
    for (let r = 0; r < rows; r++) {
      if (call !== "/" && a.lo === undefined && b.lo === undefined) {
        const y = call === "-" ? -b.hi[r]! : b.hi[r]!;
        const s = a.hi[r]! + y;
        out.hi[r] = s;
        out.lo[r] = Number.isFinite(s) ? sumError(a.hi[r]!, y, s) : 0;
        continue;
      }
      const x = new DoubleDouble(a.hi[r]!, a.lo?.[r] ?? 0);
      const y = new DoubleDouble(b.hi[r]!, b.lo?.[r] ?? 0);
      const value = call === "/" ? x.div(y) : call === "+" ? x.add(y) : x.sub(y);
      const ok = Number.isFinite(value.hi);
      out.hi[r] = ok ? value.hi : call === "/" ? x.hi / y.hi : call === "+" ? x.hi + y.hi : x.hi - y.hi;
      out.lo[r] = ok ? value.lo : 0;
    }
    return out;
  };
}

function power(
  left: Evaluate,
  right: Evaluate,
  exponent: Expression,
  size: number,
  extended: boolean,
): Evaluate {
  const k = "number" in exponent ? exponent.number : Number.NaN;
  if (Number.isInteger(k) && k >= 1 && k <= LARGEST_PRODUCT) {
    if (k === 1) return left;
    const out = buffers(size);
    return (rows) => {
      const a = left(rows);
      if (k === 2) multiply(a, a, rows, out.hi, extended ? out.lo : undefined);
      else
        for (let r = 0; r < rows; r++) {
          const value = wholePower(new DoubleDouble(a.hi[r]!, a.lo?.[r] ?? 0), k);
          out.hi[r] = value.hi;
          out.lo[r] = value.lo;
        }
      return extended ? out : { hi: out.hi, lo: undefined };
    };
  }
  const hi = new Float64Array(size);
  return (rows) => {
    const a = left(rows).hi;
    const b = right(rows).hi;
    for (let r = 0; r < rows; r++) hi[r] = a[r]! ** b[r]!;
    return { hi, lo: undefined };
  };
}

function wholePower(base: DoubleDouble, exponent: number): DoubleDouble {
  let product: DoubleDouble | undefined;
  let square = base;
  for (let k = exponent; ; square = square.mul(square)) {
    if (k % 2 === 1) product = product === undefined ? square : product.mul(square);
    k = Math.floor(k / 2);
    if (k === 0) return Number.isFinite(product!.hi) ? product! : new DoubleDouble(base.hi ** exponent);
  }
}
