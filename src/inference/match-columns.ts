import type { ColumnChoice } from "../csv/columns.js";
import type { Table } from "../csv/table.js";
import { ModelError } from "../errors.js";
import type { LinearModel } from "../linear/model.js";

/** A model's columns as they were found in a table, by name. */
export interface MatchedColumns {
  choice: ColumnChoice;
  /** β₀ and the coefficients of the columns chosen, in their order; aliased terms take no part. */
  weights: Float64Array;
  /** Whether the table has the target too; it then is the last column chosen. */
  target: boolean;
}

/**
 * Finds a model's terms among a table's columns, by name and not by position.
 *
 * @throws ModelError that names the terms that are missing
 */
export function matchColumns(
  model: LinearModel,
  table: Table,
  options: { text?: boolean } = {},
): MatchedColumns {
  const at = new Map(table.columns.map((column, i) => [column.name, i]));
  const used = model.terms.filter((term) => !model.aliased.includes(term));
  const missing = used.filter((term) => !at.has(term));
  if (missing.length > 0) {
    const names = table.columns.map((column) => column.name);
    throw new ModelError(`${table.source.name}: columns of the model are missing: ${missing.join(", ")}`, {
      hint: `the file has ${names.length > 20 ? `${names.slice(0, 20).join(", ")}, …` : names.join(", ")}`,
    });
  }
  const numeric = used.map((term) => at.get(term)!);
  const target = at.get(model.target);
  const known = target !== undefined && table.columns[target]!.kind === "numeric";
  const weights = model.weights;
  return {
    choice: { numeric: known ? [...numeric, target] : numeric, factors: [], text: options.text ?? false },
    weights: Float64Array.of(weights[0]!, ...used.map((term) => weights[model.terms.indexOf(term) + 1]!)),
    target: known,
  };
}
