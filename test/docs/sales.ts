import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import sqlite from "node-sqlite3-wasm";
import type { Clone } from "./page.js";

/** Orders: an amount that follows price, region and year, in whole numbers and fractions of two powers. */
const ORDERS = `SELECT i AS id, 2022 + i % 3 AS year, (1 + i * 37 % 64) / 8 AS price,
  ['N', 'S', 'W'][1 + i // 4 % 3] AS region,
  (100 + 3 * (i * 37 % 64) / 8 + 5 * (i // 4 % 3) + (i * 11 % 17) / 16)::DOUBLE AS amount
  FROM range(600) r(i)`;

/** Writes the orders as the guide's pages name them: CSV, folders of Parquet, a DuckDB and an SQLite database. */
export async function makeSales({ folder }: Clone): Promise<void> {
  const file = (name: string) => join(folder, name);
  mkdirSync(file("sales"));
  const instance = await DuckDBInstance.create(file("sales.db"));
  const connection = await instance.connect();
  let rows: (string | number)[][];
  try {
    await connection.run(`CREATE TABLE orders AS ${ORDERS}`);
    await connection.run(
      `COPY (FROM orders) TO '${file("sales")}' (FORMAT parquet, PARTITION_BY (year), OVERWRITE_OR_IGNORE)`,
    );
    await connection.run(`COPY (FROM orders LIMIT 5) TO '${file("new.parquet")}' (FORMAT parquet)`);
    await connection.run(`COPY (FROM orders) TO '${file("sales.csv")}' (HEADER)`);
    const all = await connection.runAndReadAll(
      "SELECT id::INTEGER, year::INTEGER, price::DOUBLE, region, amount FROM orders",
    );
    rows = all.getRows() as (string | number)[][];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  const database = new sqlite.Database(file("app.db"));
  database.run("CREATE TABLE orders (id INTEGER, year INTEGER, price REAL, region TEXT, amount REAL)");
  database.run("BEGIN");
  for (const row of rows) database.run("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", row);
  database.run("COMMIT");
  database.close();
}
