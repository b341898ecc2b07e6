import { levelKey as levelPart } from "../../stats/level-codes.js";
import type { ModelSpec, Variable } from "./spec.js";
import { quoteName } from "./syntax.js";

/**
 * The key of a column of the scan: a variable's part, such as `lstat`, `state[CA]` or `poly(dis, 2, raw = TRUE)[2]`,
 * or several joined by `:`. Two different columns of a spec never share a key, and the same column has the same key
 * in every shard of the data, which is how moments find each other.
 */
export function columnKey(parts: readonly string[]): string {
  return parts.join(":");
}

/** The key of a variable: R's label, in backticks where a bare column's name needs them. */
export function variableKey(variable: Variable): string {
  if (variable.kind === "factor" && variable.key !== undefined) return variable.key;
  if (variable.kind === "factor")
    return variable.label === variable.column ? quoteName(variable.column) : variable.label;
  return variable.kind === "numeric" && "column" in variable.expression
    ? quoteName(variable.expression.column)
    : variable.label;
}

/** The key of the target's column. */
export function targetKey(target: ModelSpec["target"]): string {
  const { offset } = target;
  if (offset !== undefined)
    return `${targetKey({ label: target.label, expression: target.expression })} - ${offset.label}`;
  return "column" in target.expression ? quoteName(target.expression.column) : target.label;
}

/** The part of a key that stands for one level of a factor, or one power of a polynomial. */
export function levelKey(variable: Variable, level: string | number): string {
  return levelPart(variableKey(variable), level);
}
