import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BundleLoader } from "../../../src/cli/program/code-cache.js";
import { goml, inFolder } from "../goml.js";

const DATA = `x,y\n${Array.from({ length: 30 }, (_, i) => `${i},${2 * i + (i % 3)}\n`).join("")}`;

/** The files of code below a folder, of the one build. */
function codeIn(folder: string): string[] {
  const [build] = existsSync(folder) ? readdirSync(folder) : [];
  return build === undefined ? [] : readdirSync(join(folder, build)).map((name) => join(folder, build, name));
}

describe("the command's code", () => {
  const train = ["train", "d.csv", "--folds", "1", "-m", "m.json"];

  test("is kept by a run that went well and taken by the next, which prints the same", () =>
    inFolder({ "d.csv": DATA }, async (folder) => {
      const cache = { NODE_COMPILE_CACHE: join(folder, "cache") };
      const first = await goml(folder, train, "", cache);
      const files = codeIn(join(folder, "cache", "goml"));
      expect(files.map((file) => file.replace(/.*\//, "")).sort()).toEqual([
        "colour.js",
        "program.js",
        "train.js",
      ]);
      const before = files.map((file) => statSync(file).mtimeMs);
      const second = await goml(folder, train, "", cache);
      const timeless = (text: string) => text.replace(/\d+(\.\d+)? m?s\b/g, "");
      expect([first.code, second.code]).toEqual([0, 0]);
      expect(timeless(second.stdout)).toBe(timeless(first.stdout));
      // It was taken, and not made again.
      expect(files.map((file) => statSync(file).mtimeMs)).toEqual(before);
    }));

  test("is made anew by V8 where it is damaged, and is not kept after an error, with flags or where that is unwanted", () =>
    inFolder({ "d.csv": DATA }, async (folder) => {
      const at = join(folder, "cache");
      const cache = { NODE_COMPILE_CACHE: at };
      expect((await goml(folder, ["train", "none.csv"], "", cache)).code).toBe(3);
      expect((await goml(folder, train, "", { ...cache, NODE_DISABLE_COMPILE_CACHE: "1" })).code).toBe(0);
      expect(
        (await goml(folder, train, "", { ...cache, NODE_OPTIONS: "--max-old-space-size=500" })).code,
      ).toBe(0);
      expect(codeIn(join(at, "goml"))).toEqual([]);
      await goml(folder, train, "", cache);
      const whole = await goml(folder, ["inspect", "m.json"], "", cache);
      for (const file of codeIn(join(at, "goml"))) {
        const bytes = readFileSync(file);
        for (const damaged of [
          bytes.subarray(0, bytes.length / 2),
          bytes.map((b, i) => (i > 99 ? b ^ 1 : b)),
        ]) {
          writeFileSync(file, damaged);
          const found = await goml(folder, ["inspect", "m.json"], "", cache);
          expect([found.code, found.stdout, found.stderr]).toEqual([0, whole.stdout, ""]);
        }
      }
    }));

  test("of threads is kept too, taken by the next run, and made anew where it is damaged", () =>
    // Of several chunks, for which threads start.
    inFolder({ "d.csv": DATA, "long.csv": `x\n${"123456789\n".repeat(300_000)}` }, async (folder) => {
      const cache = { NODE_COMPILE_CACHE: join(folder, "cache") };
      const predict = ["predict", "long.csv", "-q", "-m", "m.json", "-c", "2"];
      await goml(folder, train, "", cache);
      const serial = await goml(folder, predict.slice(0, -2), "", cache);
      const first = await goml(folder, predict, "", cache);
      const kept = codeIn(join(folder, "cache", "goml")).find((file) => file.endsWith("predict-worker.js"))!;
      const before = statSync(kept).mtimeMs;
      const second = await goml(folder, predict, "", cache);
      expect(statSync(kept).mtimeMs).toBe(before);
      const bytes = readFileSync(kept);
      writeFileSync(kept, bytes.subarray(0, bytes.length / 2));
      const third = await goml(folder, predict, "", cache);
      expect(statSync(kept).size).toBeGreaterThan(bytes.length / 2);
      for (const { code, stdout, stderr } of [first, second, third])
        expect([code, stdout === serial.stdout, stderr]).toEqual([0, true, ""]);
    }));

  test("is done without where it cannot be written", () =>
    inFolder({ "d.csv": DATA, cache: "a file, no folder" }, async (folder) => {
      const done = await goml(folder, train, "", { NODE_COMPILE_CACHE: join(folder, "cache") });
      expect([done.code, done.stderr]).toEqual([0, ""]);
      expect(readFileSync(join(folder, "cache"), "utf8")).toBe("a file, no folder");
    }));

  test.skipIf(process.platform !== "linux")("is done without where the system makes no folders", () =>
    inFolder({ "d.csv": DATA }, async (folder) => {
      const done = await goml(folder, train, "", { NODE_COMPILE_CACHE: "/proc/none" });
      expect([done.code, done.stderr]).toEqual([0, ""]);
    }),
  );
});

test("a bundle loads its neighbours once, and modules by Node's own import", () =>
  inFolder({}, async (folder) => {
    mkdirSync(join(folder, "b"));
    const write = (name: string, text: string) => writeFileSync(join(folder, "b", name), text);
    write(
      "one.js",
      'exports.two = require("./two.js"); exports.later = () => Promise.all([__import("./two.js"), __import("m"), __import("node:os"), require("node:os")]);',
    );
    write(
      "two.js",
      "exports.count = (globalThis.__loads = (globalThis.__loads ?? 0) + 1); exports.twice = (x) => 2 * x;",
    );
    for (const kept of [undefined, join(folder, "k"), join(folder, "k")]) {
      Object.assign(globalThis, { __loads: 0 });
      const loader = new BundleLoader({
        folder: join(folder, "b"),
        kept,
        require: createRequire(import.meta.url),
        importModule: async (id) => `module ${id}`,
        text: (name, around) => around.join(readFileSync(join(folder, "b", name), "utf8")),
      });
      const one = loader.load("one.js") as {
        two: { count: number; twice(x: number): number };
        later(): Promise<unknown[]>;
      };
      const [two, m, ...os] = await one.later();
      const own = process.getBuiltinModule("node:os");
      expect([two, m, ...os]).toEqual([one.two, "module m", own, own]);
      expect([one.two.count, one.two.twice(21)]).toEqual([1, 42]);
      loader.keep();
      expect(existsSync(join(folder, "k", "two.js"))).toBe(kept !== undefined);
    }
  }));
