import { targetKey, variableKey } from "./column-key.js";
import type { MomentsShape } from "./moments-shape.js";
import type { ModelSpec } from "./spec.js";

/**
 * Where a model is nothing but columns of numbers as they stand, the keys of its columns in the order of
 * `spec.numeric`, the target's first: the raw columns then are the design. Else undefined.
 */
export function plainKeys(spec: ModelSpec): string[] | undefined {
  const { target, variables, terms, numeric, text } = spec;
  if (text.length > 0 || target.offset !== undefined || !("column" in target.expression)) return undefined;
  const names = [target.expression.column];
  const keys = [targetKey(target)];
  for (const { variables: parts } of terms) {
    const variable = variables[parts[0]!]!;
    if (parts.length !== 1 || variable.kind !== "numeric" || !("column" in variable.expression))
      return undefined;
    names.push(variable.expression.column);
    keys.push(variableKey(variable));
  }
  return names.length === numeric.length && names.every((name, i) => name === numeric[i]) ? keys : undefined;
}

/**
 * Whether the numbers that a spec's moments are summed over are its raw columns as they stand and in their order, and
 * its factors texts: then blocks of raw columns need not be copied.
 */
export function plainNumbers(spec: ModelSpec, { products, variables }: MomentsShape): boolean {
  if (!("column" in spec.target.expression) || spec.target.offset !== undefined) return false;
  const names = [spec.target.expression.column];
  for (const product of products) {
    const variable = spec.variables[product[0]!.variable]!;
    if (product.length !== 1 || variable.kind !== "numeric" || !("column" in variable.expression))
      return false;
    names.push(variable.expression.column);
  }
  const texts = variables.every((v) => {
    const variable = spec.variables[v]!;
    return variable.kind === "factor" && variable.of === "text" && !variable.by && !variable.levels;
  });
  return texts && names.length === spec.numeric.length && names.every((name, i) => name === spec.numeric[i]);
}
