import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inDuckdb } from "../sources/duckdb.js";
import { goml, inFolder } from "./goml.js";

describe("goml sql", () => {
  test("prints a query of a sample, and makes of its answer the model that the CSV gives", () =>
    inFolder({}, async (folder) => {
      copyFileSync("data/boston.csv", join(folder, "boston.csv"));
      const printed = await goml(folder, [
        "sql",
        "print",
        "boston.csv",
        "--dialect",
        "duckdb",
        "--table",
        "b",
        "-t",
        "medv",
        "-o",
        "q.sql",
      ]);
      expect(printed).toMatchObject({ code: 0, stdout: "" });
      const query = readFileSync(join(folder, "q.sql"), "utf8").replace(/;\s*$/, "");
      await inDuckdb(
        `CREATE TABLE b AS SELECT * FROM '${join(folder, "boston.csv")}'`,
        `COPY (${query}\n) TO '${join(folder, "answer.csv")}' (FORMAT csv, HEADER)`,
      );
      // The tax column lies far from 0, and its answer in double is taken as it is.
      const read = await goml(folder, [
        "sql",
        "read",
        "answer.csv",
        "-m",
        "m.json",
        "--json",
        "--solver",
        "normal",
      ]);
      expect(read).toMatchObject({ code: 0, stderr: "" });
      const trained = await goml(folder, [
        "train",
        "boston.csv",
        "-t",
        "medv",
        "--folds",
        "1",
        "-m",
        "t.json",
        "--json",
      ]);
      const [found, expected] = [read, trained].map(({ stdout }) => JSON.parse(stdout));
      expect(found.command).toBe("sql");
      expect(found.fit.n).toBe(506);
      for (const [j, { term, estimate }] of expected.coefficients.entries()) {
        expect(found.coefficients[j].term).toBe(term);
        expect(found.coefficients[j].estimate / estimate).toBeCloseTo(1, 9);
      }
      const predicted = await goml(folder, ["predict", "boston.csv", "-m", "m.json"]);
      expect(predicted.stdout.split("\n").length).toBe(508);
    }));

  test("an answer that is cut leaves no model", () =>
    inFolder({ "a.csv": "goml,cells\n" }, async (folder) => {
      const { code, stdout, stderr } = await goml(folder, ["sql", "read", "a.csv"]);
      expect([code, stdout, stderr.split("\n").length]).toEqual([3, "", 3]);
      expect(stderr).toMatch(/^goml: a\.csv: the answer has a header and no rows/);
      expect(existsSync(join(folder, "model.json"))).toBe(false);
    }));

  test.each<[args: string, message: string]>([
    ["print --table t --formula y~x", "the database to write for is not said"],
    ["print --dialect spark --formula y~x", "a query is printed of a table or of another query"],
    ["print --dialect spark --table t", "what is to be summed up is not said"],
    [
      "print --dialect sqlite --table t --formula y~x --solver extended",
      "sums cannot be exact: SQLite has no integers of more than 64 bits",
    ],
    ["print --dialect spark --table t --formula y~x --folds 5", "--folds goes by a key"],
    ["print --dialect spark --table t --formula y~x --lambda path", "--lambda goes with goml sql read"],
    ["read", "missing required argument 'file.csv'"],
    ["read a.csv --formula y~x", "--formula goes with goml sql print"],
    ["read a.csv --solver extended", "--solver extended goes with goml sql print"],
    ["tell", "is invalid: expected one of print, read"],
  ])("%s: wrong usage, in one line", (args, message) =>
    inFolder({ "a.csv": "" }, async (folder) => {
      const { code, stderr } = await goml(folder, ["sql", ...args.split(" ")]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^goml: .*\n(?:hint: .*\n)?$/);
      expect(stderr).toContain(message);
    }),
  );
});
