import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { DOMParser } from "@xmldom/xmldom";
import * as esbuild from "esbuild";
import fc from "fast-check";
import sqlite from "node-sqlite3-wasm";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import {
  fitCsv,
  LinearModel,
  ModelError,
  toOnnx,
  toPmml,
  toSql,
  toTerms,
  toTypeScript,
} from "../../src/index.js";
import { inFolder } from "../cli/goml.js";
import { type Example, firstDifference, rowsOf } from "./models.js";

// Names and levels that would end a string, a comment, an element or a statement, and go on as a program.
const PAYLOADS = [
  '"]; globalThis.pwned = 1; //',
  "'; DROP TABLE t; --",
  "*/ globalThis.pwned = 1 /*",
  "$" + "{globalThis.pwned = 1}",
  "`;globalThis.pwned=1;`",
  "\\",
  '\\"',
  "\\'; --",
  "a\nglobalThis.pwned = 1",
  "a\r\nDROP TABLE t; --",
  "\u2028globalThis.pwned=1//",
  "\u202eevil\u2066",
  "]]><x/><![CDATA[",
  "<!--",
  "-->",
  "&lt;&#0;%x;",
  '" onload="x',
  "</PMML>",
  "__proto__",
  "constructor",
  "toString",
  "1]); globalThis.pwned = 1; new Map([[1",
  "0) OR 1=1 --",
  "$" + "{1+1}",
  "\t",
  "\u0085next\u009b31m",
  "\ud83d\ude00",
  "prediction",
  "X",
];

const hostile = fc.oneof(
  fc.constantFrom(...PAYLOADS),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ unit: "grapheme", maxLength: 6 }).map((text) => `"'${text}\\`),
);
/** What a CSV's cell can be, and is not taken for a missing value or trimmed. */
const word = hostile
  .map((text) => text.normalize("NFC").replaceAll("\0", ""))
  .filter(
    (text) =>
      text.trim() === text && /\D/.test(text) && !/^(NA|NaN|null|none|n\/a|[?.#-].*|\\N)$/i.test(text),
  );

/** A model whose columns and levels have these names, and the rows that it was fitted on. */
async function modelOf(names: readonly string[], levels: readonly string[]): Promise<Example> {
  const [x, g, y] = names as [string, string, string];
  const n = 24;
  const rows = {
    [x]: Array.from({ length: n }, (_, r) => ((r * 7) % 11) / 2),
    [g]: Array.from({ length: n }, (_, r) => levels[r % levels.length]!),
    [y]: Array.from({ length: n }, (_, r) => ((r * 5) % 13) + r / 10),
  };
  const always = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
  const lines = Array.from({ length: n }, (_, r) =>
    [rows[x]![r], always(String(rows[g]![r])), rows[y]![r]].join(),
  );
  const csv = `${names.map(always).join()}\n${lines.join("\n")}\n`;
  return inFolder({}, async (folder) => {
    const path = join(folder, "d.csv");
    writeFileSync(path, csv);
    const { model } = await fitCsv(path, { target: y, text: [g], delimiter: ",", threads: 1, folds: 1 });
    return { formula: JSON.stringify(names), model, rows };
  });
}

test("no name and no level is anything but a name and a level in what is exported", async () => {
  const duckdb = await DuckDBInstance.create(":memory:");
  const connection = await duckdb.connect();
  let exported = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(word, { minLength: 3, maxLength: 3, selector: (name) => name.toLowerCase() }),
      fc.uniqueArray(word, { minLength: 2, maxLength: 4 }),
      async (names, levels) => {
        let example: Example;
        try {
          example = await modelOf(names, levels);
        } catch (error) {
          // Names that a CSV cannot have, and columns that are no factors.
          expect(error).toHaveProperty("words");
          return;
        }
        const { model, rows } = example;
        const n = rowsOf(rows).length;
        exported++;

        // TypeScript: esbuild parses it, and importing it does nothing but define a function.
        const source = toTypeScript(model);
        const { code } = await esbuild.transform(source, { loader: "ts", format: "esm" });
        const module = await import(`data:text/javascript,${encodeURIComponent(code)}`);
        expect(Object.keys(module)).toEqual(["predict"]);
        expect(globalThis).not.toHaveProperty("pwned");
        expect(firstDifference(example, rowsOf(rows).map(module.predict), 1e-13)).toBeUndefined();

        // SQL: both databases take it for one expression.
        const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
        const columns = Object.keys(rows);
        const create = `CREATE TABLE t (${columns.map((name) => `${quote(name)} ${typeof rows[name]![0] === "string" ? "VARCHAR" : "DOUBLE PRECISION"}`).join()})`;
        const literal = (cell: unknown) =>
          typeof cell === "number" ? String(cell) : `'${String(cell).replaceAll("'", "''")}'`;
        const inserts = `INSERT INTO t VALUES ${rowsOf(rows)
          .map((row) => `(${columns.map((name) => literal(row[name])).join()})`)
          .join()}`;
        const database = new sqlite.Database();
        try {
          database.exec(create);
          database.exec(inserts);
          const found = database.all(`SELECT (${toSql(model)}) AS p FROM t ORDER BY rowid`);
          expect(
            firstDifference(
              example,
              found.map((row) => (row as { p: number }).p),
              1e-13,
            ),
          ).toBeUndefined();
        } finally {
          database.close();
        }
        await connection.run("DROP TABLE IF EXISTS t");
        await connection.run(create);
        await connection.run(inserts);
        const reader = await connection.runAndReadAll(`SELECT (${toSql(model)}) AS p FROM t`);
        expect(reader.currentRowCount).toBe(n);

        // XML: the parser finds the names as they are, or the export was refused.
        try {
          const document = new DOMParser({
            onError: (level, message) => {
              throw new Error(`${level}: ${message}`);
            },
          }).parseFromString(toPmml(model), "text/xml");
          const fields = [...document.getElementsByTagName("DataField")].map((field) =>
            field.getAttribute("name"),
          );
          for (const name of [
            ...model.spec.numeric.filter((name) => name !== model.target),
            ...model.spec.text,
          ])
            expect(fields).toContain(name);
          const values = [...document.getElementsByTagName("Value")].map((value) =>
            value.getAttribute("value"),
          );
          if (model.spec.text.length > 0) for (const level of levels) expect(values).toContain(level);
        } catch (error) {
          if (!(error instanceof ModelError)) throw error;
        }

        expect(JSON.parse(JSON.stringify(toTerms(model)))).toEqual(toTerms(model));
        const session = await ort.InferenceSession.create(toOnnx(model));
        expect(session.outputNames).toHaveLength(1);
        await session.release();
      },
    ),
    { numRuns: process.env.GOML_LONG ? 2000 : 40 },
  );
  expect(exported).toBeGreaterThan(10);
  connection.closeSync();
  duckdb.closeSync();
}, 600_000);

test("a model document with hostile strings anywhere is refused, or exported without running them", async () => {
  const csv = `a,g,y\n${Array.from({ length: 30 }, (_, r) => `${r % 5},${r % 3},${(r * 7) % 11}`).join("\n")}\n`;
  const { model } = await inFolder({ "d.csv": csv }, (folder) =>
    fitCsv(join(folder, "d.csv"), { formula: "y ~ a + factor(g)", threads: 1, folds: 1 }),
  );
  const text = JSON.stringify(model);
  const strings: (string | number)[][] = [];
  const walk = (value: unknown, path: (string | number)[]): void => {
    if (typeof value === "string") strings.push(path);
    else if (typeof value === "object" && value !== null)
      for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
  };
  walk(JSON.parse(text), []);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...strings),
      hostile,
      fc.boolean(),
      async (path, payload, everywhere) => {
        const document = JSON.parse(text);
        const holder = path.slice(0, -1).reduce((at, key) => at[key], document);
        const before = holder[path.at(-1)!];
        // As a forger would: the name changed wherever it stands, which the checks of one place do not notice.
        const changed = everywhere
          ? JSON.parse(text.replaceAll(JSON.stringify(before), () => JSON.stringify(payload)))
          : document;
        if (!everywhere) holder[path.at(-1)!] = payload;
        let loaded: LinearModel;
        try {
          loaded = LinearModel.fromJSON(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError);
          return;
        }
        for (const write of [toTypeScript, toSql, toPmml, toOnnx, toTerms]) {
          let written: unknown;
          try {
            written = write(loaded);
          } catch (error) {
            expect(error).toBeInstanceOf(ModelError);
            continue;
          }
          if (write !== toTypeScript) continue;
          const { code } = await esbuild.transform(written as string, { loader: "ts", format: "esm" });
          const module = await import(`data:text/javascript,${encodeURIComponent(code)}`);
          expect(Object.keys(module)).toEqual(["predict"]);
          expect(globalThis).not.toHaveProperty("pwned");
        }
      },
    ),
    { numRuns: process.env.GOML_LONG ? 5000 : 150 },
  );
});
