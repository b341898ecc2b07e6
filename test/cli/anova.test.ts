import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

const boston = readFileSync("data/boston.csv", "utf8");

test("anova --type prints type II and III, and says the coding; of several models it refuses", () =>
  inFolder({ "w.csv": readFileSync("data/cps-wages.csv", "utf8") }, async (folder) => {
    const train = (formula: string, model: string) =>
      goml(folder, ["train", "w.csv", "--formula", formula, "-m", model, "-q"]);
    await train("wage ~ education * gender", "m.json");
    const two = await goml(folder, ["anova", "m.json", "--type", "2"]);
    expect(two).toMatchObject({ code: 0, stderr: "" });
    expect(two.stdout).toContain("each term after all but those that contain it (type II)");
    const three = await goml(folder, ["anova", "m.json", "--type", "3", "--json"]);
    expect(JSON.parse(three.stdout)).toMatchObject({ type: 3, contrasts: "sum" });
    const text = await goml(folder, ["anova", "m.json", "--type", "3"]);
    expect(text.stdout).toContain("factors coded by sum contrasts (contr.sum)");
    const robust = ["train", "w.csv", "--formula", "wage ~ education * gender", "--vcov", "hc3"];
    await goml(folder, [...robust, "-m", "r.json", "-q"]);
    const wald = await goml(folder, ["anova", "r.json", "--type", "2"]);
    expect(wald.stdout).toContain("Wald tests, covariance: robust (HC3)");
    expect(wald.stdout).not.toContain("Sum Sq");
    // A test of type 1 is by squares, one of type 2 by Wald's F, which no draws make: JSON says so as the text does.
    const squares = await goml(folder, ["anova", "r.json", "--json"]);
    expect(JSON.parse(squares.stdout).notes).toEqual([
      expect.stringContaining("a robust covariance has no part"),
    ]);
    const drawn = [
      "train",
      "w.csv",
      "--formula",
      "wage ~ education",
      "--vcov",
      "bootstrap",
      "--cluster",
      "occupation",
    ];
    await goml(folder, [...drawn, "-m", "drawn.json", "-q"]);
    const draws = await goml(folder, ["anova", "drawn.json", "--type", "2", "--json"]);
    expect(JSON.parse(draws.stdout).notes).toEqual([expect.stringContaining("not of the draws")]);
    const several = await goml(folder, ["anova", "m.json", "r.json", "--type", "2"]);
    expect(several).toMatchObject({ code: 2, stdout: "" });
  }));

test("anova of one model and of two prints R's tables; of other rows it refuses", () =>
  inFolder({ "b.csv": boston, "half.csv": boston.split("\n").slice(0, 300).join("\n") }, async (folder) => {
    const train = (formula: string, model: string, data = "b.csv") =>
      goml(folder, ["train", data, "--formula", formula, "-m", model, "-q"]);
    await train("medv ~ lstat + rm", "small.json");
    await train("medv ~ .", "all.json");
    await train("medv ~ lstat", "half.json", "half.csv");
    await train("log(medv) ~ lstat", "log.json");

    // R: anova(lm(medv ~ lstat + rm, b)) prints 23243.9 with F 757.27, 4033.1 with F 131.39, and 15439.3.
    const single = await goml(folder, ["anova", "small.json"]);
    expect(single.stdout).toMatch(/^lstat +1 +23243\.91 +23243\.91 +757\.27 +\S+ +\*\*\*$/m);
    expect(single.stdout).toMatch(/^rm +1 +4033\.07 +4033\.07 +131\.39 +\S+ +\*\*\*$/m);
    expect(single.stdout).toMatch(/^Residuals +503 +15439\.31 +30\.69$/m);

    const { stdout } = await goml(folder, ["anova", "small.json", "all.json", "--json"]);
    const { table } = JSON.parse(stdout);
    // R: anova(lm(medv ~ lstat + rm, b), lm(medv ~ ., b)): 17.604 on 11 and 492.
    expect(table[1].df).toBe(11);
    expect(table[1].f).toBeCloseTo(17.604, 3);

    const rows = await goml(folder, ["anova", "all.json", "half.json"]);
    expect(rows.code).toBe(4);
    expect(rows.stderr).toMatch(
      "goml: all.json and half.json do not compare: the rows are 506 in one and 299 in the other",
    );
    const target = await goml(folder, ["anova", "all.json", "log.json"]);
    expect(target.stderr).toMatch("the target is medv in one and log(medv) in the other");
  }));
