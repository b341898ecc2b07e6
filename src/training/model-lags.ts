import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import { columnsOf, type Lags, textsOf } from "../dataset/formula/spec.js";
import { namesInWords } from "../dataset/names-in-words.js";
import { ModelError } from "../errors.js";
import type { LinearModel } from "../linear/model/model.js";
import type { ModelGroup } from "../linear/model/model-group.js";
import type { ReadingControl } from "../scan/reading-control.js";
import { withLags } from "./lagged-table.js";

/**
 * A table with the columns of other rows that a model reads, looked up within the table; a column that it has under that name,
 * `lag(x, 1)`, is taken as it is. Those of the target alone are left out where they cannot be made.
 *
 * @throws ModelError that names the columns that are missing; DataError as `withLags`
 */
export async function withModelLags(
  model: LinearModel | ModelGroup,
  table: Table,
  sources: readonly Source[],
  control: ReadingControl,
): Promise<{ table: Table; notes: readonly string[] }> {
  const { lags } = model.spec;
  if (lags === undefined) return { table, notes: [] };
  const has = new Set(table.columns.map(({ name }) => name));
  const needed = new Set(model.predictorPlan(false).spec.lags?.columns.map(({ name }) => name));
  const given = lags.columns.filter(({ name }) => has.has(name));
  const missing = new Set<string>();
  const columns = lags.columns.filter(({ name, expression }) => {
    if (has.has(name)) return false;
    const lacks = [...readBy(lags), ...columnsOf(expression), ...textsOf(expression)].filter(
      (column) => !has.has(column),
    );
    if (needed.has(name)) for (const column of lacks) missing.add(column);
    return lacks.length === 0;
  });
  if (missing.size > 0)
    throw new ModelError(
      `${table.source.name}: columns of the model are missing: ${namesInWords([...missing])}`,
      {
        hint: `${[...needed].join(", ")} are made of other rows, found by ${readBy(lags).join(" and ")}, or are columns of that name`,
      },
    );
  const own =
    given.length === 0
      ? []
      : [`${given.map(({ name }) => name).join(", ")}: taken from the column of that name`];
  if (columns.length === 0) return { table, notes: own };
  const lagged = await withLags(table, sources, { ...lags, columns }, "model", control);
  return { table: lagged.table, notes: [...own, ...lagged.notes] };
}

function readBy({ time, unit }: Lags): string[] {
  return unit === undefined ? [time] : [time, unit];
}
