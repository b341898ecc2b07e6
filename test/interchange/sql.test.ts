import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import sqlite from "node-sqlite3-wasm";
import { describe, expect, test } from "vitest";
import { toSql } from "../../src/index.js";
import type { Table } from "../dataset/formula/table.js";
import { type Example, exampleOf, examples, firstDifference } from "./models.js";

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;

function insertion(rows: Table): { create: string; insert: string; values: (number | string | null)[][] } {
  const names = Object.keys(rows);
  const columns = names.map((name) => {
    const text = rows[name]!.some((cell) => typeof cell === "string");
    return `${quote(name)} ${text ? "VARCHAR" : "DOUBLE PRECISION"}`;
  });
  return {
    create: `CREATE TABLE "a ""table""" ("row" INTEGER, ${columns.join(", ")})`,
    insert: `INSERT INTO "a ""table""" VALUES (${["?", ...names.map(() => "?")].join(", ")})`,
    values: rows[names[0]!]!.map((_, r) => [r, ...names.map((name) => rows[name]![r]!)]),
  };
}

async function inSqlite({ model, rows }: Example): Promise<(number | null)[]> {
  const database = new sqlite.Database();
  try {
    const { create, insert, values } = insertion(rows);
    database.exec(create);
    for (const row of values) database.run(insert, row);
    const found = database.all(`SELECT (${toSql(model)}) AS p FROM "a ""table""" ORDER BY "row"`);
    return found.map((row) => (row as { p: number | null }).p);
  } finally {
    database.close();
  }
}

async function inDuckDb({ model, rows }: Example): Promise<(number | null)[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const { create, insert, values } = insertion(rows);
    await connection.run(create);
    const statement = await connection.prepare(insert);
    for (const row of values) {
      row.forEach((cell, i) => {
        if (i === 0) statement.bindInteger(1, cell as number);
        else if (cell === null) statement.bindNull(i + 1);
        else if (typeof cell === "string") statement.bindVarchar(i + 1, cell);
        else statement.bindDouble(i + 1, cell);
      });
      await statement.run();
    }
    const reader = await connection.runAndReadAll(toSql(model, { table: 'a "table"' }));
    return reader
      .getRowObjectsJS()
      .sort((a, b) => Number(a.row) - Number(b.row))
      .map((row) => row.prediction as number | null);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

describe("toSql", () => {
  // A term is good to a few units in the last place, 2^-53 of its size; SQLite reads decimals to 1e-15 only.
  for (const [name, run, runs] of [
    ["SQLite", inSqlite, 30],
    ["DuckDB", inDuckDb, 20],
  ] as const)
    test(`gives goml's predictions for random models, in ${name}`, async () => {
      await fc.assert(
        fc.asyncProperty(examples, async (promised) => {
          const example = await promised;
          expect(firstDifference(example, await run(example), 1e-13)).toBeUndefined();
        }),
        { numRuns: process.env.GOML_LONG ? 300 : runs },
      );
    });

  test("computes whole numbers as doubles, and gives NULL where SQLite holds a text for a number", async () => {
    const { model } = await exampleOf("y ~ x + I(x^5) + I(1 / code)", 11);
    const database = new sqlite.Database();
    database.exec("CREATE TABLE t (x, code)");
    for (const [x, code] of [
      [100_000, 7],
      ["NA", 7],
      ["", 7],
      [null, 7],
      [1, 0],
    ])
      database.run("INSERT INTO t VALUES (?, ?)", [x!, code!]);
    const found = database.all(`SELECT ${toSql(model)} AS p FROM t`).map((row) => (row as { p: number }).p);
    database.close();
    const [b0, b1, b2, b3] = model.coefficients as unknown as [number, number, number, number];
    expect(found[0]! / (b0 + b1 * 1e5 + b2 * 1e25 + b3 / 7)).toBeCloseTo(1, 12);
    expect(found.slice(1)).toEqual([null, null, null, null]);
  });
});
