import type { SqlSession } from "../sources/database/session.js";
import type { SqlDialect } from "./dialect.js";
import { BIGQUERY } from "./dialects/bigquery.js";
import { CLICKHOUSE } from "./dialects/clickhouse.js";
import { DUCKDB } from "./dialects/duckdb.js";
import { POSTGRES } from "./dialects/postgres.js";
import { SNOWFLAKE } from "./dialects/snowflake.js";
import { SPARK } from "./dialects/spark.js";
import { SQLITE } from "./dialects/sqlite.js";
import { TRINO } from "./dialects/trino.js";

/** How each kind of database writes SQL. */
export const DIALECTS: Readonly<Record<DialectName, SqlDialect>> = {
  bigquery: BIGQUERY,
  clickhouse: CLICKHOUSE,
  duckdb: DUCKDB,
  postgres: POSTGRES,
  snowflake: SNOWFLAKE,
  spark: SPARK,
  sqlite: SQLITE,
  trino: TRINO,
};

/** The databases that are written for: those that are asked, and those whose users ask them themselves. */
export type DialectName = SqlSession["kind"] | (typeof PRINTED)[number];

/** The databases that queries are printed for. */
export const PRINTED = [
  "bigquery",
  "clickhouse",
  "duckdb",
  "postgres",
  "snowflake",
  "spark",
  "sqlite",
  "trino",
] as const;
