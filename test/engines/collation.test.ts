import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database as Wasm } from "node-sqlite3-wasm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { predictInEngine } from "../../src/prediction/predict-in-engine.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { inDuckdb } from "../sources/duckdb.js";
import { expectSameFit } from "./every-engine.js";

const { Database } = createRequire(import.meta.url)("node-sqlite3-wasm") as { Database: typeof Wasm };

const folder = mkdtempSync(join(tmpdir(), "goml-collation-"));
const [csv, duck, lite] = ["t.csv", "duck.db", "lite.db"].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
const LEVELS = ["a", "A", "b", "B"];
const rows = Array.from({ length: 80 }, (_, i) => [
  i,
  (i * 7) % 13,
  LEVELS[i % 4]!,
  i % 3 === 0,
  (i * i) % 23,
]);

beforeAll(async () => {
  writeFileSync(csv, `i,x,g,flag,y\n${rows.map((row) => row.join(",")).join("\n")}\n`);
  const values = rows.map(([i, x, g, flag, y]) => `(${i}, ${x}, '${g}', ${flag}, ${y})`).join(", ");
  const columns = (flag: string) =>
    `(i INTEGER, x DOUBLE PRECISION, g VARCHAR(9) COLLATE NOCASE, flag ${flag}, y DOUBLE PRECISION)`;
  await inDuckdb(
    `ATTACH '${duck}' AS db`,
    `CREATE TABLE db.t ${columns("BOOLEAN")}`,
    `INSERT INTO db.t VALUES ${values}`,
  );
  const database = new Database(lite);
  database.exec(`CREATE TABLE t ${columns("VARCHAR(5)")}; INSERT INTO t VALUES ${values}`);
  database.exec("UPDATE t SET flag = CASE flag WHEN 1 THEN 'true' ELSE 'false' END");
  database.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  ["DuckDB", `duckdb:${duck}`],
  ["SQLite", `sqlite:${lite}`],
])("a column of %s that takes A for a", (_, url) => {
  const options = { target: "y", features: ["x", "g", "flag"], foldBy: "i", folds: 5 };

  it("has the levels that its texts are", async () => {
    const expected = await fitCsv(csv, options);
    const found = await fitCsv(url, { ...options, inEngine: true });
    // Condition numbers are below 1e2 and sums are in double.
    expectSameFit(found, expected, 9);
  });

  it("is predicted by the level that its text is", async () => {
    const { model } = await fitCsv(csv, options);
    const made = await predictInEngine(model, url, { output: "out", table: "t" });
    expect(made).toEqual({ rows: 80, missing: 0 });
    // Read back: the predictions' fit on what made them is without error, and has the model's own coefficients.
    const back = await fitCsv(url, {
      sql: "SELECT x, g, flag, prediction FROM out",
      target: "prediction",
      folds: 1,
    });
    const estimates = (fit: typeof back) => fit.model.summary().coefficients.map(({ estimate }) => estimate);
    const expected = model.summary().coefficients;
    expect(expected).toHaveLength(6);
    estimates(back).forEach((estimate, j) => {
      expect(estimate).toBeCloseTo(expected[j]!.estimate, 10);
    });
  });
});
