import type { Table } from "../csv/table.js";
import { rawSlots } from "../dataset/formula/spec.js";
import { ModelError } from "../errors.js";
import type { PredictorPlan } from "../linear/model/block-predictor.js";
import type { AnyPredictorPlan } from "../linear/model/group-predictor.js";
import type { LinearModel } from "../linear/model/model.js";
import { ModelGroup } from "../linear/model/model-group.js";
import { layoutOf, type RowLayout } from "../scan/row-layout.js";

/** A model's raw columns as they were found in a table, by name. */
export interface MatchedColumns<Plan extends AnyPredictorPlan = AnyPredictorPlan> {
  /** With a weight where the table has the model's column of weights too. */
  layout: RowLayout;
  predictor: Plan;
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
  const slots = { ...rawSlots(predictor.spec), weight: weights, group: groups[0], text: options.text };
  return { layout: layoutOf(table, slots), predictor };
}
