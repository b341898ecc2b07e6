import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bounds, namedNumbers } from "../../src/cli/program/option-values.js";
import { readModel } from "../../src/linear/model/model-file.js";
import { goml, inFolder } from "./goml.js";

const BOSTON = readFileSync("data/boston.csv", "utf8");

/** Runs commands, each a list of arguments, one after the other. */
const session = (...commands: string[][]) =>
  inFolder({ "boston.csv": BOSTON }, async (folder) => {
    const runs = [];
    for (const args of commands) runs.push(await goml(folder, args));
    const model = await readModel(join(folder, "model.json"));
    return { runs, model };
  });

describe("values by name", () => {
  test("are read as lists are; the last equals sign parts a name from its number", () => {
    expect(namedNumbers("rooms=0, lstat = 2")).toEqual({ rooms: 0, lstat: 2 });
    expect(namedNumbers('"price, EUR=0.5",a=b=1e3')).toEqual({ "price, EUR": 0.5, "a=b": 1000 });
    expect(namedNumbers("x=1", { y: 2 })).toEqual({ x: 1, y: 2 });
    expect(bounds("0,lstat=-Inf")).toEqual({ all: 0, named: { lstat: -Infinity } });
    expect(bounds("x=inf", { all: 3, named: { y: 1 } })).toEqual({ all: 3, named: { x: Infinity, y: 1 } });
    for (const wrong of ["x", "x=", "x=one", "=1", "1"])
      expect(() => namedNumbers(wrong)).toThrow("expected");
    for (const wrong of ["x", "x=", "", "=1"]) expect(() => bounds(wrong)).toThrow("expected");
  });
});

test("factors and bounds are in the model, the summary, the document and other commands", async () => {
  const { runs, model } = await session(
    [
      ..."train boston.csv --lambda 0.5 --alpha 1 --penalty-factors rm=0,lstat=2".split(" "),
      "--upper",
      "rm=4",
    ],
    ["inspect", "model.json", "--json"],
    ["cv", "model.json"],
    ["refit", "model.json", "--lambda", "0", "--lower", "0,lstat=-0.4,nox=-Inf"],
    ["cv", "model.json", "--lower", "0"],
    [
      "cv",
      "boston.csv",
      "--upper",
      "rm=4",
      "--lambda",
      "0.5",
      "--alpha",
      "1",
      "--penalty-factors",
      "rm=0,lstat=2",
    ],
    ["export", "model.json", "--to", "json"],
  );
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 2, 0, 0]);
  expect(model.penalty).toEqual({
    lambda: 0.5,
    alpha: 1,
    parametrization: "glmnet",
    factors: { rm: 0, lstat: 2 },
    upperIn: { rm: 4 },
  });
  expect(runs[0]!.stdout).toMatch(/^rm +4\.0000?\d* +at its upper bound$/m);
  expect(runs[0]!.stdout).toContain("lasso, λ = 0.5, penalty factors rm 0, lstat 2, rm ≤ 4\n");
  const { penalty } = JSON.parse(runs[1]!.stdout).model;
  const { objective, ...rest } = penalty;
  expect(rest).toEqual(model.penalty);
  expect(objective).toContain("α ‖C Dβ‖₁");
  const error = (text: string) => /^RMSE (\S+)/m.exec(text)![1];
  expect(error(runs[2]!.stdout)).toBe(error(runs[5]!.stdout));
  expect(runs[3]!.stdout).toContain("least squares, β ≥ 0, lstat ≥ -0.4, nox without\n");
  expect(runs[3]!.stdout).toMatch(/^lstat +-0\.40* +at its lower bound$/m);
  expect(runs[4]!.stderr).toContain("--lower needs the data, and model.json is a model");
});

test("a relaxed path shows γ beside λ, and the choice of both", async () => {
  const { runs, model } = await session(
    "train boston.csv --lambda path --alpha 1 --relax --gamma 0,1 --json".split(" "),
    "refit model.json --lambda 1se --relax".split(" "),
  );
  const { path } = JSON.parse(runs[0]!.stdout);
  const chosen = path.points[path.best];
  expect(chosen).toMatchObject({ lambda: model.penalty!.lambda, gamma: model.penalty!.gamma });
  expect(new Set(path.points.map(({ gamma }: { gamma: number }) => gamma))).toEqual(new Set([0, 1]));
  expect(runs[1]!.stdout).toMatch(
    /^path of \d+ λ and 5 γ, α = 1, cross-validated:\n +λ +γ +nonzero +R² +CV RMSE$/m,
  );
  expect(runs[1]!.stdout).toMatch(/^lasso, λ = \S+, relaxed, γ = \S+$/m);
});

test.each([
  [
    ["--penalty-factors", "rooms=0", "--lambda", "1"],
    '--penalty-factors names "rooms", which is no term',
    "there are",
  ],
  [["--penalty-factors", "rm=0"], "--penalty-factors goes with a penalty, and there is none", "add --lambda"],
  [["--lower", "3"], "--lower: a bound must be 0 or less, as in glmnet, got 3", ""],
  [["--relax"], "--relax goes with a penalty, and there is none", "add --lambda"],
  [["--lambda", "1", "--gamma", "0.5"], "--gamma is the share of the penalised fit", "add --relax"],
  [
    ["--lower", "0", "--vcov", "hc1"],
    "a fit within bounds has no standard errors",
    "leave --vcov out, or --lower",
  ],
  [["--lower", "zn"], "expected a number, or name=number", ""],
])("%j is refused", async (args, message, hint) => {
  await inFolder({ "boston.csv": BOSTON }, async (folder) => {
    const { code, stderr, left } = await goml(folder, ["train", "boston.csv", ...args]);
    expect({ code, left }).toEqual({ code: 2, left: ["boston.csv"] });
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
  });
});
