import { targetKey, variableKey } from "./column-key.js";
import type { ModelSpec } from "./spec.js";

/** A formula that says what a spec is, each of its terms by name. */
export function specFormula(spec: ModelSpec): string {
  const all = spec.terms.map((term) => term.variables.map((v) => variableKey(spec.variables[v]!)).join(":"));
  const { endogenous = [], excluded = [] } = spec.instruments ?? {};
  const terms = all.filter((_, t) => !endogenous.includes(t) && !excluded.includes(t));
  const { offset, ...target } = spec.target;
  const left = `${targetKey(target)} ~ `;
  const effects = (spec.absorbed ?? []).map((v) => variableKey(spec.variables[v]!)).join(" + ");
  const constant = spec.intercept || spec.absorbed !== undefined;
  if (spec.instruments !== undefined) {
    const named = (list: readonly number[]) => list.map((t) => all[t]!).join(" + ");
    const exogenous = `${terms.join(" + ") || "1"}${constant ? "" : " - 1"}`;
    return `${left}${exogenous} | ${effects || "0"} | ${named(endogenous)} ~ ${named(excluded)}`;
  }
  if (terms.length === 0) terms.push(constant ? "1" : "0");
  if (offset !== undefined) terms.push(offset.label);
  const without = constant || all.length === 0 ? "" : " - 1";
  return `${left}${terms.join(" + ")}${without}${effects === "" ? "" : ` | ${effects}`}`;
}
