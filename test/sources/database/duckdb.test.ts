import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evaluateCsv } from "../../../src/prediction/evaluate-csv.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../../src/training/fit-options.js";
import { manyKinds } from "../duckdb.js";
import { expectSamePredictions } from "./same-as-csv.js";

const folder = mkdtempSync(join(tmpdir(), "goml-duckdb-"));
const csv = join(folder, "t.csv");
const file = join(folder, "t.db");
const ROWS = 40_000;

beforeAll(async () => {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  for (const statement of [
    "SELECT setseed(0.25)",
    manyKinds(ROWS),
    "CREATE TABLE long AS SELECT i::DOUBLE AS y, i % 3 AS x, CASE WHEN i = 6 THEN 9007199254740993 ELSE i END AS n, [i] AS l, CASE WHEN i = 4 THEN 'inf'::DOUBLE END AS d FROM range(1, 9) r(i)",
    "CREATE TABLE texts AS SELECT i::DOUBLE AS y, i % 3 AS x, strftime(DATE '2024-01-01' + (i % 5)::INTEGER, '%Y-%m-%d') AS day, (i % 4)::VARCHAR AS code, 'a' || i % 2 AS k FROM range(40) r(i)",
    `COPY t TO '${csv}'`,
  ])
    await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MODELS: Record<string, FitCsvOptions> = {
  numbers: { target: "y", features: ["i", "tiny", "epoch", "price", "same"] },
  "missing values and factors": { target: "y", features: ["i", "gap", "hole", "color", "group", "flag"] },
  "dates, a condition and weights": {
    formula: "y ~ i + as.Date(day) + weekdays(moment) + hour(moment)",
    where: 'color != "red"',
    weights: "w",
  },
  "held-out rows and robust errors, which read twice": {
    target: "y",
    features: ["i", "tiny"],
    testSize: 0.2,
    vcov: "hc1",
  },
  "the QR solver": { target: "y", features: ["i", "gap"], solver: "qr" },
};

describe("a model of a table of DuckDB is that of the CSV of the same rows", () => {
  for (const [name, options] of Object.entries(MODELS))
    it(name, async () => {
      const expected = await fitCsv(csv, options);
      const found = await fitCsv(`duckdb:${file}`, { ...options, table: "t" });
      const [a, b] = [expected.model.summary(), found.model.summary()];
      // The sums are those of other chunks: 1e-10 leaves room for a condition number of some thousands.
      const near = (one: number | undefined, other: number | undefined) => {
        if (other === undefined || Number.isNaN(other)) expect(one).toEqual(other);
        else expect(Math.abs(one! - other)).toBeLessThanOrEqual(1e-10 * Math.abs(other));
      };
      a.coefficients.forEach((row, j) => {
        expect(b.coefficients[j]!.term).toBe(row.term);
        near(b.coefficients[j]!.stdError, row.stdError);
        if (!Number.isNaN(row.estimate))
          expect(Math.abs(b.coefficients[j]!.estimate - row.estimate)).toBeLessThanOrEqual(
            1e-10 * Math.max(Math.abs(row.estimate), row.stdError),
          );
      });
      near(found.cv?.mse, expected.cv?.mse);
      near(found.test?.mse, expected.test?.mse);
      expect([found.rows, found.dropped, found.excluded]).toEqual([
        expected.rows,
        expected.dropped,
        expected.excluded,
      ]);
    });
});

describe("DuckDB", () => {
  const url = `duckdb:${file}`;

  it("answers a query, and the same bits come whatever the threads", async () => {
    const options = { sql: "SELECT y, i, color FROM t WHERE i < 30000 ORDER BY i", target: "y" };
    const documents = [];
    for (const threads of [1, 2])
      documents.push(JSON.stringify((await fitCsv(url, { ...options, threads })).model));
    expect(documents[1]).toBe(documents[0]);
    const { model } = await fitCsv(csv, { target: "y", features: ["i", "color"], where: "i < 30000" });
    const { metrics, rows } = await evaluateCsv(model, url, options);
    expect(rows).toBe(30_000);
    expect(metrics.mse).toBeCloseTo((await evaluateCsv(model, csv)).metrics.mse, 10);
  });

  it("is refused in one line for what is not there, or no double", async () => {
    const fitted = (options: FitCsvOptions & { features?: string[] }) =>
      fitCsv(url, { target: "y", table: "long", ...options });
    await expect(fitted({ features: ["n"] })).rejects.toThrow(
      `${url}: row 6: column "n": 9007199254740993 has more digits than a double`,
    );
    await expect(fitted({ features: ["d"] })).rejects.toThrow(
      `${url}: row 4: column "d": expected a finite number, found Infinity`,
    );
    expect((await fitted({ features: ["x"] })).notes).toEqual(["left out: l, it is of type BIGINT[]"]);
    await expect(fitCsv(url, {})).rejects.toMatchObject({
      message: `${url} has 3 tables: name one with \`table\``,
      hint: "they are long, t, texts; or give a query with `sql`",
    });
    await expect(fitCsv(url, { sql: "SELECT nothing FROM t" })).rejects.toMatchObject({ kind: "data" });
    await expect(fitCsv(`duckdb:${file}.not`, {})).rejects.toThrow("no such file");
    // A name that holds the word is no lock.
    await expect(fitCsv(`duckdb:${file}`, { table: "blocks" })).rejects.toThrow("blocks does not exist");
    await expect(fitCsv(csv, { table: "t" })).rejects.toThrow("is no database");
  });

  it("has texts that are dates or numbers, which are left out or named as in a CSV", async () => {
    const { notes, model } = await fitCsv(url, { table: "texts", target: "y" });
    expect(notes).toEqual([
      "left out: day, it holds dates; a formula can have as.Date(day), weekdays(day), months(day), year(day), hour(day)",
      "code is read as text, though it holds numbers too, such as 0",
    ]);
    expect(model.terms).toEqual(["x", "code1", "code2", "code3", "ka1"]);
    const asked = await fitCsv(url, { table: "texts", target: "y", text: ["code"] });
    expect(asked.notes).toHaveLength(1);
    expect((await fitCsv(url, { table: "texts", formula: "y ~ as.Date(day)" })).notes).toEqual([]);
  });

  it("is named on the command line by --table or --sql, and predicted", async () => {
    await expectSamePredictions(folder, "duckdb:t.db");
  });

  it("refuses a query that gives other values when it is asked again, or others in their places", async () => {
    // 2000 rows each time.
    const again = { target: "y", testSize: 0.2 };
    for (const sql of [
      "SELECT random() AS y, i AS x FROM t WHERE i < 2000",
      "SELECT i AS y, i % 7 AS x FROM t WHERE i < 2000 ORDER BY random()",
    ])
      await expect(fitCsv(`duckdb:${file}`, { ...again, sql })).rejects.toThrow(
        "the rows changed while they were read",
      );
    const { model } = await fitCsv(`duckdb:${file}`, {
      ...again,
      sql: "SELECT y, i AS x FROM t WHERE i < 2000 ORDER BY i",
    });
    expect(model.n).toBeGreaterThan(0);
  });
});
