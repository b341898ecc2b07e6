import type { ModelSpec } from "../../dataset/formula/spec.js";
import { count } from "./numbers.js";

/** What became of the rows that were not used: missing cells, and expressions that have no value in a complete row. */
export function droppedText(dropped: number, undefinedRows = 0): string {
  const missing = `${count(dropped - undefinedRows)} dropped for missing cells`;
  return undefinedRows === 0
    ? missing
    : `${missing}, ${count(undefinedRows)} where an expression has no value`;
}

/** The same where it is not known which of both it was. */
export function droppedFrom({ target, variables }: ModelSpec, dropped: number, weighted: boolean): string {
  const computed = [target, ...variables].some((of) => "expression" in of && "call" in of.expression);
  const causes = [...(computed ? ["values"] : []), ...(weighted ? ["weight 0"] : [])];
  return `${count(dropped)} dropped for missing cells${dropped > 0 ? causes.map((cause) => ` or ${cause}`).join("") : ""}`;
}
