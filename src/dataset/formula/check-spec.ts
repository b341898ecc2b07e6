import { completeSpec, type Expression, type ModelSpec, type Variable } from "./spec.js";

const OPERATORS = new Set<unknown>(["+", "-", "*", "/", "^"]);
const FUNCTIONS = new Set<unknown>(["log", "log2", "log10", "log1p", "exp", "sqrt", "abs"]);
/** Of a polynomial, as formulas allow it. */
const HIGHEST_DEGREE = 50;

/** Whether a parsed JSON value is a model's specification, its parts and its lists of raw columns fitting together. */
export function isModelSpec(value: unknown): value is ModelSpec {
  const { formula, target, intercept, variables, terms, numeric, text } = fields<ModelSpec>(value);
  if (!isText(formula) || typeof intercept !== "boolean" || !isTarget(target)) return false;
  if (!Array.isArray(variables) || !variables.every(isVariable)) return false;
  const isIndex = (i: unknown) => Number.isInteger(i) && (i as number) in variables;
  const isTerm = (term: unknown) => {
    const { label, variables: used } = fields<ModelSpec["terms"][number]>(term);
    return isText(label) && Array.isArray(used) && used.length > 0 && used.every(isIndex);
  };
  if (!Array.isArray(terms) || !terms.every(isTerm)) return false;
  const complete = completeSpec({ formula, target, intercept, variables, terms });
  return sameNames(numeric, complete.numeric) && sameNames(text, complete.text);
}

/** The fields that something may have of which nothing is known yet. */
function fields<T>(value: unknown): Partial<Record<keyof T, unknown>> {
  return typeof value === "object" && value !== null ? value : {};
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isTarget(value: unknown): value is ModelSpec["target"] {
  const { label, expression } = fields<ModelSpec["target"]>(value);
  return isText(label) && isExpression(expression);
}

function isVariable(value: unknown): value is Variable {
  const { kind, label, expression, degree, column, of } =
    fields<{
      [K in "kind" | "label" | "expression" | "degree" | "column" | "of"]: unknown;
    }>(value);
  if (!isText(label)) return false;
  if (kind === "factor") return isText(column) && (of === "text" || of === "numbers");
  if (!isExpression(expression)) return false;
  if (kind !== "polynomial") return kind === "numeric";
  return Number.isInteger(degree) && (degree as number) >= 1 && (degree as number) <= HIGHEST_DEGREE;
}

function isExpression(value: unknown): value is Expression {
  const { number, column, call, args } =
    fields<{
      [K in "number" | "column" | "call" | "args"]: unknown;
    }>(value);
  if (number !== undefined) return typeof number === "number";
  if (column !== undefined) return isText(column);
  if (!Array.isArray(args) || !args.every(isExpression)) return false;
  const most = OPERATORS.has(call) || call === "log" ? 2 : FUNCTIONS.has(call) ? 1 : 0;
  const least = call === "+" || call === "-" || FUNCTIONS.has(call) ? 1 : 2;
  return args.length >= least && args.length <= most;
}

function sameNames(value: unknown, names: readonly string[]): boolean {
  return Array.isArray(value) && value.length === names.length && value.every((name, i) => name === names[i]);
}
