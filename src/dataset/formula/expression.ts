import type { UsageError } from "../../errors.js";
import { nearestName } from "../nearest.js";
import { dateNumber } from "./dates.js";
import { FACTOR_CALLS } from "./factor-calls.js";
import { formulaError } from "./formula-error.js";
import type { DateNumber, Expression, FunctionName, LogicalName, OperatorName } from "./spec.js";
import type { Syntax } from "./syntax.js";

const FUNCTIONS = new Set<string>(["log", "log2", "log10", "log1p", "exp", "sqrt", "abs"]);
const OPERATORS = new Set<string>(["+", "-", "*", "/", "^"]);
const COMPARISONS = new Set<string>(["==", "!=", "<", ">", "<=", ">="]);
/** Calls whose value is whether something holds. */
const LOGICAL = new Set([...COMPARISONS, "&", "|", "!", "%in%", "is.na"]);
const CHOICES = new Set(["ifelse", "pmin", "pmax"]);
const DATE_NUMBERS = new Set<string>(["as.Date", "year", "hour"]);
/** Functions that make a factor of dates. */
export const DATE_FACTORS = new Set<string>(["weekdays", "months"]);

type Name = Syntax & { type: "name" };

/** What an expression is read against. */
interface ExpressionContext {
  /** The formula, for messages. */
  text: string;
  /** A column of numbers; throws where there is none of that name. */
  column(node: Name): Expression;
  /** A column of dates; throws where there is none of that name. */
  dates(node: Name): { text: string };
  /** Whether a name is that of a column of text. */
  isText?(node: Name): boolean;
  /** `scale(x)`, which depends on the data. */
  scale?(node: Syntax & { type: "call" }): Expression;
  /** `lag(x, k)`, `lead(x, k)`, `diff(x, k)`, which other rows give. */
  lagged?(node: Syntax & { type: "call" }): Expression;
}

/** Whether an expression says if something holds: R makes an indicator of it, coded as a factor of FALSE and TRUE. */
export function isLogical(node: Syntax): boolean {
  if (node.type !== "call") return node.type === "logical";
  if ((node.name === "(" || node.name === "I") && node.args.length === 1)
    return isLogical(node.args[0]!.value);
  return LOGICAL.has(node.name);
}

/** The numbers of `c(0, 10, Inf)`, `seq(0, 100, 20)` and `0:5`; undefined where they are not all known. */
export function constants(node: Syntax): number[] | undefined {
  if (node.type === "number") return [node.value];
  if (node.type !== "call") return undefined;
  const values = node.args.map(({ value }) => constants(value));
  if (values.includes(undefined)) return undefined;
  const known = values as number[][];
  if (node.name === "c") return known.flat();
  if (node.name === "(") return known[0];
  if (node.name === "-" && known.length === 1) return known[0]!.map((value) => -value);
  const scalars = known.map((one) => (one.length === 1 ? one[0]! : Number.NaN));
  const [a, b] = scalars as [number, number];
  switch (node.name) {
    case "+":
      return [a + b];
    case "-":
      return [a - b];
    case "*":
      return [a * b];
    case "/":
      return [a / b];
    case "^":
      return [a ** b];
    case ":":
      return range(a, b, a <= b ? 1 : -1);
    case "seq": {
      const of = (name: string, at: number) => {
        const named = node.args.findIndex((argument) => argument.name === name);
        if (named >= 0) return scalars[named];
        const unnamed = scalars.filter((_, i) => node.args[i]!.name === undefined);
        return unnamed[at];
      };
      const [from, to, by, count] = [of("from", 0), of("to", 1), of("by", 2), of("length.out", 4)];
      if (from === undefined || to === undefined) return undefined;
      if (count === undefined) return range(from, to, by ?? (from <= to ? 1 : -1));
      return Array.from({ length: count }, (_, i) =>
        i === count - 1 ? to : from + i * ((to - from) / (count - 1)),
      );
    }
    default:
      return undefined;
  }
}

/** More constants than this are a mistake. */
const MOST_CONSTANTS = 10_000;

/** from, from + by, … to at most `to`, as R's seq: 1e-10 of a step beyond it counts as there. */
function range(from: number, to: number, by: number): number[] | undefined {
  const steps = Math.floor((to - from) / by + 1e-10);
  if (!(steps >= 0 && steps < MOST_CONSTANTS)) return undefined;
  return Array.from({ length: steps + 1 }, (_, i) =>
    by > 0 ? Math.min(from + i * by, to) : Math.max(from + i * by, to),
  );
}

/** Reads arithmetic over columns: `I(lstat^2)`, `log(crim)`, `as.Date(day) - 19000`. Throws UsageError that shows the place. */
export function arithmetic(node: Syntax, context: ExpressionContext): Expression {
  const { text } = context;
  const error = (at: Syntax, message: string, hint?: string): UsageError =>
    formulaError(text, at.at, message, hint);
  if (node.type === "number") {
    if (Number.isFinite(node.value)) return { number: node.value };
    throw error(node, "Inf is no number of arithmetic", "It stands among the breaks of cut().");
  }
  if (node.type === "name") return context.column(node);
  if (node.type === "logical") return { number: Number(node.value) };
  if (node.type !== "call") throw error(node, "expected a number or a column");
  const { name, args } = node;
  const inner = (argument: Syntax) => arithmetic(argument, context);
  if (name === "(" || name === "I") {
    if (args.length !== 1) throw error(node, "I() takes one expression");
    return inner(args[0]!.value);
  }
  if (name === "log" && args.length === 2) {
    const base = args.find((argument) => argument.name === "base") ?? args[1]!;
    const of = args.find((argument) => argument !== base)!;
    return { call: "log", args: [inner(of.value), inner(base.value)] };
  }
  if (OPERATORS.has(name)) return { call: name as OperatorName, args: args.map(({ value }) => inner(value)) };
  if (FUNCTIONS.has(name)) {
    if (args.length !== 1) throw error(node, `${name}() takes one expression, found ${args.length}`);
    return { call: name as FunctionName, args: [inner(args[0]!.value)] };
  }
  if (name === "scale" && context.scale !== undefined) return context.scale(node);
  if (LOGICAL.has(name)) return condition(node, context);
  if (CHOICES.has(name)) return choice(node, context);
  if (name === "as.numeric" || name === "as.integer") {
    if (args.length !== 1 || !isLogical(args[0]!.value))
      throw error(node, `${name}() takes a condition here`, `For example: ${name}(x > 0)`);
    return inner(args[0]!.value);
  }
  if (name === "as.Date" && args.length === 1 && args[0]!.value.type === "string") {
    const days = dateNumber("as.Date", args[0]!.value.value);
    if (days === undefined) throw error(args[0]!.value, "expected a date (year-month-day)");
    return { number: days };
  }
  if (DATE_NUMBERS.has(name))
    return { call: name as DateNumber, args: [context.dates(dateColumn(node, text))] };
  if (name === "offset") throw error(node, "an offset is added by itself", "As in y ~ x + offset(log(n)).");
  if (LAG_CALLS.has(name)) {
    if (context.lagged !== undefined) return context.lagged(node);
    throw error(node, `${name}() stands in a formula's terms and target alone`);
  }
  if (name === "cumsum")
    throw error(
      node,
      "cumsum() needs all rows before, and rows are taken one by one, in parallel",
      "Make the column beforehand, as by SQL's sum(x) OVER (PARTITION BY unit ORDER BY time).",
    );
  if (FACTOR_CALLS.has(name) || DATE_FACTORS.has(name) || ALONE.has(name))
    throw error(node, `${name}() stands alone or in an interaction, not inside arithmetic`);
  if (/^[:~]$/.test(name)) throw error(node, `"${name}" is not arithmetic`);
  if (name === "[" || name === "[[")
    throw error(node, "slopes by level stand behind a |", "As in y ~ z | firm[x] + year.");
  const known = [
    ...FUNCTIONS,
    "I",
    ...ALONE,
    ...CHOICES,
    "scale",
    ...LAG_CALLS,
    "is.na",
    ...FACTOR_CALLS,
    ...DATE_NUMBERS,
    ...DATE_FACTORS,
  ];
  const nearest = nearestName(name, known);
  throw error(
    node,
    `there is no function ${name}()`,
    nearest ? `Did you mean ${nearest}()?` : `Functions: ${known.join(", ")}.`,
  );
}

/** Functions of other rows. */
export const LAG_CALLS = new Set(["lag", "lead", "diff"]);

/** Functions whose values are several columns. */
const ALONE = new Set(["poly", "ns", "bs", "cut"]);

/** Whether something holds: 1, 0, or no value where that is not known. */
function condition(node: Syntax & { type: "call" }, context: ExpressionContext): Expression {
  const { name, args } = node;
  const error = (at: Syntax, message: string, hint?: string) =>
    formulaError(context.text, at.at, message, hint);
  const isText = (value: Syntax | undefined): value is Name =>
    value?.type === "name" && context.isText?.(value) === true;
  const [left, right] = args.map(({ value }) => value) as [Syntax, Syntax];
  if (name === "is.na") {
    if (args.length !== 1 || isText(left)) throw error(node, "is.na() takes one expression of numbers");
    return { call: "is.na", args: [arithmetic(left, context)] };
  }
  if (name === "%in%") {
    const items =
      right.type === "call" && right.name === "c" ? right.args.map(({ value }) => value) : [right];
    if (isText(left)) {
      const among = items.map((item) => literal(item));
      const at = among.indexOf(undefined);
      if (at >= 0) throw error(items[at]!, "expected a text in quotes");
      return { text: left.name, among: among as string[], absent: true };
    }
    const value = arithmetic(left, context);
    const numbers = constants(right);
    if (numbers === undefined) throw error(right, "expected numbers, as in c(1, 2)");
    const equal = numbers
      .map((number): Expression => ({ call: "==", args: [value, { number }] }))
      .reduce((a, b) => ({ call: "|", args: [a, b] }));
    // A missing value is none of them, as R has it.
    return { call: "&", args: [{ call: "!", args: [{ call: "is.na", args: [value] }] }, equal] };
  }
  if (COMPARISONS.has(name) && (isText(left) || isText(right))) {
    const [column, other] = isText(left) ? [left, right] : [right as Name, left];
    const text = literal(other);
    if (text === undefined)
      throw error(other, `${column.name} is text, and is compared with a text in quotes`);
    if (name !== "==" && name !== "!=")
      throw error(node, "texts are compared by == and != in formulas", "Or by %in%.");
    const same: Expression = { text: column.name, among: [text] };
    return name === "==" ? same : { call: "!", args: [same] };
  }
  return { call: name as LogicalName, args: args.map(({ value }) => arithmetic(value, context)) };
}

function literal(node: Syntax): string | undefined {
  if (node.type === "string") return node.value;
  return node.type === "number" ? String(node.value) : undefined;
}

/** `ifelse(test, yes, no)`; `pmin` and `pmax` of two or more. */
function choice(node: Syntax & { type: "call" }, context: ExpressionContext): Expression {
  const { name, args } = node;
  if (name === "ifelse") {
    const named = (argument: string, at: number) =>
      args.find((one) => one.name === argument) ?? args.filter((one) => one.name === undefined)[at];
    const parts = [named("test", 0), named("yes", 1), named("no", 2)].flatMap((part) => part ?? []);
    if (args.length !== 3 || parts.length !== 3)
      throw formulaError(context.text, node.at, "ifelse() takes a condition and two values");
    return { call: "ifelse", args: parts.map(({ value }) => arithmetic(value, context)) };
  }
  if (args.length === 0 || args.some((one) => one.name !== undefined))
    throw formulaError(context.text, node.at, `${name}() takes expressions, as in ${name}(x, 10)`);
  return args
    .map(({ value }) => arithmetic(value, context))
    .reduce((a, b) => ({ call: name as "pmin" | "pmax", args: [a, b] }));
}

/** The column that a function of dates takes, as it stands or within as.Date(). */
export function dateColumn(node: Syntax & { type: "call" }, text: string): Name {
  const [argument, ...more] = node.args;
  const value = argument?.value;
  if (more.length === 0 && value?.type === "name") return value;
  if (more.length === 0 && value?.type === "call" && value.name === "as.Date" && node.name !== "as.Date")
    return dateColumn(value, text);
  throw formulaError(text, node.at, `${node.name}() takes one column of dates`);
}
