import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { goml, inFolder } from "../cli/goml.js";
import { json } from "./in-case.js";

const csv = (seed: number) =>
  `g,x,y\n${Array.from({ length: 30 }, (_, i) => `${"ab"[i % 2]},${(i * seed) % 31},${(i * 7) % 13}\n`).join("")}`;

describe("rows that would count twice", () => {
  it("are noted where files of one fit hold the same bytes, by groups too", () =>
    inFolder({ "a.csv": csv(5), "b.csv": csv(7), "c.csv": csv(5) }, async (folder) => {
      const args = ["-t", "y", "-f", "x"];
      const note = "c.csv holds the same bytes as a.csv: their rows count twice";
      expect((await json(folder, ["train", "a.csv", "b.csv", "c.csv", ...args])).notes).toEqual([note]);
      expect((await json(folder, ["train", "a.csv", "b.csv", ...args])).notes).toEqual([]);
      const { stdout } = await goml(folder, ["train", "a.csv", "c.csv", ...args, "--group-by", "g"]);
      expect(stdout).toContain(`note: ${note}\n`);
    }));

  it("are refused by update, among its own files too", () =>
    inFolder({ "a.csv": csv(5), "b.csv": csv(7), "c.csv": csv(7) }, async (folder) => {
      await goml(folder, ["train", "a.csv", "-t", "y", "-f", "x", "-q"]);
      const { code, stderr } = await goml(folder, ["update", "model.json", "b.csv", "c.csv"]);
      expect([code, stderr.split("\n")[0]]).toEqual([
        4,
        "goml: of b.csv, c.csv two hold the same bytes: their rows would count twice",
      ]);
      expect((await json(folder, ["update", "model.json", "b.csv", "c.csv", "--again"])).fit.n).toBe(90);
    }));

  it("are known as twice there: forget takes one copy out, and the other is refused again", () =>
    inFolder({ "a.csv": csv(5), "b.csv": csv(7) }, async (folder) => {
      for (const [grow, target] of [
        [["update", "a.json", "b.csv"], "a.json"],
        [["merge", "a.json", "b.json", "-m", "ab.json"], "ab.json"],
      ] as const) {
        for (const name of ["a", "b"])
          await goml(folder, ["train", `${name}.csv`, "-t", "y", "-f", "x", "-q", "-m", `${name}.json`]);
        writeFileSync(join(folder, "copy.csv"), csv(7));
        expect((await goml(folder, grow)).code).toBe(0);
        expect((await goml(folder, ["update", target, "copy.csv"])).code).toBe(4);
        await goml(folder, ["update", target, "copy.csv", "--again"]);
        await goml(folder, ["forget", target, "b.json"]);
        expect((await json(folder, ["inspect", target])).fit.n).toBe(60);
        expect((await goml(folder, ["update", target, "copy.csv"])).code).toBe(4);
        await goml(folder, ["forget", target, "b.json"]);
        expect((await goml(folder, ["update", target, "copy.csv"])).code).toBe(0);
      }
    }));
});

describe("a cell that a model cannot read", () => {
  it("is not said to be read by options that the model has decided", () =>
    inFolder(
      { "d.csv": csv(5), "new.csv": "x,g,y\n1,a,2\n80 kg,a,2\n", "odd.csv": "x,g,y\n1,a,2\nred,a,2\n" },
      async (folder) => {
        await goml(folder, ["train", "d.csv", "-t", "y", "-f", "x", "-q"]);
        for (const command of [["predict"], ["evaluate"], ["diagnose"], ["update", "model.json"]])
          for (const [file, hint] of [
            ["new.csv", "hint: such numbers are read with --strip kg\n"],
            [
              "odd.csv",
              "hint: correct the cell, or write NA if the value is missing (--na-values red says so for all of them)\n",
            ],
          ] as const) {
            const { code, stderr } = await goml(folder, [...command, file]);
            expect(code).toBe(3);
            expect(stderr).toContain(`goml: ${file}:3: column "x": expected a number, found`);
            expect(stderr).toContain(hint);
          }
      },
    ));
});
