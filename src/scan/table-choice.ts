import type { ColumnChoice } from "../csv/column-block.js";
import type { Table } from "../csv/table.js";
import type { ModelSpec } from "../dataset/formula/spec.js";

/**
 * The raw columns of a spec in a table, found by name: the numeric ones in the spec's order, a column of weights
 * behind them, and the text columns as factors. The columns must be there.
 */
export function tableChoice(table: Table, spec: ModelSpec, weights?: string, text = false): ColumnChoice {
  const at = new Map(table.columns.map((column, i) => [column.name, i]));
  const numeric = weights === undefined ? spec.numeric : [...spec.numeric, weights];
  return {
    numeric: numeric.map((name) => at.get(name)!),
    factors: spec.text.map((name) => at.get(name)!),
    text,
  };
}
