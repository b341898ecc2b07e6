import type { ReadingOptions } from "../../csv/reading-options.js";
import type { Table } from "../../csv/table.js";
import type { DatabaseValue } from "./rowset.js";

/** What the rows of a session are, in SQL. */
export interface Relation {
  /** A query for them. */
  readonly query: string;
  /** The table that they are all rows of, quoted; undefined where they are those of a query. */
  readonly table: string | undefined;
}

/** A column as its database has it. */
export interface SessionColumn {
  /** Its name, quoted. */
  readonly name: string;
  /** Whether it holds integers of 64 bits, of which a double holds some. */
  readonly integer: boolean;
  /** Whether it may hold numbers that are infinite, or none. */
  readonly float: boolean;
  /** Whether it holds texts, which a collation may take for the same. */
  readonly texts: boolean;
  /** What to group by for its levels. */
  readonly key: string;
  /** The text of a level that `key` gave. */
  text(value: DatabaseValue): string;
}

/** An open database that is asked for sums, and answers all questions from one snapshot. */
export interface SqlSession {
  /** What it is called in messages. */
  readonly name: string;
  readonly kind: "clickhouse" | "duckdb" | "postgres" | "sqlite";
  /** The rows' head, by which their columns are judged; its rows are not to be read on. */
  table(options: ReadingOptions): Promise<Table>;
  relation(options: ReadingOptions): Promise<Relation>;
  /** A column by its name (NFC). Of those that `table` found. */
  column(name: string): SessionColumn;
  /** All rows of an answer. */
  ask(sql: string): Promise<DatabaseValue[][]>;
}
