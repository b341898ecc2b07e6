import type { ColumnChoice } from "../csv/column-block.js";
import type { Table } from "../csv/table.js";
import { ModelError } from "../errors.js";
import type { PredictorPlan } from "../linear/model/block-predictor.js";
import type { AnyPredictorPlan } from "../linear/model/group-predictor.js";
import type { LinearModel } from "../linear/model/model.js";
import { ModelGroup } from "../linear/model/model-group.js";
import { tableChoice } from "../scan/table-choice.js";

/** A model's raw columns as they were found in a table, by name. */
export interface MatchedColumns<Plan extends AnyPredictorPlan = AnyPredictorPlan> {
  choice: ColumnChoice;
  predictor: Plan;
  /** Whether the table has the model's column of weights too, which then is among the choice's columns. */
  weighted: boolean;
}

/**
 * Finds a model's raw columns among a table's columns, by name and not by position, and the target's too where the
 * table has them as numbers.
 *
 * @throws ModelError that names the columns that are missing
 */
export function matchColumns(
  model: LinearModel,
  table: Table,
  options?: { text?: boolean; weights?: boolean },
): MatchedColumns<PredictorPlan>;
export function matchColumns(
  model: LinearModel | ModelGroup,
  table: Table,
  options?: { text?: boolean; weights?: boolean },
): MatchedColumns;
export function matchColumns(
  model: LinearModel | ModelGroup,
  table: Table,
  options: { text?: boolean; weights?: boolean } = {},
): MatchedColumns {
  const kinds = new Map(table.columns.map((column) => [column.name, column.kind]));
  const needed = model.predictorPlan(false);
  const groups = model instanceof ModelGroup ? [model.groupBy] : [];
  const missing = [...needed.spec.numeric, ...needed.spec.text, ...groups].filter((name) => !kinds.has(name));
  if (missing.length > 0) {
    const names = [...kinds.keys()];
    throw new ModelError(`${table.source.name}: columns of the model are missing: ${missing.join(", ")}`, {
      hint: `the file has ${names.length > 20 ? `${names.slice(0, 20).join(", ")}, …` : names.join(", ")}`,
    });
  }
  const known = model.spec.numeric.every(
    (name) => needed.spec.numeric.includes(name) || kinds.get(name) === "numeric",
  );
  const predictor = known ? model.predictorPlan(true) : needed;
  const weights =
    options.weights === true && kinds.get(model.weightsColumn ?? "") === "numeric"
      ? model.weightsColumn
      : undefined;
  const choice = tableChoice(table, predictor.spec, weights, options.text);
  const groupColumns = groups.map((name) => table.columns.findIndex((column) => column.name === name));
  return {
    choice: { ...choice, factors: [...choice.factors, ...groupColumns] },
    predictor,
    weighted: weights !== undefined,
  };
}
