import { DuckDBInstance } from "@duckdb/node-api";

/** Runs statements in an in-memory DuckDB, whose random numbers are seeded: it writes the files of these tests. */
export async function inDuckdb(...statements: readonly string[]): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    await connection.run("SET threads = 1");
    await connection.run("SELECT setseed(0.25)");
    for (const statement of statements) await connection.run(statement);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** A table of rows of many kinds, as a statement. Text, dates, truth values, gaps, weights of 0, columns of one value. */
export function manyKinds(rows: number): string {
  return `CREATE TABLE t AS SELECT
    i::INTEGER AS i,
    (i % 7)::TINYINT AS tiny,
    1.7e9 + (i * 7919 % 86400) * 0.25 AS epoch,
    CASE WHEN i % 11 = 3 THEN NULL ELSE random() END AS gap,
    CASE WHEN i % 13 = 5 THEN 'NaN'::DOUBLE ELSE random() * i END AS hole,
    (random() * 100)::DECIMAL(9, 2) AS price,
    ['red', 'green', 'b,l"ue', ' Grün '][1 + (i * 7) % 4] AS color,
    CASE WHEN i % 17 = 0 THEN NULL ELSE 'g' || (i % 5) END AS "group",
    i % 2 = 0 AS flag,
    7 AS same,
    DATE '2024-01-01' + (i % 700)::INTEGER AS day,
    TIMESTAMP '2023-12-31 22:00:00' + INTERVAL (i * 977) SECOND AS moment,
    (i % 3)::DOUBLE AS w,
    3 + 1e-5 * i + random() AS y
    FROM range(${rows}) r(i)`;
}
