import { completeSpec, type ModelSpec } from "./spec.js";

/**
 * What is wrong with a specification whose parts are what the schema says: which of them do not fit together, in
 * words; undefined where they do.
 */
export function specFault(spec: ModelSpec): string | undefined {
  for (const [t, { variables }] of spec.terms.entries()) {
    if (variables.some((v, i) => i > 0 && v <= variables[i - 1]!))
      return `"spec.terms[${t}].variables" should be ascending`;
    if (variables.at(-1)! >= spec.variables.length)
      return `"spec.terms[${t}].variables" should be below ${spec.variables.length}, the number of variables`;
  }
  const { absorbed = [], targets = [], variables: all } = spec;
  for (const [i, v] of absorbed.entries())
    if (all[v]?.kind !== "factor" || spec.terms.some(({ variables }) => variables.join() === `${v}`))
      return `"spec.absorbed[${i}]" should be a factor that is no term of its own`;
  for (const [i, v] of targets.entries())
    if (all[v]?.kind !== "numeric" || spec.terms.some(({ variables }) => variables.includes(v)))
      return `"spec.targets[${i}]" should be a variable of numbers that is in no term`;
  if (absorbed.length > 0 && spec.intercept)
    return '"spec.intercept" should be false where effects are absorbed';
  const { endogenous = [], excluded = [] } = spec.instruments ?? {};
  if ([...endogenous, ...excluded].some((t) => t >= spec.terms.length))
    return `"spec.instruments" should name terms below ${spec.terms.length}`;
  if (endogenous.some((t) => excluded.includes(t)))
    return '"spec.instruments" should not name a term both as endogenous and as an instrument';
  const complete = completeSpec(spec);
  for (const part of ["numeric", "text"] as const) {
    const names = complete[part];
    if (spec[part].length !== names.length || names.some((name, i) => spec[part][i] !== name))
      return `"spec.${part}" should be the columns that the expressions and factors read`;
  }
  return undefined;
}
