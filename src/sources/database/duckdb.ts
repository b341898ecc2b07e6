import { statSync } from "node:fs";
import type { DuckDBInstance, DuckDBResult, DuckDBType, DuckDBValue } from "@duckdb/node-api";
import { readError } from "../../csv/read-error.js";
import { DataError } from "../../errors.js";
import { optionalPackage } from "../../files/optional-package.js";
import type { ValueType } from "../value-type.js";
import type { Database, DatabaseValue, WritableDatabase } from "./rowset.js";

/**
 * Opens a DuckDB file for reading. One transaction answers all queries, from one state of the data, and rows come in the
 * order in which they were inserted or in that of the query.
 *
 * @throws DataError where `@duckdb/node-api` is not installed, and where there is no such file, or another program
 * writes it
 */
export async function openDuckdb(path: string, name: string): Promise<Database> {
  const refused = (error: unknown): DataError => refusal(error, name);
  const instance = await open(path, name, "READ_ONLY");
  const connection = await instance.connect();
  const close = () => {
    connection.closeSync();
    instance.closeSync();
  };
  const answer = (sql: string) =>
    connection.stream(sql).catch((error: unknown) => {
      throw refused(error);
    });
  await connection.run("BEGIN TRANSACTION READ ONLY");
  return {
    name,
    kind: "duckdb",
    close,
    async ask(sql) {
      const reader = await connection.runAndReadAll(sql).catch((error: unknown) => {
        throw refused(error);
      });
      return reader.getRows().map((row) => row.map(plainValue));
    },
    async tables() {
      const reader = await connection.runAndReadAll(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1",
      );
      return reader.getRows().map(([table]) => String(table));
    },
    async query(sql) {
      const first = await answer(sql);
      const columns = first.columnNames().map((column, j) => {
        const type = first.columnType(j);
        return { name: column, type: valueType(type), typeName: type.toString() };
      });
      let unread: DuckDBResult | undefined = first;
      return {
        columns,
        async *batches(wanted) {
          const result = unread ?? (await answer(sql));
          unread = undefined;
          for (;;) {
            const chunk = await result.fetchChunk().catch((error: unknown) => {
              throw refused(error);
            });
            if (chunk === null || chunk.rowCount === 0) return;
            yield {
              rows: chunk.rowCount,
              columns: columns.map((_, j) =>
                wanted.has(j) ? chunk.getColumnValues(j).map(plainValue) : undefined,
              ),
            };
          }
        },
      };
    },
  };
}

/** Opens a DuckDB file for writing; see `openWritable`. */
export async function writableDuckdb(path: string, name: string): Promise<WritableDatabase> {
  const instance = await open(path, name, "READ_WRITE");
  const connection = await instance.connect();
  const run = async (sql: string) => {
    try {
      const reader = await connection.runAndReadAll(sql);
      return reader.getRows().map((row) => row.map(plainValue));
    } catch (error) {
      throw refusal(error, name);
    }
  };
  await run("BEGIN TRANSACTION");
  return {
    name,
    kind: "duckdb",
    run,
    async commit() {
      await run("COMMIT");
    },
    async close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

async function open(
  path: string,
  name: string,
  access_mode: "READ_ONLY" | "READ_WRITE",
): Promise<DuckDBInstance> {
  const { DuckDBInstance } = await optionalPackage(() => import("@duckdb/node-api"), {
    file: name,
    kind: "a DuckDB database",
    packages: ["@duckdb/node-api"],
  });
  try {
    // DuckDB would make a file that is not there.
    statSync(path);
  } catch (error) {
    throw readError(name, error);
  }
  return DuckDBInstance.create(path, { access_mode }).catch((error: unknown) => {
    throw refusal(error, name);
  });
}

/** The error for what DuckDB says, in one line. */
function refusal(cause: unknown, file: string): DataError {
  const [line = ""] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
  const locked = /\block (?:on|is)\b/i.test(line);
  return new DataError(locked ? "another program has the database open for writing" : line, {
    place: { file },
    hint: locked
      ? "close it there, or work on a copy of the file"
      : "check the query in duckdb's own shell; names that are no plain words stand in double quotes",
    cause,
  });
}

const INTERVALS: Record<string, ValueType> = {
  DATE: { of: "date" },
  TIME: { of: "time", perSecond: 1e6 },
  TIME_NS: { of: "time", perSecond: 1e9 },
  TIMESTAMP: { of: "timestamp", perSecond: 1e6, utc: false },
  TIMESTAMP_S: { of: "timestamp", perSecond: 1, utc: false },
  TIMESTAMP_MS: { of: "timestamp", perSecond: 1e3, utc: false },
  TIMESTAMP_NS: { of: "timestamp", perSecond: 1e9, utc: false },
  "TIMESTAMP WITH TIME ZONE": { of: "timestamp", perSecond: 1e6, utc: true },
};

/** What the values of a type are; undefined for lists, structs, blobs and intervals. */
function valueType(type: DuckDBType): ValueType | undefined {
  const name = type.toString();
  if (/^U?(TINYINT|SMALLINT|INTEGER)$|^(FLOAT|DOUBLE)$/.test(name)) return { of: "number" };
  if (/^U?(BIGINT|HUGEINT)$/.test(name)) return { of: "integer" };
  if (/^(VARCHAR|UUID|ENUM\b.*)$/s.test(name)) return { of: "text" };
  if (name === "BOOLEAN") return { of: "boolean" };
  const [, precision, scale] = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(name) ?? [];
  if (scale !== undefined) return { of: "decimal", scale: Number(scale), precision: Number(precision) };
  return INTERVALS[name];
}

/** A value as its column's type takes it: truth as 0 and 1, decimals and times as integers. */
function plainValue(value: DuckDBValue): DatabaseValue {
  if (value === null || typeof value === "number" || typeof value === "string" || typeof value === "bigint")
    return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  const parts = value as unknown as Record<string, unknown>;
  for (const part of ["value", "days", "micros", "seconds", "millis", "nanos"]) {
    const found = parts[part];
    if (typeof found === "bigint" || typeof found === "number") return found;
  }
  return String(value);
}
