import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { levelsOf } from "../../../src/csv/levels.js";
import type { ReadingOptions } from "../../../src/csv/reading-options.js";
import { readTables, withSources } from "../../../src/sources/tables.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { inDuckdb } from "../duckdb.js";

const folder = mkdtempSync(join(tmpdir(), "goml-types-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string) => join(folder, name);

/** All values of a file's columns, as numbers or as texts, by what the table takes them for. */
async function valuesOf(path: string, options: ReadingOptions = {}) {
  return withSources(path, undefined, async (sources) => {
    const table = await readTables(sources, options);
    const numeric = table.columns.flatMap(({ kind }, at) => (kind === "numeric" ? [at] : []));
    const factors = table.columns.flatMap(({ kind }, at) => (kind === "text" ? [at] : []));
    const choice = { numeric, factors };
    const levels = levelsOf(table, choice);
    const found: Record<string, unknown[]> = {};
    for await (const block of table.typed!.blocks(choice, levels)) {
      block.numeric.forEach((column, j) => {
        found[table.columns[numeric[j]!]!.name] = [
          ...(found[table.columns[numeric[j]!]!.name] ?? []),
          ...column,
        ];
      });
      block.codes.forEach((column, j) => {
        const texts = [...column].map((code) => (code < 0 ? null : levels[j]!.names[code]!));
        found[table.columns[factors[j]!]!.name] = [
          ...(found[table.columns[factors[j]!]!.name] ?? []),
          ...texts,
        ];
      });
    }
    return { found, table };
  });
}

async function write(name: string, select: string): Promise<string> {
  await inDuckdb(`COPY (${select}) TO '${file(name)}' (FORMAT parquet)`);
  return file(name);
}

describe("values of Parquet's types", () => {
  it("are exact numbers, or texts", async () => {
    const path = await write(
      "kinds.parquet",
      `SELECT
        (-128)::TINYINT AS tiny, 255::UTINYINT AS utiny, (-32768)::SMALLINT AS small, 4294967295::UINTEGER AS uint,
        (-9007199254740993)::BIGINT + 2 AS big, 9007199254740991::UBIGINT AS ubig, 1152921504606846976::BIGINT AS power,
        0.1::FLOAT AS float, 0.1::DOUBLE AS double, 1234567.89::DECIMAL(9, 2) AS dec9, (-0.07)::DECIMAL(18, 4) AS dec18,
        12345678901.5::DECIMAL(38, 10) AS dec38,
        true AS yes, 'a ''b'' ü' AS text, DATE '1969-07-20' AS date, TIMESTAMP '1969-07-20 20:17:40.5' AS stamp,
        TIMESTAMP_NS '2024-02-29 00:00:00.000000001' AS nano, TIMESTAMP_S '2024-02-29 12:00:00' AS second,
        TIME '23:59:59.25' AS time, '5f2b5a52-9fd6-4a4a-8d1e-7ac1b7f1b8d0'::UUID AS uuid,
        {a: 1.5::DOUBLE, b: {c: 'x'}} AS part`,
    );
    const { found, table } = await valuesOf(path);
    expect(Object.fromEntries(Object.entries(found).map(([name, values]) => [name, values[0]]))).toEqual({
      tiny: -128,
      utiny: 255,
      small: -32768,
      uint: 4294967295,
      big: -9007199254740991,
      ubig: 9007199254740991,
      power: 2 ** 60,
      float: Math.fround(0.1),
      double: 0.1,
      dec9: 1234567.89,
      dec18: -0.07,
      // 123456789015000000000 / 10^10: what is beyond 2^53 are zeros.
      dec38: 12345678901.5,
      yes: "true",
      text: "a 'b' ü",
      date: "1969-07-20",
      stamp: "1969-07-20 20:17:40.5",
      nano: "2024-02-29 00:00:00.000000001",
      second: "2024-02-29 12:00:00",
      time: "23:59:59.25",
      uuid: "5f2b5a52-9fd6-4a4a-8d1e-7ac1b7f1b8d0",
      "part.a": 1.5,
      "part.b.c": "x",
    });
    expect(table.columns.filter(({ dates }) => dates).map(({ name, dates }) => [name, dates])).toEqual([
      ["date", "date"],
      ["stamp", "date"],
      ["nano", "date"],
      ["second", "date"],
      ["time", "time"],
    ]);
    expect(table.columnNotes).toEqual([
      "decimals are read as the doubles nearest to them: dec9, dec18, dec38",
    ]);
  });

  it("that a double does not hold are refused, with file, row and column, and are exact as text", async () => {
    const path = await write(
      "long.parquet",
      `SELECT i::DOUBLE AS y, i % 3 AS x, CASE WHEN i = 6 THEN 9007199254740993 ELSE i END AS n,
        CASE WHEN i = 4 THEN 12345678901234567.89 ELSE i END::DECIMAL(38, 2) AS d FROM range(1, 9) r(i)`,
    );
    const fitted = (options: object) => fitCsv(path, { target: "y", ...options });
    await expect(fitted({ features: ["x", "n"] })).rejects.toMatchObject({
      message: `${path}: row 6: column "n": 9007199254740993 has more digits than a double`,
      place: { file: path, row: 5, column: "n", cell: "9007199254740993" },
      kind: "data",
    });
    await expect(fitted({ features: ["d"] })).rejects.toMatchObject({ place: { row: 3, column: "d" } });
    const { found } = await valuesOf(path, { text: ["n", "d"] });
    expect(found.n![5]).toBe("9007199254740993");
    expect(found.d![3]).toBe("12345678901234567.89");
    expect((await fitted({ features: ["x"] })).rows).toBe(8);
  });

  it("infinity is refused as in CSV, NaN and NULL are missing", async () => {
    const select = (value: string) =>
      `SELECT i::DOUBLE AS y, CASE WHEN i = 3 THEN ${value} ELSE i * i END::DOUBLE AS x FROM range(1, 9) r(i)`;
    const path = await write("infinite.parquet", select("'-inf'::DOUBLE"));
    await expect(fitCsv(path)).rejects.toThrow(
      `${path}: row 3: column "x": expected a finite number, found -Infinity`,
    );
    for (const value of ["'nan'::DOUBLE", "NULL"]) {
      const { rows, dropped } = await fitCsv(await write("missing.parquet", select(value)), { target: "y" });
      expect({ rows, dropped }).toEqual({ rows: 8, dropped: 1 });
      await expect(fitCsv(file("missing.parquet"), { target: "y", na: "fail" })).rejects.toThrow(
        `${file("missing.parquet")}: row 3: column "x": expected a number, found none`,
      );
    }
  });

  it("of a weight below 0, and of a level that a date should be, are refused with their row in their file", async () => {
    const one = await write(
      "one.parquet",
      "SELECT i::DOUBLE AS y, i % 3 AS x, 1 AS w, 'a' AS t FROM range(9) r(i)",
    );
    const two = await write(
      "two.parquet",
      "SELECT i % 3 AS x, CASE WHEN i = 4 THEN -1 ELSE 1 END AS w, i::DOUBLE AS y, 'a' AS t FROM range(9) r(i)",
    );
    await expect(fitCsv([one, two], { target: "y", features: ["x"], weights: "w" })).rejects.toThrow(
      `${two}: row 5: expected a weight of 0 or more, found -1`,
    );
    await expect(fitCsv([one, two], { formula: "y ~ as.Date(t)" })).rejects.toThrow(
      `${one}: row 1: column "t": expected a date`,
    );
  });

  it("that text is are numbers only where a model knows them so", async () => {
    const text = await write("text.parquet", "SELECT i::DOUBLE AS y, i::VARCHAR AS x FROM range(30) r(i)");
    const numbers = await write("numbers.parquet", "SELECT i::DOUBLE AS y, i AS x FROM range(30) r(i)");
    expect((await valuesOf(text)).table.columns[1]).toEqual({ name: "x", kind: "text", numberToo: "0" });
    const { model } = await fitCsv(numbers, { target: "y" });
    const { evaluateCsv } = await import("../../../src/prediction/evaluate-csv.js");
    expect((await evaluateCsv(model, text)).metrics.rmse).toBeLessThan(1e-10);
    const words = await write("words.parquet", "SELECT i::DOUBLE AS y, 'n' || i AS x FROM range(30) r(i)");
    await expect(evaluateCsv(model, words)).rejects.toThrow(
      'row 1: column "x": expected a number, found "n0"',
    );
  });

  it("without any, and files without rows, are known as such", async () => {
    const path = await write(
      "empty.parquet",
      "SELECT i::DOUBLE AS y, i % 3 AS x, NULL::DOUBLE AS nothing FROM range(30) r(i)",
    );
    const { notes } = await fitCsv(path, { target: "y" });
    expect(notes).toContain("left out: nothing, it holds no values");
    const none = await write("none.parquet", "SELECT 1.5 AS y, 2 AS x WHERE false");
    await expect(fitCsv(none)).rejects.toThrow(`${none}: the file has 2 columns and no rows`);
  });

  it("in lists and maps are no columns, which is said", async () => {
    const path = await write(
      "nested.parquet",
      "SELECT i::DOUBLE AS y, i % 3 AS x, [i] AS l, MAP {'a': i} AS m, [{a: i}] AS s FROM range(30) r(i)",
    );
    const { notes } = await fitCsv(path, { target: "y" });
    expect(notes).toEqual([
      "left out: l, it is a list",
      "left out: m, it is a map",
      "left out: s, it is a list",
    ]);
  });
});
