import { mkdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

/** Sixty rows of two targets, one of them with a name that is no file's, and a column that is called as a list of two. */
function table(): string {
  const lines = ['a,"log(b)","a,x",x,g'];
  for (let r = 0; r < 60; r++) {
    const x = Math.sin(r);
    lines.push(
      [r % 20 === 3 ? "" : 1 + x + Math.cos(r * r), 3 - x + Math.sin(r * r), r, x, "pqr"[r % 3]].join(","),
    );
  }
  return `${lines.join("\n")}\n`;
}

const read = (folder: string, name: string) => JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));

describe("goml train with several targets", () => {
  test("writes a model for each, and tells of all", () =>
    inFolder({ "rows.csv": table() }, async (folder) => {
      const asked = ["train", "rows.csv", "-t", "a,log(b)", "-f", "x,g"];
      const { code, stdout, stderr, left } = await goml(folder, [...asked, "-o", "theta.csv"]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(left).toEqual(["model.a.json", "model.log-b.json", "rows.csv", "theta.csv"]);
      expect(stdout).toContain("3 rows that lack only some of them left out");
      expect(stdout).toMatch(/^a on 3 terms/m);
      expect(stdout).toMatch(/^log\(b\) on 3 terms/m);
      expect(stdout).toMatch(/Joint tests of a, log\(b\), terms in sequence\n\n +Df +Pillai/);
      expect(stdout).toMatch(/models written to model\.a\.json, model\.log-b\.json\n$/);
      const lines = readFileSync(`${folder}/theta.csv`, "utf8").split("\n");
      expect(lines[0]).toBe("target,term,estimate,stdError,t,p,lower,upper");
      expect(lines.slice(1, 9).map((line) => line.split(",").slice(0, 2).join())).toEqual(
        ["a", "log(b)"].flatMap((target) =>
          ["(Intercept)", "x", "gq", "gr"].map((term) => `${target},${term}`),
        ),
      );
      const printed = await goml(folder, [...asked, "--json", "--vcov", "hc1"]);
      const document = JSON.parse(printed.stdout);
      expect(document.targets.map((one: { model: object }) => one.model)).toMatchObject([
        { target: "a", path: "model.a.json", vcov: { type: "hc1" } },
        { target: "log(b)", path: "model.log-b.json", vcov: { type: "hc1" } },
      ]);
      expect(document.joint.targets).toEqual(["a", "log(b)"]);
      expect(Object.keys(document.joint.terms[0])).toEqual([
        "term",
        "df",
        "pillai",
        "wilks",
        "hotellingLawley",
        "roy",
      ]);
      expect(document.data).toMatchObject({ rows: 60, dropped: 3 });
      const other = await goml(folder, ["anova", "model.log-b.json", "--test", "wilks", "--json"]);
      const wilks = (list: { wilks: { f: number } }[]) => list.map((one) => one.wilks.f.toPrecision(12));
      expect(wilks(JSON.parse(other.stdout).joint.terms)).toEqual(wilks(document.joint.terms));
      const table_ = await goml(folder, [...asked, "--format", "markdown"]);
      expect(table_.stdout.split("\n")[0]).toMatch(/\| a +\| log\(b\) +\|/);
    }));

  test("takes a column that is called as a list for one target", () =>
    inFolder({ "rows.csv": table() }, async (folder) => {
      const { code, left } = await goml(folder, ["train", "rows.csv", "-t", "a,x", "-f", "g", "-q"]);
      expect({ code, left }).toEqual({ code: 0, left: ["model.json", "rows.csv"] });
      expect(read(folder, "model.json").target).toBe("a,x");
      // Which stays, and is what commands read that are given no model.
      const both = await goml(folder, ["train", "rows.csv", "-t", "a,log(b)", "-f", "x"]);
      expect(both.stdout).toContain("model.json is of an earlier fit and stays as it is");
      expect(read(folder, "model.json").target).toBe("a,x");
    }));

  test("leaves out all targets of what a dot stands for, and tells files apart by numbers", () =>
    inFolder({ "rows.csv": "A,a,x\n1,4,1\n3,3,2\n2,5,3\n5,1,5\n4,2,4\n" }, async (folder) => {
      const formula = ["--formula", "cbind(A, log(a)) ~ ."];
      const { code, left } = await goml(folder, ["train", "rows.csv", ...formula, "-q", "-m", "new.json"]);
      expect({ code, left }).toEqual({ code: 0, left: ["new.A.json", "new.log-a.json", "rows.csv"] });
      expect(read(folder, "new.log-a.json")).toMatchObject({ terms: ["x"], formula: "log(a) ~ x" });
      const both = await goml(folder, ["train", "rows.csv", "-t", "A,a", "-q"]);
      expect(both.left).toContain("model.a-2.json");
    }));

  test("writes all files or none", () =>
    inFolder({ "rows.csv": table() }, async (folder) => {
      mkdirSync(`${folder}/model.x.json`);
      const { code, stderr, left } = await goml(folder, ["train", "rows.csv", "-t", "log(b),x", "-f", "g"]);
      expect(code).toBe(3);
      expect(stderr).toContain("model.x.json");
      expect(left).toEqual(["model.x.json", "rows.csv"]);
    }));

  test("is diagnosed by the rows of the fit, in which all targets are known", () =>
    inFolder({ "rows.csv": table() }, async (folder) => {
      await goml(folder, ["train", "rows.csv", "-t", "a,log(b)", "-f", "x,g", "-q"]);
      const { stdout } = await goml(folder, ["diagnose", "rows.csv", "-m", "model.log-b.json"]);
      expect(stdout).toMatch(/^Residuals of log\(b\), 57 of 60 rows, 3 left out by --where, or lacking a\n/);
    }));

  test("predicts a column for each target", () =>
    inFolder({ "rows.csv": table() }, async (folder) => {
      await goml(folder, ["train", "rows.csv", "-t", "a,log(b)", "-f", "x,g", "-q"]);
      const models = ["model.log-b.json", "model.a.json"];
      const both = await goml(folder, ["predict", ...models, "rows.csv", "-q"]);
      const alone = [];
      for (const model of models) alone.push(await goml(folder, ["predict", model, "rows.csv", "-q"]));
      const columns = alone.map(({ stdout }) => stdout.trim().split("\n").slice(1));
      expect(both.stdout.trim().split("\n")).toEqual([
        "log(b),a",
        ...columns[0]!.map((value, r) => `${value},${columns[1]![r]}`),
      ]);
      const appended = await goml(folder, ["predict", ...models, "rows.csv", "--append", "-q"]);
      expect(appended.stdout.split("\n")[0]).toBe('a,"log(b)","a,x",x,g,log(b)_2,a_2');
      const bounds = await goml(folder, ["predict", ...models, "rows.csv", "--interval", "prediction"]);
      expect(bounds).toMatchObject({ code: 2, stdout: "" });
      await goml(folder, ["train", "rows.csv", "-t", "a", "-f", "x", "-q", "-m", "other.json"]);
      const odd = await goml(folder, ["predict", "model.a.json", "other.json", "rows.csv"]);
      expect(odd.code).toBe(4);
      expect(odd.stderr).toContain("read other columns: they are not of one fit");
    }));

  test("refuses in one line what has one target", () =>
    inFolder({ "rows.csv": table() }, async (folder) => {
      const refused = async (...more: string[]) => {
        const { code, stderr, left } = await goml(folder, ["train", "rows.csv", "-f", "x", ...more]);
        expect(left).toEqual(["rows.csv"]);
        return `${code} ${stderr.split("\n")[0]}`;
      };
      const several = ["-t", "a,log(b)"];
      expect(await refused(...several, "--solver", "qr")).toMatch(/^2 .*--solver qr has one target/);
      expect(await refused(...several, "-m", "-")).toMatch(/^2 .*standard output takes one/);
      const counted = ["--weights", "a,x", "--weights-kind", "frequency", "--report", "page.html"];
      expect(await refused(...several, ...counted)).toMatch(/^4 .*are not diagnosed/);
      expect(await refused("-t", "a,a")).toMatch(/^2 .*a is a target twice/);
      expect(await refused("-t", "a,nothing")).toMatch(/^2 .*no column "nothing"/);
      expect(await refused("-t", "a,g")).toMatch(/^3 .*the target holds text/);
      expect(await refused(...several, "--window", "20")).toMatch(/^2 .*a, log\(b\) are several targets/);
      expect(await refused(...several, "--group-by", "g")).toMatch(/^2 .*models by group have one target/);
      const folds = await goml(folder, ["cv", "rows.csv", "-f", "x", ...several]);
      expect(folds).toMatchObject({ code: 2, stderr: expect.stringContaining("are several targets") });
      expect(await refused("--formula", "cbind(a, x) ~ g", "--group-by", "g")).toMatch(/^2 .*one target/);
      expect(await refused("--formula", "cbind(y = a, x) ~ g")).toMatch(/^2 .*keep their own names/);
      expect(await refused("--formula", "cbind(x, lag(a)) ~ g", "--time", "a,x")).toMatch(
        /^2 .*not made of other rows/,
      );
      expect(await refused("--formula", "cbind(a, x) ~ a")).toMatch(/^2 .*the target a is among the terms/);
    }));
});
