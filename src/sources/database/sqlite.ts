import { existsSync, type Stats, statSync } from "node:fs";
import { setImmediate as nextTick } from "node:timers/promises";
import { changedError, readError } from "../../csv/read-error.js";
import { DataError } from "../../errors.js";
import { databasePath } from "../../files/database-path.js";
import type { ValueType } from "../value-type.js";
import type { Database, DatabaseValue, WritableDatabase } from "./rowset.js";
import { type SqliteRow, sqliteDriver } from "./sqlite-driver.js";

/** Rows between two turns of the event loop. */
const BATCH_ROWS = 1024;
/** So many rows say what a column holds, for SQLite lets any cell hold anything. */
const JUDGED_ROWS = 2048;

/**
 * Opens an SQLite file for reading. One transaction answers all queries; a program that writes the file meanwhile is
 * noticed by its size and time, for not every driver shares SQLite's locks.
 *
 * A column is one of numbers where its first values are, else of text; a cell that is no number in a column of numbers is
 * an error.
 *
 * @throws DataError where no driver is installed, and where there is no such file or it is no database
 */
export async function openSqlite(path: string, name: string): Promise<Database> {
  let before: Stats;
  try {
    before = statSync(path);
  } catch (error) {
    throw readError(name, error);
  }
  const open = await sqliteDriver(name);
  const asked = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw refusal(error, name);
    }
  };
  const connection = asked(() => open(path));
  const unchanged = () => {
    const now = statSync(path);
    if (now.size !== before.size || now.mtimeMs !== before.mtimeMs)
      throw changedError(name, before.size, now.size);
  };
  try {
    asked(() => connection.run("BEGIN"));
    asked(() => connection.all("SELECT 1 FROM sqlite_master LIMIT 1"));
  } catch (error) {
    connection.close();
    throw error;
  }
  let views = 0;
  return {
    name,
    kind: "sqlite",
    close: () => connection.close(),
    async ask(sql) {
      const rows = asked(() => connection.all(sql));
      unchanged();
      return rows.map((row) => Object.values(row).map(plainValue));
    },
    async tables() {
      const sql =
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1";
      return asked(() => connection.all(sql)).map((row) => String(row.name));
    },
    async query(sql) {
      // A view knows its columns' names, which it makes unique, and declared types before there is a row.
      const view = `temp.goml_${views++}`;
      asked(() => connection.run(`CREATE TEMP VIEW ${view.slice(5)} AS ${sql}`));
      const select = `SELECT * FROM ${view}`;
      const declared = asked(() => connection.all(`PRAGMA ${view.replace(".", ".table_info(")})`));
      const names = declared.map((row) => String(row.name));
      const head = asked(() => connection.all(`${select} LIMIT ${JUDGED_ROWS}`));
      const columns = declared.map((row, j) => {
        const column = names[j]!;
        const values = head.map((one) => one[column] ?? null);
        return {
          // SQLite numbers the columns of one name: x, x:1.
          name: names.includes(column.replace(/:\d+$/, "")) ? column.replace(/:\d+$/, "") : column,
          type: valueType(String(row.type), values),
          typeName: "BLOB",
        };
      });
      return {
        columns,
        async *batches(wanted) {
          const rows = asked(() => connection.rows(select))[Symbol.iterator]();
          try {
            for (;;) {
              const batch = asked(() => taken(rows, BATCH_ROWS));
              if (batch.length > 0)
                yield {
                  rows: batch.length,
                  columns: names.map((column, j) =>
                    wanted.has(j) ? batch.map((row) => plainValue(row[column])) : undefined,
                  ),
                };
              unchanged();
              if (batch.length < BATCH_ROWS) return;
              await nextTick();
            }
          } finally {
            rows.return?.();
          }
        },
      };
    },
  };
}

/** Opens an SQLite file for writing; see `openWritable`. */
export async function writableSqlite(path: string, name: string): Promise<WritableDatabase> {
  try {
    // A driver would make a file that is not there.
    statSync(path);
  } catch (error) {
    throw readError(name, error);
  }
  const open = await sqliteDriver(name);
  const asked = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw refusal(error, name);
    }
  };
  const connection = asked(() => open(path, true));
  asked(() => connection.run("BEGIN IMMEDIATE"));
  return {
    name,
    kind: "sqlite",
    run: async (sql) => asked(() => connection.all(sql)).map((row) => Object.values(row).map(plainValue)),
    async commit() {
      asked(() => connection.run("COMMIT"));
    },
    async close() {
      connection.close();
    },
  };
}

function taken(rows: Iterator<SqliteRow>, most: number): SqliteRow[] {
  const batch: SqliteRow[] = [];
  while (batch.length < most) {
    const { done, value } = rows.next();
    if (done) break;
    batch.push(value);
  }
  return batch;
}

/** What a column is, by the values of its first rows; by its affinity where those have none. */
function valueType(declared: string, values: readonly unknown[]): ValueType | undefined {
  const given = values.filter((value) => value !== null);
  if (given.some((value) => value instanceof Uint8Array)) return undefined;
  const numbers = given.filter((value) => typeof value === "number" || typeof value === "bigint").length;
  if (given.length > 0) return 2 * numbers > given.length ? { of: "number" } : { of: "text" };
  // The rules of https://sqlite.org/datatype3.html, section 3.1.
  return /INT/i.test(declared) || !/CHAR|CLOB|TEXT|BLOB|^$/i.test(declared)
    ? { of: "number" }
    : { of: "text" };
}

function plainValue(value: unknown): DatabaseValue {
  if (typeof value === "bigint" && Number.isSafeInteger(Number(value))) return Number(value);
  if (value === null || typeof value === "number" || typeof value === "string" || typeof value === "bigint")
    return value;
  return value instanceof Uint8Array ? `x'${Buffer.from(value).toString("hex")}'` : null;
}

/** The error for what SQLite says, in one line. */
function refusal(cause: unknown, file: string): DataError {
  const [line = ""] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
  const locked = /\bis locked\b/i.test(line);
  // node-sqlite3-wasm locks by a folder, for readers too, and one that was killed leaves it behind.
  const folder = `${databasePath(file)?.file ?? file}.lock`;
  const own = locked && existsSync(folder);
  const foreign = /not a database/i.test(line);
  return new DataError(
    locked
      ? own
        ? "another program reads or writes the database"
        : "another program has the database open for writing"
      : foreign
        ? "this is no SQLite database"
        : line,
    {
      place: { file },
      hint: own
        ? `wait until it is done; where none runs, one was killed: rmdir ${JSON.stringify(folder)}`
        : locked
          ? "wait until it is done, or work on a copy of the file (sqlite3 file.db '.backup copy.db')"
          : foreign
            ? "check the path"
            : "check the query in sqlite3's own shell; a database in WAL mode can be read from a copy (.backup)",
      cause,
    },
  );
}
