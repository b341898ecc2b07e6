import { rowsSource } from "../csv/open-source.js";
import type { Table } from "../csv/table.js";
import { rawSlots } from "../dataset/formula/spec.js";
import { DIALECTS, type PRINTED } from "../engines/dialects.js";
import { statement } from "../engines/statement.js";
import type { StatementPlan } from "../engines/statement-plan.js";
import { UsageError } from "../errors.js";
import { layoutOf } from "../scan/row-layout.js";
import { namesOf, readTables, withSources } from "../sources/tables.js";
import { option, wording } from "../wording.js";
import { checkNamedColumns, chooseColumns } from "./choose-columns.js";
import { chosenFolds, designWidth, foldsFor } from "./design-width.js";
import type { FitCsvOptions } from "./fit-options.js";
import { foldKey } from "./fold-key.js";
import { conditionOf } from "./in-engine.js";
import { refuseLags } from "./lagged-table.js";
import { columnsNamed, namedTable } from "./named-table.js";
import { checkWeightsKind } from "./weights-kind.js";

/** A query for the sums of a model. */
export interface PrintedSql {
  sql: string;
  notes: string[];
}

/**
 * Both passes of a model's sums as one query for a database that goml does not ask itself.
 *
 * @param sample a CSV of some of the rows, by which columns and their kinds are told; without one columns are those that
 * the options name, of numbers unless `text` names them
 * @throws UsageError where the rows are not named by `table` or `sql`, and for what rows are needed for
 * @example
 * ```js
 * import { printSql } from "goml";
 *
 * const { sql } = await printSql("duckdb", undefined, { table: "orders", target: "amount", features: ["price"] });
 * console.log(sql.includes('"price"')); // true
 * ```
 */
export async function printSql(
  dialect: (typeof PRINTED)[number],
  sample: string | undefined,
  options: FitCsvOptions = {},
): Promise<PrintedSql> {
  const { table: rows, sql, ...reading } = options;
  if ((rows === undefined) === (sql === undefined))
    throw new UsageError(
      rows === undefined
        ? wording`a query is printed of a table or of another query: name one with ${option("table")} or ${option("sql")}`
        : wording`rows are those of ${option("table")} or of ${option("sql")}, not of both`,
    );
  const source =
    rows === undefined ? `(${sql!.replace(/[;\s]+$/, "")}\n) AS rows_of_query` : tableName(rows, dialect);
  if (sample === undefined) return printed(dialect, source, namedOnly(options), reading);
  return withSources(sample, options.signal, async (sources) =>
    printed(dialect, source, await readTables(sources, reading), reading),
  );
}

function printed(
  dialect: (typeof PRINTED)[number],
  source: string,
  table: Table,
  options: FitCsvOptions,
): PrintedSql {
  const file = namesOf(table);
  checkNamedColumns(table, options, file);
  const { spec, notes } = chooseColumns(table, options, file);
  if (spec.targets !== undefined)
    throw new UsageError("a printed query has one target, and the formula has several", {
      hint: "print a query for each",
    });
  refuseLags(
    { spec },
    (names) =>
      new UsageError(`${names}: a printed query looks no other rows up`, {
        hint: "make the column by SQL: lag(x) OVER (PARTITION BY unit ORDER BY time)",
      }),
  );
  if (spec.instruments !== undefined)
    throw new UsageError("a printed query has no instruments", {
      hint: wording`train takes them from a database that can be reached: ${option("inEngine", true)}`,
    });
  checkWeightsKind({ ...options, inEngine: true }, spec);
  const { weights, weightsKind, seed = 1, where, naValues, naValuesIn, solver, foldBy: key } = options;
  const foldBy = foldKey(table, key);
  const asked = chosenFolds(options.folds);
  const folds =
    foldBy === undefined
      ? 1
      : (asked ?? (spec.absorbed === undefined ? foldsFor(designWidth(spec, table)) : 1));
  if (foldBy === undefined && asked !== undefined && asked > 1)
    throw new UsageError(wording`${option("folds")} goes by a key: rows of a database have no numbers`, {
      hint: wording`name a column of whole numbers with ${option("foldBy")}`,
    });
  if (folds > 1 && spec.absorbed !== undefined)
    throw new UsageError(wording`absorbed effects are cross-validated by rows, which stay in the database`, {
      hint: wording`leave ${option("folds")} out, or ${option("absorb")}`,
    });
  const exact = solver === "extended" || (solver !== "normal" && EXACT.has(dialect));
  const layout = layoutOf(table, { ...rawSlots(spec), weight: weights, foldBy, where });
  const plan: StatementPlan = {
    dialect,
    spec,
    columns: kept(table, [
      ...spec.numeric,
      ...spec.text,
      ...Object.keys(layout.where?.columns ?? {}),
      ...[weights, foldBy].filter((name) => name !== undefined),
    ]),
    ...(weights === undefined ? {} : { weights: weights.normalize("NFC") }),
    ...(weightsKind === undefined || weightsKind === "probability" ? {} : { weightsKind }),
    folds,
    ...(foldBy === undefined ? {} : { foldBy }),
    seed,
    ...(where === undefined ? {} : { where }),
    ...(naValues === undefined ? {} : { naValues }),
    ...(naValuesIn === undefined ? {} : { naValuesIn }),
    exact,
  };
  const how = { source, where: conditionOf(layout.where), format: table.format, file };
  return { sql: statement(plan, how).sql, notes: [...table.notes, ...notes] };
}

/** What writes doubles with fewer digits than they have. */
const EXACT: ReadonlySet<string> = new Set(["snowflake"]);

function namedOnly(options: FitCsvOptions): Table {
  const columns = columnsNamed(options);
  const { formula, features, target } = options;
  if (formula === undefined && (features === undefined || target === undefined))
    throw new UsageError("what is to be summed up is not said", {
      hint: wording`name ${option("target")} and ${option("features")}, give ${option("formula")}, or a CSV of some of the rows before the options`,
    });
  return namedTable(
    rowsSource("the options", () => {}),
    columns,
    options,
  );
}

/** Of a table's columns those of a list of names. */
function kept(table: Table, names: readonly string[]): { name: string; kind: "numeric" | "text" }[] {
  const wanted = new Set(names.map((name) => name.normalize("NFC")));
  return table.columns.flatMap(({ name, kind }) =>
    wanted.has(name) ? [{ name, kind: kind === "text" ? "text" : "numeric" }] : [],
  );
}

/** `schema.table` as a dialect quotes it; parts that stand in quotes already are left as they are. */
function tableName(name: string, dialect: (typeof PRINTED)[number]): string {
  const parts = name.match(/"(?:[^"]|"")*"|`[^`]*`|[^.]+/g) ?? [name];
  return parts.map((part) => (/^["`]/.test(part) ? part : DIALECTS[dialect].name(part))).join(".");
}
