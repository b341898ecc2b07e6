import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

const files = () => ({
  "w.csv": readFileSync("data/cps-wages.csv", "utf8"),
  "labels.json": JSON.stringify({ education: "Years | of school", wage: "Wage" }),
  "list.json": "[1]",
});

test("table puts models side by side in every format, and refuses what would mislead", () =>
  inFolder(files(), async (folder) => {
    const run = (...args: string[]) => goml(folder, args);
    await run("train", "w.csv", "--formula", "wage ~ education + race", "-m", "a.json", "-q");
    const one = await run(
      "train",
      "w.csv",
      "--formula",
      "wage ~ education",
      "-m",
      "b.json",
      "--format",
      "markdown",
    );
    expect(one).toMatchObject({ code: 0, stderr: "" });
    expect(one.stdout).toMatch(/^\| {2}\| b \|\n/);
    const text = await run("table", "a.json", "b.json", "--beneath", "ci");
    expect(text).toMatchObject({ code: 0, stderr: "" });
    // R: confint(lm(wage ~ education, w)): 0.6023 to 0.8986
    expect(text.stdout).toMatch(/^education .*0\.75\d\d?\*\*\*/m);
    expect(text.stdout).toContain("95 % confidence intervals in brackets.");
    const named = await run(
      ...["table", "a.json", "b.json", "--names", "Large,Small", "--labels", "labels.json"],
      ...["--drop", "^race", "--statistics", "n,bic", "-o", "t.md", "--title", "Wages"],
    );
    expect(named).toMatchObject({ code: 0, stdout: "", stderr: "" });
    const markdown = readFileSync(`${folder}/t.md`, "utf8");
    expect(markdown).toMatch(/^\*\*Wages\*\*\n\n\| {2}\| Large \| Small \|\n/);
    expect(markdown).toContain("| Years \\| of school |");
    expect(markdown).toContain("2 more terms are not shown.");
    const document = JSON.parse((await run("table", "a.json", "b.json", "--json")).stdout);
    expect(document.models.map(({ name }: { name: string }) => name)).toEqual(["a", "b"]);
    expect(document.models[0].statistics.n).toBe(534);
    const latex = await run("table", "a.json", "--format", "latex");
    expect(latex.stdout).toContain("\\begin{tabular}{lc}");
    for (const [args, message] of [
      [["--keep", "edu("], "--keep edu("],
      [["--keep", "nothing"], "--keep nothing matches no term"],
      [["--names", "x,y"], "--names has 2, and there are 1 models"],
      [["--labels", "list.json"], "list.json does not hold labels"],
      [["--labels", "none.json"], "cannot read the labels none.json: ENOENT"],
      [["--statistics", "n,q2"], "--statistics: there is no q2"],
      [["--json", "--format", "latex"], "--json does not go with --format latex"],
      [["-o", "a.json"], "a.json"],
    ] as const) {
      const wrong = await run("table", "a.json", ...args);
      expect(wrong).toMatchObject({ code: 2, stdout: "" });
      expect(wrong.stderr).toContain(message);
    }
  }));

test("each group is a column, and any number of them is tidy", () =>
  inFolder(files(), async (folder) => {
    const run = (...args: string[]) => goml(folder, args);
    const train = ["train", "w.csv", "-t", "wage", "-f", "education", "-m", "g.json", "--group-by"];
    const tidy = await run(...train, "race", "--format", "tidy");
    expect(tidy).toMatchObject({ code: 0, stderr: "" });
    expect(tidy.stdout.split("\n")).toHaveLength(1 + 3 * 2 + 1);
    const text = await run("table", "g.json");
    expect(text.stdout).toMatch(/^ +hispanic +other +white$/m);
    const one = await run("table", "g.json", "--group", "white", "--format", "glance");
    expect(one.stdout.split("\n")[1]).toMatch(/^g,wage,0\.\d+,/);
    const many = await run("table", ...Array.from({ length: 17 }, () => "g.json"));
    expect(many).toMatchObject({ code: 2, stdout: "" });
    expect(many.stderr).toMatch(/models side by side are no table\nhint: --format tidy or glance/);
  }));
