import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import * as esbuild from "esbuild";
import fc from "fast-check";
import sqlite from "node-sqlite3-wasm";
import { beforeAll, describe, expect, test } from "vitest";
import { dateName, dateNumber } from "../../src/dataset/formula/dates.js";
import { fitCsv, type TermsDocument, toOnnx, toPmml, toSql, toTerms, toTypeScript } from "../../src/index.js";
import { DATE_FUNCTIONS, dateScript } from "../../src/interchange/date-script.js";
import { dateSql } from "../../src/interchange/date-sql.js";
import { inFolder } from "../cli/goml.js";
import type { Table } from "../dataset/formula/table.js";
import { type Example, firstDifference, rowsOf } from "./models.js";

/** Dates of two centuries in all the forms that are read, and times of day. */
function table(rows: number, seed: number): Table {
  let state = seed;
  const next = (most: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
  const two = (value: number) => String(value).padStart(2, "0");
  const days: string[] = [];
  const clocks: string[] = [];
  for (let r = 0; r < rows; r++) {
    const [y, m, d] = new Date((next(73_000) - 30_000) * 864e5)
      .toISOString()
      .slice(0, 10)
      .split("-")
      .map(Number) as [number, number, number];
    const hour = next(24);
    const date = [`${y}-${two(m)}-${two(d)}`, `${y}/${m}/${d}`, `${y}-${m}-${two(d)}`][next(3)]!;
    const time = [
      ` ${two(hour)}:${two(next(60))}`,
      `T${two(hour)}:05:59.25Z`,
      ` ${hour}:00:01 UTC`,
      `T${hour}:30+02:00`,
    ];
    days.push(date + time[next(4)]!);
    clocks.push(
      [`${hour}:05`, `${two(hour)}:59:59`, `${(hour % 12) + 1}:00 pm`, `${(hour % 12) + 1}:10 A.M.`][
        next(4)
      ]!,
    );
  }
  const x = days.map(() => next(1000) / 100);
  return { x, day: days, clock: clocks, y: x.map((value, r) => value + next(100) / 7 + (r % 5)) };
}

const FORMULAS = [
  "y ~ x + as.Date(day) + weekdays(day) + months(day):x + year(day)",
  "y ~ hour(day) * I(hour(clock)^2) + I((as.Date(day) - 19000) / 365.25) + weekdays(day):hour(clock) - 1",
  "log(y + 50) ~ months(as.Date(day)) + weekdays(day):x",
];

/** The model of a formula on 400 rows, and others to predict, some without a date. */
async function exampleOf(formula: string): Promise<Example> {
  const training = table(400, 5);
  const names = Object.keys(training);
  const lines = training.x!.map((_, r) => names.map((name) => training[name]![r]).join(","));
  const model = await inFolder({ "d.csv": `${names.join(",")}\n${lines.join("\n")}\n` }, async (folder) => {
    return (await fitCsv(join(folder, "d.csv"), { formula, threads: 1, folds: 1 })).model;
  });
  const rows = table(60, 9);
  rows.day![3] = null;
  rows.clock![4] = null;
  rows.x![5] = null;
  return { formula, model, rows };
}

const insertion = ({ day, clock, x }: Table): [number, ...(string | number | null)[]][] =>
  day!.map((text, r) => [r, text!, clock![r]!, x![r]!]);
const CREATE = 'CREATE TABLE d ("row" INTEGER, day VARCHAR, clock VARCHAR, x DOUBLE PRECISION)';

/** Runs statements and a query in each database, of which the last column of the rows is what counts. */
const databases: [name: string, (statements: string[], query: string) => Promise<unknown[]>][] = [
  [
    "SQLite",
    async (statements, query) => {
      const database = new sqlite.Database();
      try {
        for (const statement of statements) database.exec(statement);
        return database.all(query).map((row) => Object.values(row as object).at(-1));
      } finally {
        database.close();
      }
    },
  ],
  [
    "DuckDB",
    async (statements, query) => {
      const instance = await DuckDBInstance.create(":memory:");
      const connection = await instance.connect();
      try {
        for (const statement of statements) await connection.run(statement);
        return (await connection.runAndReadAll(query)).getRowsJS().map((row) => row.at(-1));
      } finally {
        connection.closeSync();
        instance.closeSync();
      }
    },
  ],
];

const literal = (value: string | number | null) =>
  value === null ? "NULL" : typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);

async function scriptOf(source: string): Promise<Record<string, (value: never) => unknown>> {
  const { code } = await esbuild.transform(source, { loader: "ts", format: "esm" });
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
}

describe("a model with terms of dates", () => {
  let examples: Example[];
  beforeAll(async () => {
    examples = await Promise.all(FORMULAS.map(exampleOf));
  });

  test.each(databases)("gives goml's predictions as SQL, in %s", async (_name, run) => {
    for (const example of examples) {
      const values = insertion(example.rows).map((row) => `(${row.map(literal).join(", ")})`);
      const statements = [CREATE, `INSERT INTO d VALUES ${values.join(", ")}`];
      const found = await run(
        statements,
        `SELECT "row", (${toSql(example.model)}) AS p FROM d ORDER BY "row"`,
      );
      expect(firstDifference(example, found as (number | null)[], 1e-13)).toBeUndefined();
    }
  });

  test("gives them as TypeScript, of texts and of Date, and compiles in the strictest mode", async () => {
    for (const example of examples) {
      const source = toTypeScript(example.model);
      const { predict } = await scriptOf(source);
      const found = rowsOf(example.rows).map((row) => predict!(row as never) as number);
      expect(firstDifference(example, found, 1e-14)).toBeUndefined();
      await inFolder({ "model.ts": source }, async (folder) => {
        writeFileSync(join(folder, "empty.d.ts"), "");
        const strict = ["--strict", "--noUnusedLocals", "--noUnusedParameters", "--noUncheckedIndexedAccess"];
        const tsc = join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");
        execFileSync(process.execPath, [
          tsc,
          ...strict,
          ...["--types", "", "--noEmit", "--target", "es2020", "--ignoreConfig", join(folder, "model.ts")],
        ]);
      });
    }
    const [{ model }] = examples as [Example];
    const { predict } = await scriptOf(toTypeScript(model));
    const at = (day: unknown) => predict!({ x: 1, day } as never);
    expect(at(new Date("2024-02-29T23:10:00Z"))).toBe(at("2024-02-29 23:10"));
    for (const none of [undefined, null, "", "yesterday", "2023-02-29", 19000]) expect(at(none)).toBeNaN();
  });

  test("gives them as a list of terms", async () => {
    for (const example of examples) {
      const document = JSON.parse(JSON.stringify(toTerms(example.model))) as TermsDocument;
      const found = rowsOf(example.rows).map((row) => byTerms(document, row));
      expect(firstDifference(example, found, 1e-13)).toBeUndefined();
    }
  });

  test("is refused with the reason where a format cannot compute it", () => {
    for (const { model } of examples) {
      expect(() => toOnnx(model)).toThrow(/^\w+.*\(.*\) is made of dates, which ONNX cannot compute$/);
      expect(() => toPmml(model)).toThrow(/is made of dates, which PMML cannot compute$/);
    }
  });
});

type Cells = Record<string, string | number | null>;

/** What the document says, read by its description alone. */
function byTerms(document: TermsDocument, row: Cells): number {
  if (document.columns.some(({ name }) => row[name] === null)) return Number.NaN;
  for (const { column, by, levels } of document.dates ?? [])
    if (!levels.includes(dateName(by, row[column] as string)!)) return Number.NaN;
  type Of = Extract<TermsDocument["terms"][number]["product"][number], { expression: unknown }>["expression"];
  const value = (of: Of): number => {
    if ("number" in of) return of.number;
    if ("column" in of) return row[of.column] as number;
    if ("among" in of) throw new Error("no term is made of texts");
    const [first, second] = of.args as [Of | { text: string }, Of];
    if ("text" in first) return dateNumber(of.call as "year", row[first.text] as string)!;
    const [a, b] = [value(first), second === undefined ? 0 : value(second)];
    return of.call === "-" ? a - b : of.call === "/" ? a / b : of.call === "^" ? a ** b : Number.NaN;
  };
  return document.terms.reduce(
    (sum, { coefficient, product }) =>
      sum +
      product.reduce((all, one) => {
        if (!("level" in one)) return all * value(one.expression) ** (one.power ?? 1);
        const name = one.by === undefined ? row[one.column] : dateName(one.by, row[one.column] as string);
        return all * Number(name === one.level);
      }, coefficient),
    document.intercept,
  );
}

/** Texts that are dates or times, and such that are nearly. */
const texts = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("2024", "1900", "2000", "0024", "1969", "204", "20244", "2O24"),
      fc.constantFrom("-", "/", ".", ""),
      fc.constantFrom("1", "2", "02", "12", "13", "00", "9", "112", "x"),
      fc.constantFrom("-", "/"),
      fc.constantFrom("1", "28", "29", "30", "31", "32", "00", "5", "05", ""),
      fc.constantFrom("", " 0:00", "T23:59:59Z", " 24:00", " 7:15", "x", " 1", " ab:00", "T"),
    )
    .map((parts) => parts.join("")),
  fc
    .tuple(
      fc.constantFrom("0", "7", "07", "12", "13", "23", "24", "x", "123"),
      fc.constantFrom(":15", ":00:30", "", ":5"),
      fc.constantFrom("", " am", "PM", " p.m.", " A.M"),
    )
    .map((parts) => parts.join("")),
  fc.constantFrom("", "NA", "Monday", "19723", "2024-W01-1"),
);

describe("functions of dates", () => {
  const calls = ["as.Date", "year", "hour", "weekdays", "months"] as const;
  const expected = (call: (typeof calls)[number], text: string) =>
    call === "weekdays" || call === "months" ? dateName(call, text) : dateNumber(call, text);

  test.each(databases)("are in %s what they are here", async (_name, run) => {
    const all = [...new Set(fc.sample(texts, { numRuns: 3000, seed: 7 }))];
    const statements = [
      "CREATE TABLE t (n INTEGER, day VARCHAR)",
      `INSERT INTO t VALUES ${all.map((text, n) => `(${n}, ${literal(text)})`).join(", ")}`,
    ];
    for (const call of calls) {
      const found = await run(statements, `SELECT n, (${dateSql(call, "day")}) AS v FROM t ORDER BY n`);
      const pairs = all.map((text, n) => [text, found[n] ?? undefined]);
      expect(pairs, call).toEqual(all.map((text) => [text, expected(call, text)]));
    }
  });

  test("are in DuckDB what they are here of dates and timestamps, too", async () => {
    const [, run] = databases[1]!;
    const statements = [
      "CREATE TABLE t AS SELECT n, DATE '1899-12-28' + CAST(n * 997 AS INTEGER) AS day FROM range(200) r(n)",
      "CREATE TABLE s AS SELECT n, CAST(day AS TIMESTAMP) + INTERVAL (n % 24) HOUR AS day FROM t",
    ];
    for (const from of ["t", "s"]) {
      const all = (await run(statements, `SELECT CAST(day AS VARCHAR) FROM ${from} ORDER BY n`)) as string[];
      for (const call of calls) {
        if (call === "hour" && from === "t") continue;
        const found = await run(statements, `SELECT (${dateSql(call, "day")}) FROM ${from} ORDER BY n`);
        expect(found).toEqual(all.map((text) => expected(call, text)));
      }
    }
  });

  test("are in TypeScript what they are here", async () => {
    const script = await scriptOf(
      `${dateScript(calls)}\nexport const all = { ${calls.map((call) => DATE_FUNCTIONS[call]).join(", ")}, dateOf };`,
    );
    const functions = script.all as unknown as Record<string, (of: unknown) => unknown>;
    fc.assert(
      fc.property(texts, fc.constantFrom(...calls), (text, call) => {
        const found = functions[DATE_FUNCTIONS[call]]!(functions.dateOf!(text));
        const none = found === "" || Number.isNaN(found);
        expect(none ? undefined : found).toBe(expected(call, text));
      }),
      { numRuns: 2000 },
    );
  });
});
