import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readAnyModel } from "../../src/linear/model/model-file.js";
import { goml, inFolder } from "./goml.js";

const BOSTON = readFileSync("data/boston.csv", "utf8");
const [HEADER, ...ROWS] = BOSTON.trim().split("\n") as [string, ...string[]];
const part = (from: number, to?: number) => `${[HEADER, ...ROWS.slice(from, to)].join("\n")}\n`;

/** Runs command lines one after the other in a folder with Boston, whole and in two shards; gives all runs. */
function session(...lines: string[]) {
  const files = { "boston.csv": BOSTON, "a.csv": part(0, 300), "b.csv": part(300) };
  return inFolder(files, async (folder) => {
    const runs = [];
    for (const line of lines) runs.push(await goml(folder, line.split(" ")));
    const model = async (name: string) => (await readAnyModel(join(folder, name))).toJSON();
    const last = runs.at(-1)!;
    const models = last.left.filter((name) => name.endsWith(".json"));
    return {
      ...last,
      runs,
      models: Object.fromEntries(await Promise.all(models.map(async (name) => [name, await model(name)]))),
    };
  });
}

test("inspect prints train's document again, from the model file", async () => {
  const { runs } = await session("train boston.csv --json --test-size 0.2", "inspect model.json --json");
  const [trained, inspected] = runs.map(({ stdout }) => JSON.parse(stdout));
  const { timing: _, command, ...rest } = trained;
  expect(command).toBe("train");
  expect(inspected).toEqual({ ...rest, command: "inspect" });
});

test("inspect prints the summary again, and two models side by side", async () => {
  const { runs } = await session(
    "train boston.csv",
    "inspect model.json",
    "refit model.json -f lstat,rm -m small.json",
    "inspect model.json small.json",
    "inspect model.json small.json --json",
  );
  const summary = (text: string) => text.replace(/^read .*\n|^model written.*\n/gm, "");
  expect(summary(runs[1]!.stdout)).toBe(summary(runs[0]!.stdout));
  expect(runs[3]!.stdout.replace(/ +/g, " ")).toMatchSnapshot();
  const { models } = JSON.parse(runs[4]!.stdout);
  expect(models.map((one: { model: { path: string } }) => one.model.path)).toEqual([
    "model.json",
    "small.json",
  ]);
});

test("cv tells the error fold by fold, the same for a model and for its data", async () => {
  const { runs } = await session(
    "train boston.csv --folds 5 -q",
    "cv model.json",
    "cv boston.csv --folds 5",
    "cv model.json --json",
    "cv model.json --folds 3",
  );
  expect(runs[1]!.stdout).toMatchSnapshot();
  expect(runs[2]!.stdout).toBe(runs[1]!.stdout);
  const document = JSON.parse(runs[3]!.stdout);
  expect(document).toMatchObject({
    command: "cv",
    data: { n: 506, seed: 1 },
    cv: { rmse: expect.any(Number) },
  });
  expect(document.folds).toHaveLength(5);
  expect(Object.keys(document.folds[0].coefficients)).toHaveLength(14);
  expect(runs[4]).toMatchObject({
    code: 2,
    stderr:
      "goml: --folds needs the data, and model.json is a model\nhint: name the CSV, or see goml refit\n",
  });
});

describe("select", () => {
  test("prints R's step table and writes the model that it chose", async () => {
    const { runs, models } = await session("train boston.csv -q", "select model.json -m selected.json");
    // R: step(lm(medv ~ ., b)) drops age and indus, from AIC 1589.64 to 1587.65 and 1585.76.
    const { stdout } = runs[1]!;
    expect(stdout.slice(0, stdout.indexOf("medv on"))).toMatchSnapshot();
    expect(models["selected.json"].terms).toHaveLength(11);
    expect(models["selected.json"].moments.columns).toHaveLength(12);
  });

  test("every direction and criterion gives one JSON document", async () => {
    const ways = [
      "--direction both --criterion cv",
      "--direction forward --criterion aic",
      "--direction backward --criterion bic",
      "--direction best --criterion cv",
    ];
    const { runs } = await session(
      "train boston.csv -q -f lstat,rm,age,dis,ptratio",
      ...ways.map((way) => `select model.json --json ${way}`),
    );
    for (const [i, { stdout, stderr, code }] of runs.slice(1).entries()) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const { selection, model } = JSON.parse(stdout);
      expect(`--direction ${selection.direction} --criterion ${selection.criterion}`).toBe(ways[i]);
      expect(model.terms).toContain("lstat");
    }
  });
});

test("refit writes only where it is told to", async () => {
  const { runs, models } = await session(
    "train boston.csv -q",
    "refit model.json -f rm,lstat --lambda path --alpha 1 --json",
    "refit model.json -f rm,lstat -o small.json -q",
    "refit model.json -f lstta",
  );
  expect(runs[1]!.left).not.toContain("small.json");
  const document = JSON.parse(runs[1]!.stdout);
  expect(document.model.penalty).toMatchObject({ alpha: 1, objective: expect.stringContaining("1/(2W)") });
  expect(document.path.points).toHaveLength(100);
  expect(document.path.points[document.path.best].lambda).toBe(document.model.penalty.lambda);
  expect(runs[2]).toMatchObject({ code: 0, stdout: "", stderr: "" });
  expect(models["small.json"].formula).toBe("medv ~ rm + lstat");
  expect(models["model.json"].terms).toHaveLength(13);
  expect(runs[3]).toMatchObject({ code: 2, stderr: expect.stringContaining('hint: did you mean "lstat"?') });
});

test("shards merge, update and are forgotten", async () => {
  const { runs, models } = await session(
    "train boston.csv -q",
    "train a.csv -m a.json -q",
    "train b.csv -m b.json -q --first-row 300",
    "merge b.json a.json -m all.json --json",
    "forget all.json b.json -o rest.json",
    "update rest.json b.csv",
    "inspect rest.json --json",
  );
  expect(runs.map(({ code }) => code)).toEqual(Array(7).fill(0));
  const whole = models["model.json"];
  for (const name of ["all.json", "rest.json"]) {
    const found = models[name];
    whole.coefficients.forEach((b: number, i: number) => {
      expect(Math.abs(found.coefficients[i] / b - 1)).toBeLessThan(1e-12);
    });
    expect(found.scan).toEqual({ ...whole.scan, test: null });
  }
  expect(JSON.parse(runs[3]!.stdout)).toMatchObject({ command: "merge", merged: ["b.json", "a.json"] });
  expect(runs[4]!.stdout).toMatch(/^206 rows of b\.json taken out of 506, at no cost to accuracy\n/);
  expect(runs[5]!.stdout).toMatch(/^206 rows of b\.csv added to 300\n/);
  expect(JSON.parse(runs[6]!.stdout).data).toEqual({ rows: 506, dropped: 0 });
});

test("models that do not fit together are refused with exit code 4, and nothing is written", async () => {
  const { runs, left } = await session(
    "train a.csv -m a.json -q",
    "train b.csv -m b.json -q -x age,tax",
    "merge a.json b.json -m all.json",
    "merge a.json a.json -m all.json",
    "forget a.json b.json",
    "update b.json model.csv",
  );
  expect(runs[2]).toMatchObject({
    code: 4,
    stderr:
      "goml: a.json and b.json do not fit together: b.json has no age, tax\n" +
      "hint: train the shards with the same options\n",
  });
  expect(runs[3]).toMatchObject({ code: 4, stderr: expect.stringContaining("a.json is named twice") });
  expect(runs[4]).toMatchObject({ code: 4 });
  expect(runs[5]).toMatchObject({ code: 3 });
  expect(left).toEqual(["a.csv", "a.json", "b.csv", "b.json", "boston.csv"]);
});

test("train --group-by writes models that predict, evaluate and inspect know, one of which can be taken out", async () => {
  const { runs, models, left } = await session(
    "train boston.csv --group-by rad -f lstat,rm -q -m groups.json",
    "train boston.csv --group-by rad -f lstat,rm --json --test-size 0.2 -m other.json",
    "inspect groups.json",
    "predict boston.csv -m groups.json -o predicted.csv --quiet",
    "evaluate boston.csv -m groups.json --json",
    "inspect groups.json --group 24 -m one.json --json",
    "inspect groups.json --group 23",
    "graph -m groups.json",
    "train boston.csv --group-by rad --vcov hc3",
    "inspect other.json --json",
  );
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0, 2, 4, 2, 0]);
  expect(runs[2]!.stdout).toMatchSnapshot();
  const { timing: _, notes, command, ...trained } = JSON.parse(runs[1]!.stdout);
  expect(command).toBe("train");
  expect(trained.groups).toHaveLength(9);
  expect(trained.test.n).toBe(112);
  expect(JSON.parse(runs[9]!.stdout)).toEqual({ ...trained, command: "inspect" });
  expect(left).toContain("predicted.csv");
  // Nine fits of their own: Σ n · mse over the groups is n · mse of all.
  const { metrics } = JSON.parse(runs[4]!.stdout);
  expect(metrics.n).toBe(506);
  expect(JSON.parse(runs[5]!.stdout).fit.n).toBe(132);
  expect(models["one.json"].terms).toEqual(["lstat", "rm"]);
  expect(runs[6]!.stderr).toContain("groups.json has no model for 23");
  expect(runs[7]!.stderr).toMatch(/^goml: groups\.json holds 9 models, by rad\nhint: /);
  expect(notes).toEqual([]);
});

test("probability weights: no likelihood is printed, none is selected by, and no errors are made up", () =>
  inFolder({ "w.csv": readFileSync("data/cps-wages.csv", "utf8") }, async (folder) => {
    const how = [
      "-t",
      "wage",
      "-f",
      "education,experience",
      "--weights",
      "age",
      "--weights-kind",
      "probability",
    ];
    const { stdout } = await goml(folder, ["train", "w.csv", ...how, "-m", "p.json"]);
    expect(stdout).toContain("standard errors, t, p and intervals: robust (HC1)");
    expect(stdout).toContain("probability weights age: no likelihood, and no AIC");
    expect(stdout).not.toMatch(/\bNA\b|log-likelihood/);
    const refused = async (code: number, message: string, ...args: string[]) =>
      expect(await goml(folder, args)).toMatchObject({ code, stderr: expect.stringContaining(message) });
    await refused(2, "no likelihood, and so no AIC", "select", "p.json");
    await refused(4, "sums of squares make no F", "anova", "p.json");
    await goml(folder, ["refit", "p.json", "-f", "education", "-q", "-m", "less.json"]);
    await refused(4, "errors are robust, which needs all rows at once", "test", "less.json", "education = 1");
    const groups = ["train", "w.csv", ...how, "--group-by", "gender"];
    await refused(2, "--weights-kind probability does not go with --group-by", ...groups);
  }));
