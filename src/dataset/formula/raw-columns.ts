import type { FactorLevels } from "./coding.js";
import { type Expression, expressionsOf, type ModelSpec, ofDates } from "./spec.js";

/** A column of the data as it stands there, before any formula: numbers, or texts. */
export interface RawColumn {
  readonly name: string;
  readonly kind: "numeric" | "text";
  /** Where it is a factor's, the levels that training met. */
  readonly levels?: readonly string[] | undefined;
}

/** The raw columns that a spec's terms read, each once, in the order in which the terms name them. */
export function rawColumns(
  { variables, target }: Pick<ModelSpec, "variables" | "target">,
  levels: FactorLevels,
): RawColumn[] {
  const columns = new Map<string, RawColumn>();
  const add = (name: string, kind: RawColumn["kind"]) => {
    if (!columns.has(name)) columns.set(name, { name, kind });
  };
  const visit = (expression: Expression): void => {
    if ("column" in expression) add(expression.column, "numeric");
    else if ("among" in expression) add(expression.text, "text");
    else if (!("call" in expression)) return;
    else if (ofDates(expression)) add(expression.args[0].text, "text");
    else expression.args.forEach(visit);
  };
  for (const variable of variables) {
    if (variable.kind !== "factor") {
      expressionsOf(variable).forEach(visit);
      continue;
    }
    const { column, label, of, by, levels: own } = variable;
    const kind = of === "text" ? "text" : "numeric";
    // The levels of weekdays(day) are no texts of the column, and those of factor(x, levels = ) not all of them.
    if (by === undefined && own === undefined && Object.hasOwn(levels, label))
      columns.set(column, { name: column, kind, levels: levels[label] });
    else add(column, kind);
  }
  if (target.offset !== undefined) visit(target.offset.expression);
  return [...columns.values()];
}
