import type { Table } from "../csv/table.js";
import { columnsOf, fittedTarget, rawSlots } from "../dataset/formula/spec.js";
import { namesInWords } from "../dataset/names-in-words.js";
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

/** What else a table is read for. */
interface MatchOptions {
  /** Keep the rows' bytes. */
  text?: boolean;
  /** Read the model's weights, where the table has them. */
  weights?: boolean;
  /** Read the column by whose groups conformal intervals are calibrated. */
  conformal?: boolean;
  /** Whether to read the target, where the table has it. Default: true. */
  target?: boolean | undefined;
  /** Whether rows that lack another target, beside which the model was fitted, are left out where the table has it. */
  complete?: boolean | undefined;
  /** A condition on rows. */
  where?: string | undefined;
  /** The column that rows are drawn by. */
  foldBy?: string | undefined;
  /** The column that names rows; passed over where it is the model that says so, and the table has none. */
  id?: string | undefined;
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
  options?: MatchOptions,
): MatchedColumns<PredictorPlan>;
export function matchColumns(
  model: LinearModel | ModelGroup,
  table: Table,
  options?: MatchOptions,
): MatchedColumns;
export function matchColumns(
  model: LinearModel | ModelGroup,
  given: Table,
  options: MatchOptions = {},
): MatchedColumns {
  const table = withOldNames(given, model);
  const lagged = (table.lagged ?? []).map(({ name }) => [name, "numeric"] as const);
  const kinds = new Map([...table.columns.map(({ name, kind }) => [name, kind] as const), ...lagged]);
  const needed = model.predictorPlan(false);
  const groups = model instanceof ModelGroup ? [model.groupBy] : [];
  const by = options.conformal === true && !(model instanceof ModelGroup) ? model.conformal : undefined;
  const own = by?.by === undefined ? [] : [by.by];
  const wanted = new Set([...needed.spec.numeric, ...needed.spec.text, ...groups, ...own]);
  const missing = [...wanted].filter((name) => !kinds.has(name));
  if (missing.length > 0) {
    const names = [...kinds.keys()];
    throw new ModelError(`${table.source.name}: columns of the model are missing: ${namesInWords(missing)}`, {
      hint: `the file has ${namesInWords(names)}`,
    });
  }
  const known = model.spec.numeric.every(
    // A target without a value in the head of a file may have one further down.
    (name) =>
      needed.spec.numeric.includes(name) ||
      kinds.get(name) === "numeric" ||
      (kinds.get(name) === "empty" && !table.whole),
  );
  const predictor = known && options.target !== false ? model.predictorPlan(true) : needed;
  const weights =
    options.weights === true && kinds.get(model.weightsColumn ?? "") === "numeric"
      ? model.weightsColumn
      : undefined;
  const { text, where, id, foldBy } = options;
  const others = options.complete === true && "targets" in model ? model.targets : [];
  const finite = others
    .map(fittedTarget)
    .filter((expression) => columnsOf(expression).every((name) => kinds.get(name) === "numeric"));
  const slots = {
    ...rawSlots(predictor.spec),
    weight: weights,
    group: groups[0],
    text,
    where,
    finite,
    id,
    foldBy,
  };
  const layout = layoutOf(table, slots);
  if (own.length === 0) return { layout, predictor };
  const column = table.columns.findIndex(({ name }) => name === own[0]);
  return { layout: { ...layout, clusters: [{ column, of: by!.of! }] }, predictor };
}

/**
 * The table as version 0.1 named its columns, where a model of that version asks for them: a column without a name was
 * `x` and its position.
 */
function withOldNames(table: Table, model: LinearModel | ModelGroup): Table {
  const names = new Set(table.columns.map(({ name }) => name));
  const wanted = new Set([...model.spec.numeric, ...model.spec.text].filter((name) => !names.has(name)));
  const columns = table.columns.map((column, j) => {
    const old = `x${j + 1}`;
    return (column.unnamed || !table.dialect.header) && wanted.has(old) ? { ...column, name: old } : column;
  });
  return { ...table, columns };
}
