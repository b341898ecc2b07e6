import type { ValueType } from "../value-type.js";

/** A value as a database's driver gives it, made plain; null where there is none. */
export type DatabaseValue = number | bigint | string | null;

/** A column of a query's answer. */
interface QueryColumn {
  readonly name: string;
  /** What its values are; undefined where they are nothing that goml reads. */
  readonly type: ValueType | undefined;
  /** How the database calls that. */
  readonly typeName: string;
}

/** An answer as it comes: columns, and batches of rows, a list of values for each column. */
export interface Rowset {
  readonly columns: readonly QueryColumn[];
  /** Values of the columns that are wanted; nothing of the others. */
  batches(wanted: ReadonlySet<number>): AsyncGenerator<Batch, void, undefined>;
}

/** Some rows. */
export interface Batch {
  readonly rows: number;
  readonly columns: readonly (readonly DatabaseValue[] | undefined)[];
}

/** An open database, which answers from one snapshot until it is closed. */
export interface Database {
  /** What it is called in messages. */
  readonly name: string;
  readonly kind: "duckdb" | "sqlite";
  /** Its tables and views. */
  tables(): Promise<string[]>;
  query(sql: string): Promise<Rowset>;
  /** All rows of a short answer, whose columns have names that differ. */
  ask(sql: string): Promise<DatabaseValue[][]>;
  close(): void;
}

/** A database that statements may change, all together or not at all: they count once `commit` is done. */
export interface WritableDatabase {
  /** What it is called in messages. */
  readonly name: string;
  readonly kind: "duckdb" | "postgres" | "sqlite";
  /** Runs a statement and gives the rows of its answer, which are few. */
  run(sql: string): Promise<DatabaseValue[][]>;
  commit(): Promise<void>;
  /** Without a `commit` nothing has happened. */
  close(): Promise<void>;
}
