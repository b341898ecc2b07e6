import { DIALECTS } from "../engines/dialects.js";
import { ModelError } from "../errors.js";
import { toSql } from "../interchange/sql.js";
import type { LinearModel } from "../linear/model/model.js";
import type { ModelGroup } from "../linear/model/model-group.js";
import { chosenQuery, quotedTable } from "../sources/database/query.js";
import { openWritable } from "../sources/database/writable.js";
import { refuseLags } from "../training/lagged-table.js";
import { option, wording } from "../wording.js";

/** Which rows of a database to predict, and where to. */
export interface PredictInEngineOptions {
  /** The table to make. */
  output: string;
  /** The table to predict. */
  table?: string | undefined;
  /** The query whose rows to predict, in place of a table. */
  sql?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** What was predicted. */
export interface EnginePrediction {
  rows: number;
  /** Rows whose prediction is NULL: a missing value, a level that training did not meet. */
  missing: number;
}

/**
 * Predicts rows of a database there, by the model's expression in SQL: CREATE TABLE output AS SELECT *, … AS prediction.
 * No rows leave the database, and where anything fails there is no table.
 *
 * @param database `duckdb:file.db`, `sqlite:file.db` or `postgres://host/db`
 * @throws DataError for what the database refuses: a table that is there already, a column that is not
 * @example
 * ```js
 * import { fitCsv, predictInEngine } from "goml";
 *
 * const { model } = await fitCsv("duckdb:sales.db", { table: "orders", target: "amount", features: ["price"] });
 * const { rows } = await predictInEngine(model, "duckdb:sales.db", { table: "orders", output: "predicted" });
 * console.log(rows); // 600
 * ```
 */
export async function predictInEngine(
  model: LinearModel | ModelGroup,
  database: string,
  { output, table, sql, signal }: PredictInEngineOptions,
): Promise<EnginePrediction> {
  refuseLags(
    model,
    (names) =>
      new ModelError(wording`${names}: other rows are not looked up with ${option("inEngine")}`, {
        hint: wording`leave ${option("inEngine")} out, and the rows are read`,
      }),
  );
  const open = await openWritable(database, signal);
  try {
    const expression = toSql(model, { bytewise: DIALECTS[open.kind].bytewise });
    const query = await chosenQuery(open.name, { sql, table }, async () => []);
    await open.run(
      `CREATE TABLE ${quotedTable(output)} AS SELECT goml.*,\n${expression} AS "prediction"\nFROM (${query}\n) AS goml`,
    );
    const [[rows, predicted] = []] = await open.run(
      `SELECT count(*) AS n, count("prediction") AS predicted FROM ${quotedTable(output)}`,
    );
    await open.commit();
    return { rows: Number(rows), missing: Number(rows) - Number(predicted) };
  } finally {
    await open.close();
  }
}
