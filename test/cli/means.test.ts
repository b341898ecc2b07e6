import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

test("means prints marginal means, pairs and slopes, and documents them", () =>
  inFolder({ "w.csv": readFileSync("data/cps-wages.csv", "utf8") }, async (folder) => {
    const train = (formula: string, model: string) =>
      goml(folder, ["train", "w.csv", "--formula", formula, "-m", model, "-q"]);
    await train("wage ~ education * race + gender", "m.json");
    const text = await goml(folder, ["means", "m.json", "race", "--pairs"]);
    expect(text).toMatchObject({ code: 0, stderr: "" });
    // R: emmeans(lm(wage ~ education * race + gender, w), ~ race)
    expect(text.stdout).toMatch(/^hispanic {2,}\d/m);
    expect(text.stdout).toMatch(/^hispanic − white /m);
    expect(text.stdout).toContain("Tukey's studentized range");
    expect(text.stdout).toMatch(/^at education 13\.0187; other factors' levels count alike/m);
    const slopes = await goml(folder, ["means", "m.json", "race", "--trend", "education", "--json"]);
    const document = JSON.parse(slopes.stdout);
    expect(document).toMatchObject({ command: "means", trend: "education", columns: ["race"] });
    expect(document.means).toHaveLength(3);
    expect(document.pairs).toBeUndefined();
    const at = await goml(folder, ["means", "m.json", "education", "--at", "education=8,16", "--json"]);
    const [low, high] = JSON.parse(at.stdout).means;
    const [slope] = JSON.parse(
      (await goml(folder, ["means", "m.json", "--trend", "education", "--json"])).stdout,
    ).means;
    expect((high.estimate - low.estimate) / 8).toBeCloseTo(slope.estimate, 8);
    const wrong = await goml(folder, ["means", "m.json", "rase"]);
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toContain("no factor rase");
    await train("wage ~ race | occupation", "a.json");
    const absorbed = await goml(folder, ["means", "a.json", "race"]);
    expect(absorbed.stdout).toContain("absorbed effects leave means without a level");
  }));
