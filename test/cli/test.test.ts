import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

const files = { "b.csv": readFileSync("data/boston.csv", "utf8") };

test("test prints the tests of one model, and documents them", () =>
  inFolder(files, async (folder) => {
    await goml(folder, ["train", "b.csv", "-q"]);
    // R: linearHypothesis(lm(medv ~ ., b), c("rm = 4", "crim = zn")): F 8.8576 on 2 and 492.
    const text = await goml(folder, ["test", "model.json", "rm = 4", "crim = zn"]);
    expect(text).toMatchObject({ code: 0, stderr: "" });
    expect(text.stdout).toMatch(
      /^all 2 together: F 8\.85759 on 2 and 492 DF, p 1\.7e-4 {3}χ² 17\.7152 on 2/m,
    );
    expect(text.stdout).toContain("likelihood ratio 17.8989");
    const { stdout } = await goml(folder, ["test", "model.json", "rm = 4", "crim = zn", "--json"]);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ command: "test", target: "medv", vcov: "iid" });
    expect(document.joint.f).toBeCloseTo(8.857592, 5);
    const each = await goml(folder, [
      ...["test", "model.json", "rm = 4", "crim = zn", "--each", "--adjust", "bonferroni", "--json"],
    ]);
    const [first, second] = JSON.parse(each.stdout).hypotheses;
    expect(first.adjustedP).toBe(1);
    expect(second.adjustedP).toBe(2 * second.p);
    expect(JSON.parse(each.stdout).joint).toBeUndefined();
  }));

test("models by group are tested each; a group without the coefficient is said", () =>
  inFolder(files, async (folder) => {
    const args = [
      "train",
      "b.csv",
      "-f",
      "rm,lstat",
      "-t",
      "medv",
      "--group-by",
      "rad",
      "-m",
      "g.json",
      "-q",
    ];
    await goml(folder, args);
    const text = await goml(folder, ["test", "g.json", "rm = 4"]);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/^24 +\S+ +1 +129 +\S+/m);
    const all = JSON.parse((await goml(folder, ["test", "g.json", "rm = 4", "--json"])).stdout);
    const one = JSON.parse(
      (await goml(folder, ["test", "g.json", "rm = 4", "--json", "--group", "24"])).stdout,
    );
    expect(all.groups).toHaveLength(9);
    expect(all.groups.find(({ group }: { group: string }) => group === "24").joint).toEqual(one.joint);
    const wrong = await goml(folder, ["test", "g.json", "rn = 4"]);
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toContain("there is no coefficient rn\nhint: Did you mean rm?");
  }));

test("what cannot be tested is refused in a line", () =>
  inFolder({ ...files, "d.csv": "a,b,y\n1,2,1\n2,4,3\n3,6,2\n4,8,5\n5,10,3\n" }, async (folder) => {
    await goml(folder, ["train", "b.csv", "--lambda", "0.1", "-q", "-m", "ridge.json"]);
    await goml(folder, ["train", "d.csv", "-q", "-m", "d.json"]);
    const ridge = await goml(folder, ["test", "ridge.json", "rm"]);
    expect(ridge).toMatchObject({ code: 4, stdout: "" });
    expect(ridge.stderr).toContain("a penalised fit is biased");
    const aliased = await goml(folder, ["test", "d.json", "b"]);
    expect(aliased.stderr).toContain("b depends linearly on terms before it and has no coefficient to test");
    const adjust = await goml(folder, ["test", "d.json", "a", "--adjust", "holm"]);
    expect(adjust.code).toBe(2);
  }));

test("inspect --importance prints and documents it", () =>
  inFolder(files, async (folder) => {
    await goml(folder, ["train", "b.csv", "-f", "rm,lstat", "-t", "medv", "-q"]);
    const text = await goml(folder, ["inspect", "model.json", "--importance"]);
    expect(text.stdout).toContain("Importance of terms, R² 0.638562:");
    const { importance } = JSON.parse(
      (await goml(folder, ["inspect", "model.json", "--importance", "--json"])).stdout,
    );
    expect(importance.terms[0].share + importance.terms[1].share).toBeCloseTo(importance.r2, 12);
    const args = ["train", "b.csv", "--group-by", "rad", "--importance"];
    expect((await goml(folder, args)).stderr).toContain("--importance is printed of one model");
  }));

test("the covariance matrix stands in JSON where coefficients are few, or it is asked for", () =>
  inFolder(files, async (folder) => {
    const few = JSON.parse(
      (await goml(folder, ["train", "b.csv", "-f", "rm,lstat", "-t", "medv", "--json"])).stdout,
    );
    expect(few.covariance.names).toEqual(["(Intercept)", "rm", "lstat"]);
    few.coefficients.forEach(({ stdError }: { stdError: number }, i: number) => {
      expect(Math.sqrt(few.covariance.rows[i][i])).toBeCloseTo(stdError, 14);
    });
    // R: vcov(lm(medv ~ rm + lstat, b))[2, 3]
    expect(few.covariance.rows[1][2]).toBeCloseTo(0.0119306, 6);
    expect(few.covariance.rows[2][1]).toBe(few.covariance.rows[1][2]);
    const args = ["train", "b.csv", "--formula", "medv ~ rm + factor(zn) + factor(rad)", "--json"];
    const many = JSON.parse((await goml(folder, args)).stdout);
    expect(many.coefficients.length).toBeGreaterThan(30);
    expect(many.covariance).toBeUndefined();
    const asked = JSON.parse((await goml(folder, [...args, "--vcov-matrix"])).stdout);
    expect(asked.covariance.rows).toHaveLength(many.coefficients.length);
  }));
