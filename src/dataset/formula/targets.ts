import { targetKey } from "./column-key.js";
import { completeSpec, fittedTarget, type ModelSpec, type Variable } from "./spec.js";
import { specFormula } from "./spec-formula.js";

/** What a model is fitted to: a column, or an expression over columns. */
export type Target = ModelSpec["target"];

/** All targets of a spec, its own first. */
export function targetsOf({ target, targets = [], variables }: ModelSpec): Target[] {
  return [target, ...targets.map((v) => targetOf(variables[v]!, target.offset))];
}

/** The variable whose column is a target's, less its offset where it has one, so that both have one key. */
export function targetVariable(target: Target): Variable {
  const label = target.offset === undefined ? target.label : targetKey(target);
  return { kind: "numeric", label, expression: fittedTarget(target) };
}

/** The target whose variable this is. Targets of one spec share their offset. */
function targetOf(variable: Variable, offset: Target["offset"]): Target {
  if (variable.kind !== "numeric") throw new Error("a target is a column of numbers");
  const { label, expression } = variable;
  if (offset === undefined) return { label, expression };
  const [own] = "call" in expression ? expression.args : [];
  if (own === undefined || "text" in own) throw new Error("a target with an offset is a difference");
  return {
    label: "column" in own ? own.column : label.slice(0, -` - ${offset.label}`.length),
    expression: own,
    offset,
  };
}

/** A formula up to its ~, which a name in backticks may have too. */
const LEFT_SIDE = /^(?:[^~`]|`(?:[^`\\]|\\.)*`)*~/;

/** The spec with these further targets: that of a scan whose moments know them all. */
export function withTargets(spec: ModelSpec, further: readonly Target[]): ModelSpec {
  if (further.length === 0) return spec;
  // Before the variables of terms, so that raw columns of numbers stand in the order of the moments.
  const shifted = (list: readonly number[]) => list.map((v) => v + further.length);
  return completeSpec({
    ...spec,
    variables: [...further.map(targetVariable), ...spec.variables],
    terms: spec.terms.map((term) => ({ ...term, variables: shifted(term.variables) })),
    ...(spec.absorbed === undefined ? {} : { absorbed: shifted(spec.absorbed) }),
    targets: further.map((_, t) => t),
  });
}

/** A spec of several targets as that of one of them, which need not know that there are others. */
export function ofTarget(spec: ModelSpec, target: Target): ModelSpec {
  const { targets, ...rest } = spec;
  if (targets === undefined) return spec;
  const own = completeSpec({ ...rest, target });
  // A dot would stand for the other targets too.
  const right = /(^|[^\w])\.([^\w]|$)/.test(spec.formula) ? undefined : spec.formula.replace(LEFT_SIDE, "");
  if (right === undefined) return { ...own, formula: specFormula(own) };
  return { ...own, formula: `${targetKey({ ...target, offset: undefined })} ~${right}` };
}
