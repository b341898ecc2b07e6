import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

const FILES = { "wages.csv": readFileSync("data/cps-wages.csv", "utf8") };
const OPTIONS = ["-t", "wage", "-f", "education,experience", "--absorb", "occupation"];

test("absorbed effects: summary, JSON, effects and predictions", () =>
  inFolder(FILES, async (folder) => {
    const train = await goml(folder, ["train", "wages.csv", ...OPTIONS, "--effects", "effects.csv"]);
    expect(train.code).toBe(0);
    // R: summary(lm(wage ~ education + experience + occupation, w)), on 526 degrees of freedom.
    expect(train.stdout).toMatch(/ on 526 degrees of freedom$/m);
    expect(train.stdout).toMatch(
      /^absorbed: occupation \(6 levels\), 6 degrees of freedom {3}within R² 0\.\d+$/m,
    );
    const effects = readFileSync(join(folder, "effects.csv"), "utf8").trimEnd().split("\n");
    expect(effects[0]).toBe("factor,level,effect");
    expect(effects).toHaveLength(7);
    const { stdout } = await goml(folder, ["inspect", "model.json", "--json"]);
    expect(JSON.parse(stdout).model.absorbed).toMatchObject({
      factors: [{ factor: "occupation", levels: 6 }],
      rank: 6,
    });
    const predictions = await goml(folder, ["predict", "wages.csv"]);
    await goml(folder, ["train", "wages.csv", "-t", "wage", "-f", "education,experience,occupation", "-q"]);
    const whole = await goml(folder, ["predict", "wages.csv"]);
    const values = (text: string) => text.trimEnd().split("\n").slice(1).map(Number);
    const expected = values(whole.stdout);
    expect(values(predictions.stdout).length).toBe(534);
    for (const [i, value] of values(predictions.stdout).entries())
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-11);
  }));

test("refit and select take a model with absorbed effects, cv its data", () =>
  inFolder(FILES, async (folder) => {
    await goml(folder, ["train", "wages.csv", ...OPTIONS, "-q", "--drop-singletons"]);
    const refitted = await goml(folder, ["refit", "model.json", "--features", "education", "--json"]);
    expect(JSON.parse(refitted.stdout).model.absorbed.rank).toBe(6);
    const selected = await goml(folder, ["select", "model.json", "-q"]);
    expect(selected.code).toBe(0);
    const { stdout } = await goml(folder, ["cv", "wages.csv", ...OPTIONS, "--folds", "5"]);
    expect(stdout).toMatch(/^RMSE 4\.\d+ .* out of fold$/m);
  }));

test("an exported model has the effects", () =>
  inFolder(FILES, async (folder) => {
    await goml(folder, ["train", "wages.csv", ...OPTIONS, "-q", "--effects", "effects.csv"]);
    const { stdout } = await goml(folder, ["export", "model.json", "--to", "sql"]);
    const effects = readFileSync(join(folder, "effects.csv"), "utf8").trimEnd().split("\n").slice(1);
    for (const line of effects) expect(stdout).toContain(line.split(",")[2]);
  }));

test("what absorbed effects do not go with is refused in one line", () =>
  inFolder(FILES, async (folder) => {
    const refused = async (args: string[], message: string, code: number) =>
      expect(await goml(folder, args)).toMatchObject({
        code,
        stdout: "",
        stderr: expect.stringContaining(message),
      });
    const train = ["train", "wages.csv", ...OPTIONS];
    await refused([...train, "--lambda", "path", "--folds", "1"], "there are no folds", 2);
    await refused(["train", "wages.csv", "--effects", "e.csv"], "goml: --effects goes with --absorb", 2);
    await goml(folder, [...train, "-q"]);
    await refused(["select", "model.json", "--criterion", "cv"], "needs the folds' moments", 2);
    await refused(["cv", "model.json"], "has no cross-validation folds", 2);
    await refused(
      ["predict", "wages.csv", "--machine", "tape"],
      "the machines predict without absorbed effects",
      4,
    );
  }));
