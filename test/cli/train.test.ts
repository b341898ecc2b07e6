import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readModel } from "../../src/linear/model/model-file.js";
import { version } from "../../src/version.js";
import { goml, inFolder } from "./goml.js";

/** Runs `goml train boston.csv` with more arguments. */
const train = (...args: string[]) =>
  inFolder({}, async (folder) => {
    copyFileSync("data/boston.csv", join(folder, "boston.csv"));
    const run = await goml(folder, ["train", "boston.csv", ...args]);
    const model = run.left.includes("model.json") ? await readModel(join(folder, "model.json")) : undefined;
    return { ...run, model };
  });

test("the summary of Boston Housing", async () => {
  const { code, stdout, stderr, left } = await train();
  expect({ code, stderr, left }).toEqual({ code: 0, stderr: "", left: ["boston.csv", "model.json"] });
  expect(stdout.replace(/^read .*$/m, "read …")).toMatchSnapshot();
  expect(stdout).toMatch(/^read [0-9.]+ m?s, solve [0-9.]+ m?s, total [0-9.]+ m?s, 1 thread$/m);
});

test.each([
  ["instruments", ["--formula", "medv ~ rm | 0 | lstat ~ age + dis"], 4, "estimated with instruments"],
  ["frequencies", ["--weights", "rad", "--weights-kind", "frequency"], 4, "stand for several"],
  ["a shard", ["--shard", "1/2"], 2, "--report shows all rows of the data"],
])("--report of %s is refused before anything is written", async (_, how, code, message) => {
  const run = await train(...how, "--report", "page.html");
  expect(run).toMatchObject({ code, stdout: "", left: ["boston.csv"] });
  expect(run.stderr).toContain(message);
});

describe("--json prints one document, whose names scripts rely on", () => {
  test("and R's numbers, in full", async () => {
    const { stdout, stderr, model } = await train("--json");
    expect(stderr).toBe("");
    const document = JSON.parse(stdout);
    expect(Object.keys(document)).toEqual(
      expect.arrayContaining(["goml", "command", "data", "model", "coefficients", "fit", "timing"]),
    );
    expect(document).toMatchObject({
      goml: version,
      command: "train",
      data: { path: "boston.csv", rows: 506, dropped: 0 },
      model: {
        path: "model.json",
        target: "medv",
        intercept: true,
        solver: "extended",
        rank: 14,
        aliased: [],
        conditionNumber: expect.closeTo(12.3, 0),
      },
      timing: {
        totalMs: expect.any(Number),
        scanMs: expect.any(Number),
        solveMs: expect.any(Number),
        threads: 1,
      },
    });
    expect(document.model.terms).toEqual(model!.terms);
    expect(document.coefficients.map((row: { term: string }) => row.term)).toEqual(model!.coefficientNames);
    expect(Object.keys(document.coefficients[0])).toEqual([
      "term",
      "estimate",
      "stdError",
      "t",
      "p",
      "lower",
      "upper",
    ]);
    expect(Object.keys(document.fit)).toEqual(
      expect.arrayContaining(
        "n dfResidual rss mse rmse sigma r2 adjR2 f fP logLik aic aicExtract bic".split(" "),
      ),
    );
    // R 4.2.2: AIC(lm(medv ~ ., Boston)). JSON carries all digits.
    expect(document.fit.aic).toBeCloseTo(3027.60859407555, 9);
    expect(document.coefficients[0].estimate).toBe(model!.coefficients[0]);
    expect(document.test).toBeUndefined();
  });

  test("with the held-out rows under test", async () => {
    const { stdout, model } = await train("--json", "--test-size", "0.2", "--seed", "1");
    const { test: held, fit, data } = JSON.parse(stdout);
    expect(Object.keys(held).sort()).toEqual(["aicExtract", "mae", "mse", "n", "r2", "rmse"]);
    expect([held.n, fit.n, data.rows, model!.n]).toEqual([112, 394, 506, 394]);
    const again = await train("--json", "--test-size", "0.2", "--seed", "1", "--threads", "1");
    expect(JSON.parse(again.stdout).test).toEqual(held);
  });
});

describe("options", () => {
  test("-t, -f and -x choose columns by name", async () => {
    const { model } = await train("-t", "rm", "-f", "lstat,medv,age", "-q");
    expect(model).toMatchObject({ target: "rm", terms: ["lstat", "medv", "age"] });
    const { model: without } = await train("-x", "rm,age", "-q");
    expect(without!.terms).not.toContain("rm");
    expect(without!.terms.length).toBe(11);
  });

  test("a column that is not there is refused with the nearest name", async () => {
    expect(await train("-t", "mdev")).toMatchObject({
      code: 2,
      stderr: 'goml: boston.csv has no column "mdev"\nhint: did you mean "medv"?\n',
      left: ["boston.csv"],
    });
  });

  test("-q prints nothing, -m names the model, --no-intercept fits through the origin", async () => {
    const { stdout, stderr, left } = await train("-q", "-m", "other.json", "--no-intercept");
    expect([stdout, stderr, left]).toEqual(["", "", ["boston.csv", "other.json"]]);
    const { stdout: text } = await train("--no-intercept");
    expect(text).toContain("medv on 13 terms, without intercept");
    expect(text).not.toContain("(Intercept)");
  });

  test("--strict refuses dependent terms with exit code 4, without it they are named", () =>
    inFolder({ "d.csv": "a,b,y\n1,2,1\n2,4,2\n3,6,4\n4,8,3\n" }, async (folder) => {
      expect(await goml(folder, ["train", "d.csv", "--strict"])).toMatchObject({
        code: 4,
        stderr: expect.stringMatching(/depend linearly on terms before them: b\nhint: /),
        left: ["d.csv"],
      });
      const { stdout, code } = await goml(folder, ["train", "d.csv"]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^b +NA +NA +NA +NA +NA +NA$/m);
      expect(stdout).toContain("linearly dependent on terms before them, left out: b");
    }));

  test("rows with missing cells are dropped and counted, or refused by --na fail", () =>
    inFolder({ "d.csv": "a,b,y\n1,2,1\nNA,4,2\n3,1,4\n4,8,\n5,5,5\n6,1,7\n" }, async (folder) => {
      const { stdout } = await goml(folder, ["train", "d.csv"]);
      expect(stdout).toContain("4 of 6 rows used, 2 dropped for missing cells");
      expect(await goml(folder, ["train", "d.csv", "--na", "fail", "-m", "other.json"])).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(/^goml: d\.csv:3: column "a": .*NA/),
        left: ["d.csv", "model.json"],
      });
    }));

  test("data come from standard input as -", () =>
    inFolder({}, async (folder) => {
      const { stdout } = await goml(folder, ["train", "-", "--json"], readFileSync("data/boston.csv"));
      const piped = JSON.parse(stdout);
      const { stdout: fromFile } = await train("--json");
      const { coefficients, fit } = JSON.parse(fromFile);
      expect(piped).toMatchObject({ coefficients, fit });
    }));
});
