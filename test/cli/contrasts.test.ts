import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

const terms = (text: string): string[] =>
  (JSON.parse(text) as { coefficients: { term: string }[] }).coefficients.map(({ term }) => term);

test("--contrasts codes factors when training, and again without the data", () =>
  inFolder({ "w.csv": readFileSync("data/cps-wages.csv", "utf8") }, async (folder) => {
    const train = ["train", "w.csv", "--formula", "wage ~ occupation * gender", "-m", "m.json"];
    const trained = await goml(folder, [...train, "--contrasts", "gender=sum", "--json"]);
    expect(trained.code).toBe(0);
    expect(terms(trained.stdout)).toContain("gender1");
    expect(terms(trained.stdout)).toContain("occupationmanagement:gender1");
    const text = await goml(folder, ["inspect", "m.json"]);
    expect(text.stdout).toContain("contrasts: gender contr.sum");
    const refit = ["refit", "m.json", "--contrasts", "gender=SAS", "--contrasts", "occupation=contr.helmert"];
    const recoded = await goml(folder, [...refit, "-o", "r.json", "--json"]);
    expect(terms(recoded.stdout).slice(0, 2)).toEqual(["(Intercept)", "occupation1"]);
    expect(terms(recoded.stdout)).toContain("genderfemale");
    const predict = (model: string) => goml(folder, ["predict", "w.csv", "-m", model, "-q"]);
    const [before, after] = await Promise.all(["m.json", "r.json"].map(predict));
    const numbers = (run: { stdout: string } | undefined) =>
      run!.stdout.trim().split("\n").slice(1).map(Number);
    numbers(before).forEach((value, r) => {
      // The same model in other coordinates, each solved in double-double.
      expect(Math.abs(numbers(after)[r]! - value)).toBeLessThan(1e-9);
    });
  }));

test("what cannot be coded so is refused in a line", () =>
  inFolder({ "d.csv": "y,g,x\n1,a,1\n2,b,3\n4,c,2\n3,a,5\n5,b,1\n7,c,0\n" }, async (folder) => {
    const refusal = async (...options: string[]) => {
      const { code, stderr } = await goml(folder, ["train", "d.csv", ...options]);
      expect(code).toBe(2);
      return stderr.split("\n")[0];
    };
    expect(await refusal("-t", "y", "--contrasts", "x=sum")).toBe(
      "goml: --contrasts names x: no term codes such a factor",
    );
    expect(await refusal("--formula", "y ~ g", "--contrasts", "g=summ")).toBe(
      "goml: --contrasts of g: summ is not known",
    );
    expect(await refusal("--formula", "y ~ C(g, c(1, 2))")).toContain("have 2 numbers, the factor 3 levels");
  }));
