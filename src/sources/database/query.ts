import type { ReadingOptions } from "../../csv/reading-options.js";
import { UsageError } from "../../errors.js";
import { option, wording } from "../../wording.js";
import type { Relation } from "./session.js";

/**
 * The query for the rows of a database that a user means: their own, or all rows of a table, of the only one by default.
 *
 * @throws UsageError where neither is named and there is not one table
 */
export async function chosenRows(
  database: string,
  { sql, table }: Pick<ReadingOptions, "sql" | "table">,
  tablesOf: () => Promise<string[]>,
): Promise<Relation> {
  if (sql !== undefined) return { query: sql.replace(/[;\s]+$/, ""), table: undefined };
  const all = (name: string): Relation => ({ query: `SELECT * FROM ${name}`, table: name });
  if (table !== undefined) return all(quotedTable(table));
  const tables = await tablesOf();
  if (tables.length === 1) return all(quotedName(tables[0]!));
  const shown = tables.length > 20 ? `${tables.slice(0, 20).join(", ")}, …` : tables.join(", ");
  throw new UsageError(wording`${database} has ${tables.length} tables: name one with ${option("table")}`, {
    hint: wording`${tables.length === 0 ? "there are none" : `they are ${shown}`}; or give a query with ${option("sql")}`,
  });
}

/** The query of `chosenRows`. */
export async function chosenQuery(
  database: string,
  choice: Pick<ReadingOptions, "sql" | "table">,
  tablesOf: () => Promise<string[]>,
): Promise<string> {
  return (await chosenRows(database, choice, tablesOf)).query;
}

/** A name as SQL takes it whatever its characters. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The same of `schema.table`; parts that stand in quotes already are left as they are. */
export function quotedTable(name: string): string {
  return name
    .split(".")
    .map((part) => (/^".*"$/.test(part) ? part : quotedName(part)))
    .join(".");
}
