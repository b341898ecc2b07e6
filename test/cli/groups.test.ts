import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

const boston = readFileSync("data/boston.csv", "utf8");

/** Runs commands in a folder that has boston.csv and models of medv by rad; what each printed, JSON parsed. */
async function session(...lines: string[]) {
  return inFolder({ "boston.csv": boston }, async (folder) => {
    const first = ["train", "boston.csv", "--group-by", "rad", "-f", "lstat,rm,age", "--folds", "4", "-q"];
    await goml(folder, [...first, "-m", "groups.json"]);
    await goml(folder, ["train", "boston.csv", "-f", "lstat,rm,age", "-q", "-m", "all.json"]);
    const runs = [];
    for (const line of lines) {
      const { code, stdout, stderr } = await goml(folder, line.split(" "));
      runs.push({
        code,
        stderr,
        text: stdout,
        json: stdout.startsWith("{") ? JSON.parse(stdout) : undefined,
      });
    }
    const written = ["step.json", "one.json"].filter((name) => existsSync(join(folder, name)));
    const models = Object.fromEntries(
      written.map((name) => [name, JSON.parse(readFileSync(join(folder, name), "utf8"))]),
    );
    return { runs, models };
  });
}

test("cv tells each group's error and that of all, the same for models and for their data", async () => {
  const { runs } = await session(
    "cv groups.json",
    "cv groups.json --json",
    "cv boston.csv --group-by rad -f lstat,rm,age --folds 4 --json",
    "cv groups.json --group 24 --json",
    "cv groups.json --group 23",
    "cv all.json --group 24",
    "cv groups.json --group-by rad",
  );
  const [table, models, data, one, none, single, again] = runs;
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 2, 2, 2]);
  expect(table!.text).toMatch(/^24 +132 +4 +\S+ +\S+ +\S+$/m);
  expect(models!.json.groups).toHaveLength(9);
  expect(data!.json.groups).toEqual(models!.json.groups);
  expect(data!.json.cv).toEqual(models!.json.cv);
  const own = models!.json.groups.find(({ group }: { group: string }) => group === "24");
  expect(one!.json.cv.mse).toBe(own.mse);
  expect(one!.json.folds).toHaveLength(4);
  // The error of all is that of the rows of all.
  const squares = models!.json.groups.reduce((sum: number, { n, mse }: typeof own) => sum + n * mse, 0);
  expect(models!.json.cv.mse).toBeCloseTo(squares / 506, 10);
  expect(none!.stderr).toContain("groups.json has no model for 23");
  expect(single!.stderr).toContain("all.json is one model, without groups");
  expect(again!.stderr).toContain("--group-by needs the data, and groups.json is a model");
});

test("select chooses the same terms for all groups, by the criterion of all", async () => {
  const { runs, models } = await session(
    "select groups.json --json -m step.json",
    "select groups.json --direction best --json",
    "select groups.json --group 24 --json -m one.json",
    "select groups.json --criterion cv --json",
    "select groups.json",
  );
  const [step, best, one, cv, text] = runs;
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
  const { selection } = step!.json;
  // n ln(RSS/n) + 2 p of every group's summary, summed.
  const aic = step!.json.groups.reduce(
    (sum: number, { fit }: { fit: { aicExtract: number } }) => sum + fit.aicExtract,
    0,
  );
  expect(selection.value).toBeCloseTo(aic, 8);
  expect(best!.json.selection.value).toBeLessThanOrEqual(selection.value + 1e-9);
  expect(best!.json.selection.bySize.map(({ rank }: { rank: number }) => rank)).toEqual([9, 18, 27, 36]);
  const written = models["step.json"];
  expect(written.format).toBe("goml-model-group");
  expect(written.models[0]?.model.terms ?? written.fits.terms).toEqual(
    step!.json.groups[0].coefficients.slice(1).map(({ term }: { term: string }) => term),
  );
  expect(models["one.json"].format).toBe("goml-model");
  expect(one!.json.selection.terms).toBeDefined();
  expect(cv!.json.selection.value).toBeGreaterThan(0);
  expect(text!.text).toMatch(/^Step: AIC = /);
});

test("anova sums the groups up, and compares them with the model of all rows", async () => {
  const { runs } = await session(
    "anova groups.json",
    "anova groups.json --json",
    "anova all.json groups.json --json",
    "anova groups.json --group 24 --json",
    "anova all.json --group 24",
  );
  const [text, all, chow, one, wrong] = runs;
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 2]);
  expect(text!.text).toMatch(/^lstat +9 /m);
  expect(text!.text).toMatch(/^24 +128 /m);
  expect(all!.json.groups).toHaveLength(9);
  expect(one!.json.table).toEqual(
    all!.json.groups.find(({ group }: { group: string }) => group === "24").table,
  );
  // R: b$g <- factor(b$rad); anova(lm(medv ~ lstat + rm + age, b), lm(medv ~ g * (lstat + rm + age), b))
  expect(chow!.json.table[1].df).toBe(32);
  expect(chow!.json.table[1].f).toBeCloseTo(13.355860625241238, 9);
  expect(wrong!.stderr).toContain("without groups");
});

test("the tables of coefficients and effects of all groups are those of each by itself", () =>
  inFolder({ "boston.csv": boston }, async (folder) => {
    const what = ["-f", "lstat,rm", "--absorb", "chas", "-t", "medv", "-q"];
    const tables = ["-o", "coefficients.csv", "--effects", "effects.csv"];
    const read = (name: string) => {
      const [header, ...lines] = readFileSync(join(folder, name), "utf8").trimEnd().split("\n");
      return { header, rows: lines.map((line) => line.split(",")) };
    };
    const { code, stderr } = await goml(folder, [
      "train",
      "boston.csv",
      ...what,
      ...tables,
      "--group-by",
      "rad",
      "-m",
      "groups.json",
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [coefficients, effects] = ["coefficients.csv", "effects.csv"].map(read);
    expect(coefficients!.header).toBe("group,term,estimate,stdError,t,p,lower,upper");
    expect(effects!.header).toBe("group,factor,level,effect");
    expect([...new Set(coefficients!.rows.map(([group]) => group))]).toEqual([
      "1",
      "2",
      "3",
      "4",
      "5",
      "6",
      "7",
      "8",
      "24",
    ]);
    for (const group of ["3", "24"]) {
      const alone = [
        "train",
        "boston.csv",
        ...what,
        ...tables,
        "--where",
        `rad == ${group}`,
        "-m",
        "one.json",
      ];
      expect((await goml(folder, alone)).code).toBe(0);
      for (const [name, all] of [
        ["coefficients.csv", coefficients!],
        ["effects.csv", effects!],
      ] as const) {
        const own = all.rows.filter(([of]) => of === group).map(([, ...rest]) => rest);
        const { rows } = read(name);
        expect(own).toHaveLength(rows.length);
        rows.forEach((row, i) => {
          row.forEach((cell, j) => {
            // Chunks of other rows, and so sums in another order: the last digits.
            if (Number.isFinite(Number(cell)) && j > 1)
              expect(Math.abs(Number(own[i]![j]) / Number(cell) - 1)).toBeLessThan(1e-9);
            else if (j < 1) expect(own[i]![j]).toBe(cell);
          });
        });
      }
    }
  }));

test("what is of one model says how to get it of one group", () =>
  inFolder({ "boston.csv": boston }, async (folder) => {
    const train = (...more: string[]) =>
      goml(folder, [
        "train",
        "boston.csv",
        "-f",
        "lstat,rm",
        "--group-by",
        "rad",
        "-m",
        "groups.json",
        ...more,
      ]);
    for (const [more, hint] of [
      [["--vif"], "goml inspect groups.json --group NAME --vif"],
      [["--correlation"], "goml inspect groups.json --group NAME --correlation"],
      [["--vcov", "hc1"], `--where 'rad == "…"' --vcov hc1`],
      [["--effects", "e.csv"], "no effects were absorbed"],
    ] as const) {
      const { code, stderr } = await train(...more);
      expect(code).toBe(2);
      expect(stderr).toContain(hint);
      expect(existsSync(join(folder, "groups.json"))).toBe(false);
    }
  }));
