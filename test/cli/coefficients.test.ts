import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

const FILES = {
  "boston.csv": readFileSync("data/boston.csv", "utf8"),
  "wages.csv": readFileSync("data/cps-wages.csv", "utf8"),
};

test("the table of coefficients has the intervals, in 80 columns", () =>
  inFolder(FILES, async (folder) => {
    const in80 = (...args: string[]) => goml(folder, args, "", { COLUMNS: "80" });
    const boston = await in80("train", "boston.csv", "--level", "0.9");
    // R: confint(lm(medv ~ ., b), level = 0.9)["rm", ] is 3.121143 and 4.498588.
    expect(boston.stdout).toMatch(/^ +Estimate +Std\. Error +t value +p +5 % +95 %$/m);
    expect(boston.stdout).toMatch(/^rm +3\.8098652 .*\*\*\* +3\.1211 +4\.4986$/m);
    const wages = await in80("train", "wages.csv");
    expect(wages.stdout).toMatch(/^education .* -1\.32 +2\.95$/m);
    const formula = "log(wage) ~ poly(experience, 2, raw = TRUE):gender";
    const long = await in80("train", "wages.csv", "--formula", formula);
    // Names of 44 characters are cut so that what tells them apart stays, and numbers are whole.
    expect(long.stdout).toMatch(/^…UE\)1:genderfemal… +0\.026582 .* 0\.01304 +0\.04012$/m);
    expect(long.stdout).toMatch(/^…RUE\)2:gendermale +-0\.000956 /m);
    for (const { stdout } of [boston, wages, long])
      for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  }));

test("train and inspect print variance inflation and correlations", () =>
  inFolder(FILES, async (folder) => {
    const train = await goml(folder, ["train", "boston.csv", "--vif", "--correlation"]);
    // R: car::vif(lm(medv ~ ., b))["tax"] is 9.008554; cov2cor(vcov(...))["tax", "rad"] is -0.7880.
    expect(train.stdout).toMatch(/^tax +9\.0086$/m);
    expect(train.stdout).toMatch(/^tax( +-?\d\.\d\d)* +-0\.79$/m);
    await goml(folder, ["train", "wages.csv", "-q"]);
    const inspect = await goml(folder, ["inspect", "model.json", "--vif"]);
    expect(inspect.stdout).toMatch(/^occupation +3\.021 +5 +1\.117$/m);
    const { stdout } = await goml(folder, ["inspect", "model.json", "--vif", "--correlation", "--json"]);
    const { vif, correlation } = JSON.parse(stdout);
    expect(vif).toHaveLength(10);
    expect(correlation.rows[3][3]).toBe(1);
    expect(correlation.rows[1][4]).toBe(correlation.rows[4][1]);
    expect(correlation.names[0]).toBe("(Intercept)");
  }));
