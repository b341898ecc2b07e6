import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

/** Two models of Boston's first rows, which lie in a folder of their own. */
const inModels = (work: (run: (...args: string[]) => ReturnType<typeof goml>) => Promise<void>) =>
  inFolder({}, async (folder) => {
    copyFileSync("data/boston.csv", join(folder, "boston.csv"));
    await goml(folder, ["train", "boston.csv", "-q", "-m", "a.json"]);
    await goml(folder, ["train", "boston.csv", "-q", "-f", "rm,lstat", "-m", "b.json"]);
    await work((...args) => goml(folder, args));
  });

test("a model is named by an argument or by -m, to the same effect", async () => {
  await inModels(async (run) => {
    for (const [before, after] of [
      [["inspect"], []],
      [["anova"], []],
      [["cv"], []],
      [["select"], []],
      [["refit"], ["-f", "rm"]],
      [["test"], ["rm = 4"]],
      [["means"], ["rm", "--at", "rm=5,6"]],
      [["plot"], ["--kind", "coef"]],
      [["report"], ["boston.csv", "-o", "-"]],
      [["export"], ["--to", "sql"]],
      [["graph"], []],
      [["evaluate"], ["boston.csv"]],
      [["diagnose"], ["boston.csv"]],
      [["predict"], ["boston.csv", "-q"]],
    ] as const) {
      const [by, option] = [
        await run(...before, "a.json", ...after),
        await run(...before, "-m", "a.json", ...after),
      ];
      expect([by.code, by.stderr, by.stdout === ""], before[0]).toEqual([0, "", false]);
      expect(option, before[0]).toEqual(by);
    }
  });
});

test("behind a model that is named, -m is where select, refit, inspect, update and forget write", async () => {
  await inModels(async (run) => {
    for (const args of [
      ["select", "a.json", "-m", "c.json"],
      ["select", "-m", "a.json", "-o", "d.json"],
      ["refit", "-m", "a.json", "-f", "rm", "-o", "e.json"],
      ["update", "b.json", "boston.csv", "--again", "-m", "f.json"],
      ["update", "-m", "b.json", "boston.csv", "--again", "-o", "g.json"],
      ["forget", "-m", "f.json", "b.json", "-o", "h.json"],
    ]) {
      const { code, stderr, left } = await run(...args);
      expect([args.join(" "), code, stderr]).toEqual([args.join(" "), 0, expect.any(String)]);
      expect(left).toContain(args.at(-1));
    }
    expect((await run("inspect", "c.json")).stdout).toBe((await run("inspect", "d.json")).stdout);
    expect((await run("inspect", "f.json")).stdout).toBe((await run("inspect", "g.json")).stdout);
  });
});

test("a model that is named twice, or not at all, is refused", async () => {
  await inModels(async (run) => {
    for (const args of [
      ["anova", "a.json", "-m", "b.json"],
      ["export", "a.json", "-m", "b.json", "--to", "sql"],
      ["evaluate", "a.json", "boston.csv", "-m", "b.json"],
      ["test", "a.json", "rm = 4", "-m", "b.json"],
    ])
      expect(await run(...args)).toMatchObject({
        code: 2,
        stderr: "goml: the model is named twice: a.json, and --model b.json\n",
      });
    for (const [args, lacking] of [
      [["inspect"], "models"],
      [["refit"], "model.json"],
      [["evaluate", "a.json"], "data.csv"],
      [["update", "a.json"], "more.csv"],
      [["test", "-m", "a.json"], "hypotheses"],
    ] as const)
      expect(await run(...args)).toMatchObject({
        code: 2,
        stderr: `goml: missing required argument '${lacking}'\nhint: see goml help ${args[0]}\n`,
      });
  });
});

test("JSON lines are data, though they begin with a brace", async () => {
  const rows = Array.from({ length: 12 }, (_, i) => `{"x":${i},"y":${(i * 7) % 5}}\n`).join("");
  await inFolder({ "d.jsonl": rows }, async (folder) => {
    const { code, stdout } = await goml(folder, ["cv", "d.jsonl", "--folds", "3"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining(", 3 folds, seed 1")]);
  });
});
