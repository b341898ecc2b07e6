import { execFileSync } from "node:child_process";
import { copyFileSync, linkSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { finished, goml, inFolder, start } from "./goml.js";

/** A day's file; days differ. */
function day(number: number): string {
  const lines = ["a,b,y"];
  for (let i = 0; i < 40; i++) {
    const a = (i * 7 + number * 3) % 11;
    const b = (i * 5 + number) % 13;
    lines.push(`${a},${b},${2 * a - b + ((i * 31 + number * 17) % 19) / 10}`);
  }
  return `${lines.join("\n")}\n`;
}

const FILES = { "d1.csv": day(1), "d2.csv": day(2), "d3.csv": day(3) };
const rowsOf = (folder: string, file = "model.json") =>
  JSON.parse(readFileSync(join(folder, file), "utf8")).n as number;

describe("the same source a second time", () => {
  test("is refused by update, as a file, a copy, gzip and standard input; --again adds it", () =>
    inFolder({ ...FILES, "d2.csv.gz": gzipSync(day(2)) }, async (folder) => {
      await goml(folder, ["train", "d1.csv", "-q"]);
      expect(await goml(folder, ["update", "model.json", "d2.csv", "-q"])).toMatchObject({ code: 0 });
      const once = readFileSync(join(folder, "model.json"));
      copyFileSync(join(folder, "d2.csv"), join(folder, "copy.csv"));
      for (const name of ["d1.csv", "d2.csv", "copy.csv", "d2.csv.gz", "-"]) {
        const again = await goml(folder, ["update", "model.json", name, "-q"], day(2));
        expect(again).toMatchObject({ code: 4, stdout: "" });
        expect(again.stderr).toMatch(/^goml: the rows of .* are in the model already.*\nhint: .*--again\n$/);
      }
      expect(readFileSync(join(folder, "model.json"))).toEqual(once);
      await goml(folder, ["update", "model.json", "d2.csv", "-q", "--again"]);
      expect(rowsOf(folder)).toBe(120);
    }));

  test("is known where it came by standard input the first time", () =>
    inFolder(FILES, async (folder) => {
      await goml(folder, ["train", "-", "-q"], day(1));
      expect(await goml(folder, ["update", "model.json", "d1.csv"])).toMatchObject({ code: 4 });
      expect(await goml(folder, ["update", "model.json", "-", "-q"], day(2))).toMatchObject({ code: 0 });
      expect(await goml(folder, ["update", "model.json", "-"], day(2))).toMatchObject({ code: 4 });
    }));

  test("is refused by merge: one file under two names, a copy, models with a day in common", () =>
    inFolder(FILES, async (folder) => {
      for (const name of ["d1", "d2", "d3"])
        await goml(folder, ["train", `${name}.csv`, "-q", "-m", `${name}.json`]);
      symlinkSync("d1.json", join(folder, "link.json"));
      linkSync(join(folder, "d1.json"), join(folder, "hard.json"));
      for (const other of ["d1.json", "./d1.json", "link.json", "hard.json"])
        expect(await goml(folder, ["merge", "d1.json", other])).toMatchObject({
          code: 4,
          stderr: expect.stringContaining("would count twice"),
        });
      // A copy, written otherwise and without what it says of its sources.
      const { sources: _, ...rest } = JSON.parse(readFileSync(join(folder, "d1.json"), "utf8"));
      writeFileSync(join(folder, "copy.json"), JSON.stringify({ ...rest, digest: undefined }, null, 1));
      const copy = await goml(folder, ["merge", "d1.json", "copy.json", "-m", "twice.json"]);
      expect(copy).toMatchObject({ code: 4, stderr: expect.stringContaining("have the same rows") });
      await goml(folder, ["merge", "d1.json", "d2.json", "-q", "-m", "d12.json"]);
      await goml(folder, ["merge", "d2.json", "d3.json", "-q", "-m", "d23.json"]);
      const both = await goml(folder, ["merge", "d12.json", "d23.json", "-m", "all.json"]);
      expect(both).toMatchObject({ code: 4, stderr: expect.stringContaining("were both made of the same") });
      expect(both.left).not.toContain("all.json");
      expect(await goml(folder, ["merge", "d12.json", "d3.json", "-q", "-m", "all.json"])).toMatchObject({
        code: 0,
      });
      expect(rowsOf(folder, "all.json")).toBe(120);
      await goml(folder, ["merge", "d12.json", "d23.json", "-q", "--again", "-m", "more.json"]);
      expect(rowsOf(folder, "more.json")).toBe(160);
    }));

  test("may come again where forget has taken it out", () =>
    inFolder(FILES, async (folder) => {
      await goml(folder, ["train", "d1.csv", "-q"]);
      await goml(folder, ["train", "d2.csv", "-q", "-m", "d2.json", "--first-row", "40"]);
      await goml(folder, ["update", "model.json", "d2.csv", "-q"]);
      await goml(folder, ["forget", "model.json", "d2.json", "-q"]);
      expect(rowsOf(folder)).toBe(40);
      expect(await goml(folder, ["update", "model.json", "d2.csv", "-q"])).toMatchObject({ code: 0 });
      expect(rowsOf(folder)).toBe(80);
    }));

  test("touching a file changes no byte of its model", () =>
    inFolder(FILES, async (folder) => {
      await goml(folder, ["train", "d1.csv", "-q", "-m", "a.json"]);
      utimesSync(join(folder, "d1.csv"), 1, 1);
      await goml(folder, ["train", "d1.csv", "-q", "-m", "b.json"]);
      expect(readFileSync(join(folder, "a.json"))).toEqual(readFileSync(join(folder, "b.json")));
    }));

  test("train takes each file once", () =>
    inFolder(FILES, async (folder) => {
      expect(await goml(folder, ["train", "d1.csv", "./d1.csv"])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("named twice"),
      });
    }));
});

describe("changing a model in place", () => {
  test("two updates at once: none is lost", () =>
    inFolder(FILES, async (folder) => {
      await goml(folder, ["train", "d1.csv", "-q"]);
      for (let round = 4; round < 20; round += 4) {
        const runs = [0, 1, 2, 3].map((i) => {
          writeFileSync(join(folder, `n${round + i}.csv`), day(round + i));
          return finished(start(folder, ["update", "model.json", `n${round + i}.csv`, "-q"]), folder);
        });
        for (const run of await Promise.all(runs)) expect(run).toMatchObject({ code: 0 });
        expect(rowsOf(folder)).toBe(40 * (1 + round));
      }
      const { left } = await goml(folder, ["inspect", "model.json"]);
      expect(left.filter((name) => /lock|tmp/.test(name))).toEqual([]);
    }));

  test("a model that another program replaces meanwhile is left as that wrote it", () =>
    inFolder(FILES, async (folder) => {
      await goml(folder, ["train", "d1.csv", "-q"]);
      execFileSync("mkfifo", [join(folder, "slow.csv")]);
      const run = finished(start(folder, ["update", "model.json", "slow.csv"]), folder);
      // The update has read the model when it holds the lock and waits for the pipe's writer.
      const { open } = await import("node:fs/promises");
      const pipe = await open(join(folder, "slow.csv"), "w");
      await goml(folder, ["train", "d3.csv", "-q"]);
      const replaced = readFileSync(join(folder, "model.json"));
      await pipe.write(day(2));
      await pipe.close();
      expect(await run).toMatchObject({ code: 3, stderr: expect.stringContaining("changed it meanwhile") });
      expect(readFileSync(join(folder, "model.json"))).toEqual(replaced);
    }));

  test("is said in help and afterwards", () =>
    inFolder(FILES, async (folder) => {
      await goml(folder, ["train", "d1.csv", "-q"]);
      for (const command of ["update", "forget"])
        expect((await goml(folder, ["help", command])).stdout).toMatch(/in place/);
      const { stdout } = await goml(folder, ["update", "model.json", "d2.csv"]);
      expect(stdout).toMatch(/^model changed in place: model\.json$/m);
    }));

  test("does not lose robust standard errors unless told to", () =>
    inFolder(FILES, async (folder) => {
      await goml(folder, ["train", "d1.csv", "-q", "--vcov", "hc1"]);
      const before = readFileSync(join(folder, "model.json"));
      const refused = await goml(folder, ["update", "model.json", "d2.csv"]);
      expect(refused).toMatchObject({
        code: 4,
        stderr: expect.stringMatching(/hc1.*would be lost\nhint: .*--vcov iid/),
      });
      expect(readFileSync(join(folder, "model.json"))).toEqual(before);
      const note =
        /^.*\n\nnote: standard errors are classical again: hc1 needs all rows at once\n\ny on 2 terms/;
      const beside = await goml(folder, ["update", "model.json", "d2.csv", "-m", "other.json"]);
      expect(beside.stdout).toMatch(note);
      const told = await goml(folder, ["update", "model.json", "d2.csv", "--vcov", "iid"]);
      expect(told.stdout).toMatch(note);
      const refit = await goml(folder, ["refit", "other.json", "-f", "a"]);
      expect(refit.stdout).not.toContain("classical again");
      await goml(folder, ["train", "d1.csv", "-q", "--vcov", "hc1", "-m", "r.json"]);
      for (const args of [
        ["refit", "r.json", "-f", "a"],
        ["select", "r.json"],
      ]) {
        const { stdout } = await goml(folder, args);
        expect(stdout.indexOf("note: standard errors are classical again")).toBeLessThan(
          stdout.indexOf("Estimate"),
        );
        expect(stdout).toContain("note: standard errors are classical again");
      }
    }));
});

describe("an input is never an output", () => {
  test.each([
    [["train", "d1.csv", "-m", "d1.csv"]],
    [["train", "d1.csv", "-m", "./d1.csv"]],
    [["train", "d1.csv", "-m", "link.csv"]],
    [["train", "d1.csv", "-o", "hard.csv"]],
    [["train", "d1.csv", "--group-by", "a", "-m", "d1.csv"]],
    [["train", "d1.csv", "-m", "new.json", "-o", "./new.json"]],
    [["diagnose", "d1.csv", "-o", "d1.csv"]],
    [["diagnose", "d1.csv", "-o", "model.json"]],
    [["predict", "d1.csv", "-o", "model.json"]],
    [["predict", "d1.csv", "-o", "link.csv"]],
    [["predict", "-o", "d1.csv"]],
    [["evaluate", "d1.csv", "-m", "d1.csv"]],
    [["merge", "model.json", "two.json", "-m", "two.json"]],
    [["refit", "model.json", "-f", "a", "-m", "./model.json"]],
    [["update", "model.json", "d2.csv", "-m", "d2.csv"]],
    [["forget", "model.json", "two.json", "-m", "two.json"]],
    [["export", "model.json", "--to", "sql", "-o", "model.json"]],
    [["graph", "-o", "model.json"]],
  ])("%j", (args) =>
    inFolder(FILES, async (folder) => {
      await goml(folder, ["train", "d1.csv", "-q"]);
      await goml(folder, ["train", "d2.csv", "-q", "-m", "two.json"]);
      symlinkSync("d1.csv", join(folder, "link.csv"));
      linkSync(join(folder, "d1.csv"), join(folder, "hard.csv"));
      const read = () =>
        ["d1.csv", "d2.csv", "model.json", "two.json"].map((name) => readFileSync(join(folder, name)));
      const before = read();
      const { left: names } = await goml(folder, ["--version"]);
      const run = await goml(folder, args);
      expect(run.code).toBeGreaterThan(1);
      expect(run.stderr.split("\n").length).toBe(3);
      expect(read()).toEqual(before);
      expect(run.left).toEqual(names);
    }),
  );

  test("not by redirection either", () =>
    inFolder(FILES, async (folder) => {
      await goml(folder, ["train", "d1.csv", "-q"]);
      const { GOML } = await import("./goml.js");
      const { spawnSync } = await import("node:child_process");
      const run = spawnSync("sh", ["-c", `"${process.execPath}" "${GOML}" predict d1.csv >> d1.csv`], {
        cwd: folder,
        encoding: "utf8",
      });
      expect(run.status).toBe(2);
      expect(readFileSync(join(folder, "d1.csv"), "utf8")).toBe(day(1));
    }));
});
