import { describe, expect, it } from "vitest";
import { goml, inFolder } from "../cli/goml.js";
import { inCase, json, predictJson } from "./in-case.js";

describe("rows in which an expression has no value", () => {
  it("are left out, counted, and told with file, line and cause", () =>
    inCase("log-of-zero", async (folder) => {
      // d <- read.csv("lg.csv"); d <- d[d$x > 0 & d$y > 0, ]; lm(log(y) ~ log(x), d)
      const { coefficients, data, notes } = await json(folder, [
        "train",
        "lg.csv",
        "--formula",
        "log(y) ~ log(x)",
      ]);
      expect(coefficients.map((one: { estimate: number }) => one.estimate)).toEqual([
        expect.closeTo(-0.0371572247763222, 13),
        expect.closeTo(0.5252789888250184, 13),
      ]);
      expect(data).toMatchObject({ rows: 30, dropped: 4, undefinedRows: 4 });
      expect(notes).toEqual([
        "log(x) has no value in 3 rows, which are left out: the first is lg.csv:5, where x is 0",
        "log(y) has no value in 1 row, which is left out: lg.csv:7, where y is 0",
      ]);
      for (const command of ["train lg.csv --formula log(y)~log(x)", "inspect model.json"])
        expect((await goml(folder, command.split(" "))).stdout).toContain(
          "26 of 30 rows used, 0 dropped for missing cells, 4 where an expression has no value",
        );
      expect((await goml(folder, ["evaluate", "lg.csv"])).stdout).toContain(
        "26 of 30 rows, 4 dropped for missing cells or values",
      );
      expect(
        (await goml(folder, ["train", "lg.csv", "--formula", "y ~ log(x)", "--na", "fail"])).stderr,
      ).toBe(
        "goml: lg.csv:5: log(x) has no value in this row: x is 0\n" +
          "hint: rows with missing cells are dropped with --na omit\n",
      );
    }));

  it("are found in the file and on the line where they stand, in files of several and with quotes", () =>
    inFolder(
      {
        "a.csv": 'g,x,y\n"a\nb",1,2\na,2,3\nb,3,5\n',
        "b.csv": 'x,y,g\n\n4,6,a\n5,8,"a\nb"\n-1,2,a\n6,9,b\n7,9,a\n',
      },
      async (folder) => {
        const { notes } = await json(folder, ["train", "a.csv", "b.csv", "--formula", "y ~ sqrt(x)"]);
        expect(notes).toEqual(["sqrt(x) has no value in 1 row, which is left out: b.csv:6, where x is -1"]);
      },
    ));

  it("are told by update, by groups and of standard input, by their row", () =>
    inCase("log-of-zero", async (folder) => {
      const rows = "x,y\n1,2\n0,3\n4,5\n";
      await goml(folder, ["train", "lg.csv", "--formula", "y ~ log(x)", "-q"]);
      const note = "log(x) has no value in 1 row, which is left out: standard input, row 2, where x is 0";
      const { notes, data } = await json(folder, ["update", "model.json", "-"], rows);
      expect(notes).toEqual([note]);
      expect(data).toMatchObject({ rows: 33, dropped: 4, undefinedRows: 4 });
    }));

  it("all of them are an error that says which expression", () =>
    inFolder({ "d.csv": "x,y\n0,1\n-1,2\n,3\n" }, async (folder) => {
      const { code, stderr } = await goml(folder, ["train", "d.csv", "--formula", "y ~ log(x)"]);
      expect(code).toBe(3);
      expect(stderr).toMatch(/of 3, 1 have a missing cell in a column used, and in 2 log\(x\) has no value/);
    }));
});

/** x, y and whole weights that do not average 1. */
const weighted = `x,y,w\n${Array.from(
  { length: 60 },
  (_, i) => `${(i * 37) % 60},${2 * ((i * 37) % 60) + ((i * 13) % 11)},${1 + (i % 5)}`,
).join("\n")}\n`;

describe("a weighted fit's errors", () => {
  it("are on one scale in train, cv, evaluate and predict, and criteria have one name each", () =>
    inFolder({ "w.csv": weighted }, async (folder) => {
      const { fit, cv } = await json(folder, ["train", "w.csv", "-t", "y", "-f", "x", "--weights", "w"]);
      const { metrics } = await json(folder, ["evaluate", "w.csv"]);
      const close = (value: number) => expect.closeTo(value, 9);
      const { mse, rmse, aicExtract } = fit;
      expect(metrics).toMatchObject({ mse: close(mse), rmse: close(rmse), aicExtract: close(aicExtract) });
      for (const machine of [[], ["--machine", "tape"]])
        expect((await predictJson(folder, "w.csv", ...machine)).metrics).toMatchObject({ mse: close(mse) });
      expect(cv.rmse / rmse).toBeGreaterThan(1);
      expect(cv.rmse / rmse).toBeLessThan(1.1);
      for (const command of [
        ["evaluate", "w.csv"],
        ["predict", "w.csv", "-o", "out.csv"],
        ["train", "w.csv", "--test-size", "0.3"],
      ]) {
        const { stdout, stderr } = await goml(folder, command);
        const text = stdout + stderr;
        expect(text).toContain("extractAIC");
        if (command[0] !== "train") expect(text).not.toMatch(/\bAIC\b/);
      }
    }));
});

describe("rows of weight 0", () => {
  it("are counted as such, and are not said to have missing cells", () =>
    inFolder(
      {
        "w.csv": `x,y,w\n${Array.from({ length: 50 }, (_, i) => `${i === 7 ? "" : i},${2 * i + ((i * 7) % 11)},${i % 3}\n`).join("")}`,
      },
      async (folder) => {
        const args = ["train", "w.csv", "-t", "y", "-f", "x", "--weights", "w"];
        const text = async (...words: string[]) => (await goml(folder, words)).stdout;
        // Row 7 has weight 1: 17 of 50 weights are 0.
        expect(await text(...args)).toContain(
          "32 of 50 rows used, 1 dropped for missing cells, 17 of weight 0\n",
        );
        expect(await text("inspect", "model.json")).toContain(
          "1 dropped for missing cells, 17 of weight 0\n",
        );
        expect(await text("evaluate", "w.csv")).toContain(
          "32 of 50 rows, 18 dropped for missing cells or weight 0\n",
        );
        expect(await text(...args.slice(0, -2))).toContain(
          "49 of 50 rows used, 1 dropped for missing cells\n",
        );
      },
    ));
});

describe("cross-validation in as many folds as there are rows", () => {
  it("leaves one out: the squares are those of the leverages", () =>
    inFolder({ "w.csv": weighted }, async (folder) => {
      const of = ["w.csv", "-t", "y", "-f", "x"];
      for (const more of [[], ["--weights", "w"]]) {
        await goml(folder, ["train", ...of, ...more, "-q"]);
        await goml(folder, ["diagnose", "w.csv", "-o", "rows.csv", "-q"]);
        const { readFileSync } = await import("node:fs");
        const rows = readFileSync(`${folder}/rows.csv`, "utf8").trim().split("\n").slice(1);
        // The closed form: e/(1 − h) is the error of the row by the fit without it.
        const squares = rows.map((row, i) => {
          const [, , residual, leverage] = row.split(",").map(Number);
          return (more.length > 0 ? 1 + (i % 5) : 1) * (residual! / (1 - leverage!)) ** 2;
        });
        const mean = squares.reduce((sum, one) => sum + one, 0) / squares.length;
        for (const folds of ["60", "300"]) {
          const { cv, folds: each } = await json(folder, ["cv", ...of, ...more, "--folds", folds]);
          expect(each).toHaveLength(60);
          expect(cv.mse).toBeCloseTo(mean, 9);
        }
      }
      const { stdout } = await goml(folder, ["cv", "-", ...of.slice(1), "--folds", "60"], weighted);
      expect(stdout).toContain("y on 1 term, each of 60 rows left out by itself");
      expect((await goml(folder, ["cv", ...of, "--folds", "30"])).stdout).toContain("folds, seed 1");
    }));

  it("passes over rows that are left out, and needs no more of absorbed effects than of others", () =>
    inCase("log-of-zero", async (folder) => {
      // d <- read.csv("lg.csv"); d <- d[d$x > 0 & d$y > 0, ]; m <- lm(log(y) ~ log(x), d)
      // sqrt(mean((resid(m) / (1 - hatvalues(m)))^2))
      const { cv } = await json(folder, ["cv", "lg.csv", "--formula", "log(y) ~ log(x)", "--folds", "26"]);
      expect(cv.rmse).toBeCloseTo(0.10534932, 8);
    }));
});

describe("columns that are named in vain", () => {
  it("are told: a target among the features, and features beside a formula without a dot", () =>
    inFolder({ "d.csv": "x,z,y\n1,3,2\n2,1,3\n4,2,5\n5,5,5\n" }, async (folder) => {
      const notes = async (...args: string[]) => (await json(folder, ["train", "d.csv", ...args])).notes;
      expect(await notes("-t", "y", "-f", "x,y")).toEqual(["left out: y, it is what is predicted"]);
      expect(await notes("-t", "y,z", "-f", "x,z")).toContain("left out: z, it is what is predicted");
      expect(await notes("--formula", "y ~ .", "-x", "z")).toEqual([]);
      for (const vain of ["-f", "-x"])
        expect(await notes("--formula", "y ~ x", vain, "z")).toEqual([
          "columns are chosen for the . of a formula, and this one has none: the choice has no part in it",
        ]);
    }));
});
