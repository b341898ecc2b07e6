import type { UsageError } from "../../errors.js";
import { nearestName } from "../nearest.js";
import { FACTOR_CALLS } from "./factor-calls.js";
import { formulaError } from "./formula-error.js";
import type { DateNumber, Expression, FunctionName, OperatorName } from "./spec.js";
import type { Syntax } from "./syntax.js";

const FUNCTIONS = new Set<string>(["log", "log2", "log10", "log1p", "exp", "sqrt", "abs"]);
const OPERATORS = new Set<string>(["+", "-", "*", "/", "^"]);
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
}

/** Reads arithmetic over columns: `I(lstat^2)`, `log(crim)`, `as.Date(day) - 19000`. Throws UsageError that shows the place. */
export function arithmetic(node: Syntax, context: ExpressionContext): Expression {
  const { text } = context;
  const error = (at: Syntax, message: string, hint?: string): UsageError =>
    formulaError(text, at.at, message, hint);
  if (node.type === "number") return { number: node.value };
  if (node.type === "name") return context.column(node);
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
  if (DATE_NUMBERS.has(name))
    return { call: name as DateNumber, args: [context.dates(dateColumn(node, text))] };
  if (FACTOR_CALLS.has(name) || DATE_FACTORS.has(name) || name === "poly")
    throw error(node, `${name}() stands alone or in an interaction, not inside arithmetic`);
  if (/^(?:[<>]=?|[=!]=|[!&|])$/.test(name))
    throw error(
      node,
      `"${name}" is not arithmetic`,
      "Comparisons are not part of goml's formulas; make the column beforehand.",
    );
  if (/^[:~]$|%in%/.test(name)) throw error(node, `"${name}" is not arithmetic`);
  if (name === "[" || name === "[[")
    throw error(node, "slopes by level stand behind a |", "As in y ~ z | firm[x] + year.");
  const known = [...FUNCTIONS, "I", "poly", ...FACTOR_CALLS, ...DATE_NUMBERS, ...DATE_FACTORS];
  const nearest = nearestName(name, known);
  throw error(
    node,
    `there is no function ${name}()`,
    nearest ? `Did you mean ${nearest}()?` : `Functions: ${known.join(", ")}.`,
  );
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
