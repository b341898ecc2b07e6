import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database as Wasm } from "node-sqlite3-wasm";
import { expect } from "vitest";
import type { CsvFit } from "../../src/training/fit-target.js";
import { type ClickhouseServer, hasClickhouse, startClickhouse } from "../sources/clickhouse-server.js";
import { inDuckdb } from "../sources/duckdb.js";
import { hasPostgres, type PostgresServer, startPostgres } from "../sources/postgres-server.js";

const { Database } = createRequire(import.meta.url)("node-sqlite3-wasm") as { Database: typeof Wasm };

/** A table of rows: columns with their types in SQL, and values. */
export interface TestTable {
  readonly columns: Readonly<Record<string, string>>;
  readonly rows: readonly (readonly (number | string | null)[])[];
}

/** Databases that have the same tables, and their rows as CSV. */
export class EveryEngine {
  readonly folder = mkdtempSync(join(tmpdir(), "goml-engines-"));
  /** By name; PostgreSQL only where it is installed. */
  readonly urls: Record<string, string> = {};
  server: PostgresServer | undefined;

  #clickhouse: ClickhouseServer | undefined;

  async fill(tables: Readonly<Record<string, TestTable>>): Promise<void> {
    const statements = Object.entries(tables).flatMap(([name, table]) => sqlOf(name, table));
    for (const [name, { columns, rows }] of Object.entries(tables)) {
      const cell = (value: number | string | null) =>
        value === null ? "" : typeof value === "number" ? String(value) : `"${value.replaceAll('"', '""')}"`;
      const lines = [Object.keys(columns).map(cell), ...rows.map((row) => row.map(cell))];
      writeFileSync(this.csv(name), `${lines.map((line) => line.join(",")).join("\n")}\n`);
    }
    this.urls.DuckDB = `duckdb:${join(this.folder, "duck.db")}`;
    await inDuckdb(`ATTACH '${join(this.folder, "duck.db")}' AS db`, "USE db", ...statements);
    this.urls.SQLite = `sqlite:${join(this.folder, "lite.db")}`;
    const database = new Database(join(this.folder, "lite.db"));
    database.exec(["BEGIN", ...statements, "COMMIT"].join(";\n"));
    database.close();
    if (!hasPostgres) return;
    this.server = await startPostgres("secret");
    process.env.PGPASSWORD = "secret";
    this.urls.PostgreSQL = this.server.url;
    this.server.psql(`${statements.join(";\n")};`);
  }

  csv(table: string): string {
    return join(this.folder, `${table}.csv`);
  }

  /** The same tables in ClickHouse, where it is installed. */
  async fillClickhouse(tables: Readonly<Record<string, TestTable>>): Promise<void> {
    if (!hasClickhouse) return;
    this.#clickhouse = await startClickhouse("secret");
    process.env.CLICKHOUSE_PASSWORD = "secret";
    this.urls.ClickHouse = this.#clickhouse.url;
    for (const [name, table] of Object.entries(tables)) {
      const columns = Object.fromEntries(
        Object.entries(table.columns).map(([column, type]) => [
          column,
          `Nullable(${CLICKHOUSE_TYPES[type]})`,
        ]),
      );
      const [create, ...inserts] = sqlOf(name, { ...table, columns });
      await this.#clickhouse.ask(`${create} ENGINE = Memory`);
      for (const insert of inserts) await this.#clickhouse.ask(insert);
    }
  }

  async close(): Promise<void> {
    await this.#clickhouse?.stop();
    this.server?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const CLICKHOUSE_TYPES: Readonly<Record<string, string>> = {
  BIGINT: "Int64",
  INTEGER: "Int32",
  SMALLINT: "Int16",
  "DOUBLE PRECISION": "Float64",
  "VARCHAR(20)": "String",
  "VARCHAR(9)": "String",
};

/** What these tests compare engines by; PostgreSQL only where Debian's is installed. */
export const ENGINES = ["DuckDB", "SQLite", ...(hasPostgres ? ["PostgreSQL"] : [])];

/** The same, and ClickHouse where it is installed. */
export const SUMMING = [...ENGINES, ...(hasClickhouse ? ["ClickHouse"] : [])];

function sqlOf(name: string, { columns, rows }: TestTable): string[] {
  const literal = (value: number | string | null) =>
    value === null
      ? "NULL"
      : typeof value === "string"
        ? `'${value.replaceAll("'", "''")}'`
        : Number.isInteger(value)
          ? String(value)
          : `${value}${String(value).includes("e") ? "" : "e0"}`;
  const list = Object.entries(columns).map(([column, type]) => `"${column.replaceAll('"', '""')}" ${type}`);
  const inserts = [];
  for (let at = 0; at < rows.length; at += 500)
    inserts.push(
      `INSERT INTO "${name}" VALUES ${rows
        .slice(at, at + 500)
        .map((row) => `(${row.map(literal).join(", ")})`)
        .join(", ")}`,
    );
  return [`CREATE TABLE "${name}" (${list.join(", ")})`, ...inserts];
}

/**
 * Both models are the same to `digits` digits: coefficients by their standard errors, which are what a last digit of a
 * coefficient near 0 is to be measured by, everything else by itself.
 */
export function expectSameFit(found: CsvFit, expected: CsvFit, digits: number): void {
  expect(found.model.terms).toEqual(expected.model.terms);
  expect([found.rows, found.dropped]).toEqual([expected.rows, expected.dropped]);
  expect(found.model.levels).toEqual(expected.model.levels);
  const [a, b] = [found.model.summary(), expected.model.summary()];
  // What is not there of one is not there of the other: errors of penalised and left-out terms, R² without variation.
  const same = (x: number | null, y: number | null, scale: number, what: string) => {
    if (y === null || Number.isNaN(y)) return expect(x, what).toEqual(y);
    expect(Math.abs(x! - y) / scale, what).toBeLessThan(10 ** -digits);
  };
  b.coefficients.forEach(({ term, estimate, stdError }, j) => {
    const one = a.coefficients[j]!;
    same(one.estimate, estimate, stdError > 0 ? stdError : Math.abs(estimate), term);
    same(one.stdError, stdError, stdError, term);
  });
  for (const name of ["rss", "sigma", "r2", "logLik", "aic"] as const)
    same(a.fit[name], b.fit[name], Math.abs(b.fit[name]!), name);
  expect(a.fit.n).toBe(b.fit.n);
  expect(found.cv === undefined).toBe(expected.cv === undefined);
  if (expected.cv !== undefined) {
    expect(found.cv!.folds.length).toBe(expected.cv.folds.length);
    expect(found.cv!.mse / expected.cv.mse).toBeCloseTo(1, digits);
  }
}
