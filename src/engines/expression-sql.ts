import { type Arithmetic, type Expression, ofDates } from "../dataset/formula/spec.js";
import type { SqlDialect } from "./dialect.js";

type Writer = Pick<SqlDialect, "literal"> & {
  /** The decimal logarithm, where it is called otherwise than log10. */
  log10?(x: string): string;
  /** A raw column as a double; integers would overflow, or divide as integers. */
  column(name: string): string;
  /** What a function of a column of dates gives. */
  dates(call: DateCall["call"], column: string): string;
  /** Whether the text of a column is one of some, a condition that is NULL where it is missing. */
  among(column: string, texts: readonly string[]): string;
};

type DateCall = Extract<Arithmetic, { args: { text: string }[] }>;

/**
 * An expression of a formula in SQL: NULL where it has no value, for no function is called outside its domain, which some
 * databases take for an error.
 */
export function expressionSql(expression: Expression, writer: Writer): string {
  if ("number" in expression) return writer.literal(expression.number);
  if ("column" in expression) return writer.column(expression.column);
  if ("among" in expression) {
    const condition = writer.among(expression.text, expression.among);
    return expression.absent ? `CASE WHEN ${condition} THEN 1e0 ELSE 0e0 END` : truth(condition);
  }
  if (ofDates(expression)) return writer.dates(expression.call, expression.args[0].text);
  const { call, args } = expression;
  const [a, b, c] = args.map((argument) => expressionSql(argument, writer)) as [string, string, string];
  switch (call) {
    case "+":
    case "-":
      return args.length === 1 ? `(${call} ${a})` : `(${a} ${call} ${b})`;
    case "*":
      return `(${a} * ${b})`;
    case "/":
      return `(${a} / NULLIF(${b}, 0e0))`;
    case "^":
      return power(a, b, args[1]!);
    case "log":
      return args.length === 1 ? logarithm(a) : logarithmTo(a, b, args[1]!, writer);
    case "log2":
      return logarithmTo(a, writer.literal(2), { number: 2 }, writer);
    case "log10":
      return decimalLogarithm(a, writer);
    case "log1p":
      // ln(u) x / (u − 1), u = 1 + x as rounded, has lost what x lost in both, and so nothing (Kahan).
      return `CASE WHEN 1e0 + ${a} = 1e0 THEN ${a} WHEN 1e0 + ${a} > 0e0 THEN ln(1e0 + ${a}) * (${a} / ((1e0 + ${a}) - 1e0)) END`;
    case "exp":
      // PostgreSQL takes overflow, and underflow too, for an error.
      return `CASE WHEN ${a} < -745e0 THEN 0e0 WHEN ${a} < 709.782712893384e0 THEN exp(${a}) END`;
    case "sqrt":
      return `CASE WHEN ${a} >= 0e0 THEN sqrt(${a}) END`;
    case "abs":
      return `abs(${a})`;
    case "is.na":
      return `CASE WHEN ${a} IS NULL THEN 1e0 ELSE 0e0 END`;
    case "!":
      return truth(`${a} = 0e0`);
    case "&":
    case "|":
      // SQL has the three values of R, and their rules.
      return truth(`${a} <> 0e0 ${call === "&" ? "AND" : "OR"} ${b} <> 0e0`);
    case "ifelse":
      return `CASE WHEN ${a} <> 0e0 THEN ${b} WHEN ${a} = 0e0 THEN ${c} END`;
    case "pmin":
    case "pmax":
      return `CASE WHEN ${a} ${call === "pmin" ? "<=" : ">="} ${b} THEN ${a} WHEN ${b} IS NOT NULL AND ${a} IS NOT NULL THEN ${b} END`;
    default:
      return truth(`${a} ${call === "==" ? "=" : call === "!=" ? "<>" : call} ${b}`);
  }
}

/** A condition as 1 or 0, NULL where it is unknown. */
function truth(condition: string): string {
  return `CASE WHEN ${condition} THEN 1e0 WHEN NOT (${condition}) THEN 0e0 END`;
}

function logarithm(a: string): string {
  return `CASE WHEN ${a} > 0e0 THEN ln(${a}) END`;
}

function decimalLogarithm(a: string, { log10 = (x) => `log10(${x})` }: Writer): string {
  return `CASE WHEN ${a} > 0e0 THEN ${log10(a)} END`;
}

function logarithmTo(a: string, b: string, base: Expression, writer: Writer): string {
  if ("number" in base && base.number === 10) return decimalLogarithm(a, writer);
  const divisor = "number" in base ? writer.literal(Math.log(base.number)) : `NULLIF(${logarithm(b)}, 0e0)`;
  return `(${logarithm(a)} / ${divisor})`;
}

function power(a: string, b: string, exponent: Expression): string {
  const value = `power(${a}, ${b})`;
  if (!("number" in exponent))
    return `CASE WHEN ${a} > 0e0 OR (${a} = 0e0 AND ${b} >= 0e0) OR (${a} < 0e0 AND ${b} = floor(${b})) THEN ${value} END`;
  const k = exponent.number;
  if (Number.isInteger(k)) return k >= 0 ? value : `CASE WHEN ${a} <> 0e0 THEN ${value} END`;
  return `CASE WHEN ${a} ${k > 0 ? ">=" : ">"} 0e0 THEN ${value} END`;
}
