import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evaluateCsv } from "../../../src/prediction/evaluate-csv.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../../src/training/fit-options.js";
import { hasPostgres, type PostgresServer, startPostgres } from "../postgres-server.js";
import { expectSamePredictions } from "./same-as-csv.js";

const ROWS = 30_000;
const PASSWORD = "gehe:im@/?";
const folder = mkdtempSync(join(tmpdir(), "goml-postgres-"));
const csv = join(folder, "t.csv");
let server: PostgresServer;
let before: string | undefined;

describe.skipIf(!hasPostgres)("PostgreSQL (skipped where Debian's postgresql is not installed)", () => {
  beforeAll(async () => {
    server = await startPostgres(PASSWORD);
    before = process.env.PGPASSWORD;
    process.env.PGPASSWORD = PASSWORD;
    server.psql(`
      SELECT setseed(0.25);
      CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
      CREATE TABLE t AS SELECT
        i::int AS i, (i % 7)::smallint AS tiny, 1.7e9 + (i * 7919 % 86400) * 0.25 AS epoch,
        CASE WHEN i % 11 = 3 THEN NULL ELSE random() END AS gap,
        CASE WHEN i % 13 = 5 THEN 'NaN' ELSE random() * i END::float8 AS hole,
        round((random() * 100)::numeric, 2) AS price,
        (ARRAY['red', 'green', 'b,l"ue', 'Grün'])[1 + (i * 7) % 4] AS color,
        CASE WHEN i % 17 = 0 THEN NULL ELSE 'g' || (i % 5) END AS "Group",
        i % 2 = 0 AS flag, 7 AS same,
        DATE '2024-01-01' + (i % 700) AS day,
        TIMESTAMP '2023-12-31 22:00:00' + i * 977 * INTERVAL '1 second' AS moment,
        TIMESTAMPTZ '2023-12-31 22:00:00.5+02' + i * 977 * INTERVAL '1 second' AS utc,
        (ARRAY['sad', 'ok', 'happy'])[1 + i % 3]::mood AS mood,
        (i % 3)::real AS w, 3 + 1e-5 * i + random() AS y
        FROM generate_series(0, ${ROWS - 1}) i;
      CREATE TABLE odd AS SELECT (i * i % 23)::float8 AS y, i % 3 AS x, '[1]'::json AS j, ARRAY[i] AS l,
        CASE WHEN i = 4 THEN 'Infinity'::float8 ELSE i % 5 END AS d, (i % 4)::text AS code,
        to_char(DATE '2024-01-01' + (i % 5), 'YYYY-MM-DD') AS day, 12.5::money * i AS cost
        FROM generate_series(1, 40) i;`);
    const columns =
      "i, tiny, epoch, gap, hole, price, color, \"Group\", CASE WHEN flag THEN 'true' ELSE 'false' END AS flag, same, day, moment, replace(utc AT TIME ZONE 'UTC' || 'Z', 'T', ' ') AS utc, mood, w, y";
    writeFileSync(csv, server.psql(`COPY (SELECT ${columns} FROM t) TO STDOUT (FORMAT csv, HEADER)`));
  }, 60_000);
  afterAll(() => {
    if (before === undefined) delete process.env.PGPASSWORD;
    else process.env.PGPASSWORD = before;
    server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const MODELS: Record<string, FitCsvOptions> = {
    numbers: { target: "y", features: ["i", "tiny", "epoch", "price", "same"] },
    "missing values and factors": {
      target: "y",
      features: ["i", "gap", "hole", "color", "Group", "flag", "mood"],
    },
    "dates, a condition and weights": {
      formula: "y ~ i + as.Date(day) + weekdays(moment) + hour(utc)",
      where: 'color != "red"',
      weights: "w",
    },
    "held-out rows and robust errors, which read twice": {
      target: "y",
      features: ["i", "tiny"],
      testSize: 0.2,
      vcov: "hc1",
    },
  };

  // The same text goes through the same scanner: the same bits.
  for (const [name, options] of Object.entries(MODELS))
    it(`the model of a table is that of the CSV of its rows: ${name}`, async () => {
      const expected = await fitCsv(csv, options);
      const found = await fitCsv(server.url, { ...options, table: "t" });
      expect(found.model.summary()).toEqual(expected.model.summary());
      expect(found.cv).toEqual(expected.cv);
      expect(found.test).toEqual(expected.test);
      expect([found.rows, found.dropped, found.excluded]).toEqual([
        expected.rows,
        expected.dropped,
        expected.excluded,
      ]);
    });

  it("answers a query, and the same bits come whatever the threads", async () => {
    const options = { sql: 'SELECT y, i, "Group" FROM t WHERE i < 20000 ORDER BY i; ', target: "y" };
    const documents = [];
    for (const threads of [1, 2])
      documents.push(JSON.stringify((await fitCsv(server.url, { ...options, threads })).model));
    expect(documents[1]).toBe(documents[0]);
    const { model } = await fitCsv(csv, { target: "y", features: ["i", "Group"], where: "i < 20000" });
    const { metrics } = await evaluateCsv(model, server.url, options);
    // Rows of other blocks: the sums differ in their last digits.
    expect(metrics.mse).toBeCloseTo((await evaluateCsv(model, csv, { where: "i < 20000" })).metrics.mse, 12);
  });

  it("types are the server's: money is a number, text that holds numbers or dates is named", async () => {
    const { notes, model } = await fitCsv(server.url, { table: "odd", target: "y", exclude: ["d"] });
    expect(notes).toEqual([
      "left out: j, it is of type json",
      "left out: l, it is of type _int4",
      "left out: day, it holds dates; a formula can have as.Date(day), weekdays(day), months(day), year(day), hour(day)",
      "code is read as text, though it holds numbers too, such as 1",
    ]);
    expect(model.terms).toEqual(["x", "code1", "code2", "code3", "cost"]);
  });

  it("is refused in one line for what is not there, or no number", async () => {
    await expect(fitCsv(server.url, { table: "odd", target: "y", features: ["d"] })).rejects.toThrow(
      'column "d": expected a number, found "Infinity"',
    );
    await expect(fitCsv(server.url, {})).rejects.toMatchObject({
      message: `${server.url} has 2 tables: name one with \`table\``,
      hint: "they are odd, t; or give a query with `sql`",
    });
    await expect(fitCsv(server.url, { sql: "SELECT absent FROM t" })).rejects.toThrow(
      'column "absent" does not exist',
    );
    await expect(fitCsv(server.url, { sql: "SELECT 1 / (i - 25000) AS y, i FROM t" })).rejects.toThrow(
      "division by zero",
    );
    await expect(fitCsv(server.url, { sql: "DELETE FROM t RETURNING i" })).rejects.toThrow();
    expect(server.psql("SELECT count(*) FROM t").trim()).toBe(String(ROWS));
    await expect(fitCsv("postgres://127.0.0.1:1/none", {})).rejects.toMatchObject({
      kind: "data",
      hint: "check host and port, and that the server runs",
    });
  });

  it("has a row for each of the server's, and columns by the server's names, or none", async () => {
    const { model } = await fitCsv(server.url, { table: "t", target: "y", features: ["gap"] });
    const sql = "SELECT gap FROM t WHERE i < 50 ORDER BY i";
    const { predictCsv } = await import("../../../src/prediction/predict-csv.js");
    const output = join(folder, "gap.out");
    const { rows } = await predictCsv(model, server.url, { sql, output });
    const lines = readFileSync(output, "utf8").trim().split("\n");
    expect([rows, lines.length]).toEqual([50, 51]);
    // i % 11 is 3 where gap is NULL.
    for (const i of [3, 14, 25, 36, 47]) expect(lines[i + 1]).toBe("NA");
    expect(lines.filter((line) => line === "NA")).toHaveLength(5);
    const named = (name: string) =>
      fitCsv(server.url, {
        sql: `SELECT i AS "${name.replaceAll('"', '""')}", tiny AS x, y FROM t`,
        target: "y",
      });
    await expect(named("#i")).rejects.toThrow("cannot stand in the header of a CSV");
    expect((await named('a "b",\n c')).model.terms).toEqual(['a "b",\n c', "x"]);
  });

  it("asks for a password where there is none, and never says one", async () => {
    delete process.env.PGPASSWORD;
    const url = new URL(server.url);
    url.password = "not the one";
    const wrong = fitCsv(url.href, { table: "t", target: "y" });
    await expect(wrong).rejects.toMatchObject({ hint: "give the password as PGPASSWORD or in ~/.pgpass" });
    await expect(wrong).rejects.not.toThrow("not%20the");
    url.password = PASSWORD;
    const { model } = await fitCsv(url.href, { table: "t", target: "y", features: ["i"] });
    expect(JSON.stringify(model)).not.toContain("gehe");
    process.env.PGPASSWORD = PASSWORD;
  });

  it("is named on the command line by --table or --sql, predicted, and ended at once", async () => {
    await expectSamePredictions(folder, server.url);
    const stop = new AbortController();
    const waiting = fitCsv(server.url, {
      sql: "SELECT random() AS y, pg_sleep(60) IS NULL AS x FROM t",
      target: "y",
      signal: stop.signal,
    });
    setTimeout(() => stop.abort(), 300);
    await expect(waiting).rejects.toMatchObject({ name: "InterruptedError" });
  });
});
