import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

test("effects prints average effects, and documents them", () =>
  inFolder({ "w.csv": readFileSync("data/cps-wages.csv", "utf8") }, async (folder) => {
    const run = (...args: string[]) => goml(folder, args);
    await run("train", "w.csv", "--formula", "wage ~ education * gender + log(age)", "-m", "m.json", "-q");
    const text = await run("effects", "m.json", "education", "gender", "--level", "0.9");
    expect(text).toMatchObject({ code: 0, stderr: "" });
    expect(text.stdout).toMatch(/^Average effects on wage\n/);
    expect(text.stdout).toMatch(/^gender {2,}male − female {2,}\d/m);
    expect(text.stdout).toMatch(/5 % +95 %/);
    const document = JSON.parse((await run("effects", "m.json", "gender", "--json")).stdout);
    expect(document).toMatchObject({ command: "effects", target: "wage", vcov: "iid" });
    expect(document.effects).toMatchObject([{ column: "gender", level: "male", reference: "female" }]);
    const all = await run("effects", "m.json");
    expect(all).toMatchObject({ code: 0, stderr: "" });
    expect(all.stdout).toMatch(/^note: NA: .*\n(.*\n)+age +NA/);
    const refused = await run("effects", "m.json", "age");
    expect(refused).toMatchObject({ code: 4, stdout: "" });
    expect(refused.stderr).toMatch(
      /mean effect of age in log\(age\) needs\nhint: goml means --trend age has its slope at a value, by --at/,
    );
    expect((await run("effects", "m.json", "agee")).stderr).toContain("Did you mean age?");
  }));
