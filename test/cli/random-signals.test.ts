import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SIGNAL_CODES } from "../../src/cli/program/exit-codes.js";
import { uniform } from "../uniform.js";
import { finished, start } from "./goml.js";

const LONG = process.env.GOML_LONG === "1";
/** Signals for each command. */
const COUNT = LONG ? 24 : 1;
const SEED = LONG ? Date.now() % 2 ** 32 : 11;
const SIGNALS = Object.keys(SIGNAL_CODES) as (keyof typeof SIGNAL_CODES)[];

/** A panel: two numbers, two factors, and what depends on them. */
function panel(rows: number, seed: number): string {
  const next = uniform(seed);
  const lines = ["x1,x2,g1,g2,y"];
  for (let i = 0; i < rows; i++) {
    const [x1, x2, g1, g2] = [next(), next(), Math.floor(300 * next()), Math.floor(9 * next())];
    lines.push(`${x1.toFixed(4)},${x2.toFixed(4)},a${g1},b${g2},${(x1 - x2 + g1 / 100 + next()).toFixed(4)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** What is printed, without its numbers, their units, and the bars and spaces between: times differ from run to run. */
const shape = (text: string) =>
  text.replace(/\d[\d,.]*(?:e[+-]?\d+)?(?: ?(?:s|ms|µs|ns|threads?)\b)?/gi, "").replace(/[^a-z]+/gi, " ");

let folder: string;
let inputs: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goml-signals-"));
  writeFileSync(join(folder, "data.csv"), panel(40_000, 1));
  writeFileSync(join(folder, "more.csv"), panel(20_000, 2));
  const train = async (...args: string[]) => {
    const { code, stderr } = await finished(start(folder, ["train", ...args, "-q"]), folder);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  };
  await train("data.csv", "-f", "x1,x2,g2", "-m", "plain.json");
  await train("data.csv", "-f", "x1,x2,g1", "-m", "levels.json");
  await train("more.csv", "-f", "x1,x2,g1", "-m", "shard.json");
  await train("data.csv", "-f", "x1,x2", "--absorb", "g1,g2", "-m", "effects.json");
  await train("data.csv", "-f", "x1,x2", "--group-by", "g1", "-m", "groups.json");
  const exported = start(folder, ["export", "plain.json", "--to", "onnx", "-o", "plain.onnx"]);
  expect((await finished(exported, folder)).code).toBe(0);
  inputs = readdirSync(folder).sort();
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const data = "data.csv";
const COMMANDS: string[][] = [
  ["train", data, "-m", "out"],
  ["train", data, "-f", "x1,g1,g2", "-m", "out", "-o", "table"],
  ["train", data, "-f", "x1,x2", "--absorb", "g1,g2", "--effects", "table", "-m", "out"],
  ["train", data, "-f", "x1,x2", "--group-by", "g1", "-m", "out"],
  ["train", data, "-f", "x1,x2,g2", "--lambda", "path", "--alpha", "0.5", "-m", "out"],
  ["train", data, "-f", "x1,x2,g2", "--solver", "qr", "--threads", "2", "-m", "out"],
  ["train", data, "-f", "x1,x2,g2", "--vcov", "hc3", "--test-size", "0.2", "-m", "out"],
  ["predict", data, "-m", "plain.json", "--append", "-o", "out"],
  ["predict", data, "-m", "plain.json", "--interval", "prediction", "-c", "2", "-o", "out"],
  ["predict", data, "-m", "effects.json", "-o", "out"],
  ["predict", data, "-m", "groups.json", "-o", "out"],
  ["predict", "more.csv", "-m", "levels.json", "-o", "out"],
  ["evaluate", data, "-m", "levels.json"],
  ["diagnose", data, "-m", "plain.json", "-o", "out"],
  ["cv", "levels.json"],
  ["cv", data, "-f", "x1,x2,g2", "--folds", "20"],
  ["select", "plain.json", "-m", "out"],
  ["refit", "levels.json", "--features", "x1", "-m", "out"],
  ["update", "levels.json", "more.csv", "-m", "out"],
  ["update", "groups.json", "more.csv", "-m", "out"],
  ["merge", "levels.json", "shard.json", "-m", "out"],
  ["forget", "levels.json", "levels.json", "-m", "out"],
  ["anova", "levels.json"],
  ["test", "levels.json", "x1"],
  ["inspect", "groups.json"],
  ["export", "levels.json", "--to", "onnx", "-o", "out"],
  ["export", "effects.json", "--to", "sql", "-o", "out"],
  ["graph", "-m", "plain.json"],
  ["graph", "-m", "plain.json", "--rows", "500", "--run", "--trace", "out"],
  ["graph", "plain.onnx", "--format", "json", "-o", "out"],
  ["bench", data, "--quick", "--suite", "train"],
];

describe("a signal at a random moment", () => {
  const draw = uniform(SEED);
  it.each(COMMANDS.map((args) => [args.join(" "), args] as const))(
    `leaves what is written whole or absent, and no other file (seed ${SEED}): %s`,
    async (_, args) => {
      const contents = () =>
        new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
      const clear = () => {
        for (const name of readdirSync(folder)) if (!inputs.includes(name)) rmSync(join(folder, name));
      };
      // Of a case that failed.
      clear();
      const before = contents();
      const began = performance.now();
      const undisturbed = await finished(start(folder, args), folder);
      const takes = performance.now() - began;
      const after = contents();
      expect(undisturbed.left.filter((name) => /^\.|tmp|lock/.test(name))).toEqual([]);
      clear();
      for (let i = 0; i < COUNT; i++) {
        const signal = SIGNALS[Math.floor(draw() * SIGNALS.length)]!;
        const moment = draw() * takes;
        const child = start(folder, args);
        const end = finished(child, folder);
        await new Promise((resolve) => setTimeout(resolve, moment));
        child.kill(signal);
        const { code, stdout, stderr } = await end;
        const where = `${signal} after ${moment.toFixed(0)} of ${takes.toFixed(0)} ms`;
        // Before the command hears signals they end it as they end any process; behind its end they come too late.
        const ends = [SIGNAL_CODES[signal], undisturbed.code, ...(child.signalCode === signal ? [null] : [])];
        expect(ends, where).toContain(code);
        if (code === SIGNAL_CODES[signal]) expect(stderr, where).not.toMatch(/goml:|internal|\n\s+at /);
        // With its own code it has done all that it does undisturbed.
        if (code === undisturbed.code) {
          expect(shape(stdout), where).toBe(shape(undisturbed.stdout));
          expect([...contents().keys()], where).toEqual([...after.keys()]);
        }
        for (const [name, bytes] of contents()) {
          expect([...before.keys(), ...after.keys()], where).toContain(name);
          const whole = [before.get(name), after.get(name)].some((one) => one?.equals(bytes));
          // What is named by its time or its path differs from run to run, and is a whole document all the same.
          if (!whole) expect(() => JSON.parse(bytes.toString()), `${where}: ${name}`).not.toThrow();
        }
        for (const name of before.keys()) expect(readdirSync(folder), where).toContain(name);
        clear();
      }
    },
    LONG ? 600_000 : 60_000,
  );

  it("leaves a model that is changed in place as it was, or as it becomes, and no lock", async () => {
    const original = readFileSync(join(folder, "levels.json"));
    const args = ["update", "changed.json", "more.csv", "-q"];
    const reset = () => writeFileSync(join(folder, "changed.json"), original);
    reset();
    const began = performance.now();
    expect((await finished(start(folder, args), folder)).code).toBe(0);
    const takes = performance.now() - began;
    const updated = readFileSync(join(folder, "changed.json"));
    for (let i = 0; i < (LONG ? 40 : 4); i++) {
      reset();
      const child = start(folder, args);
      const end = finished(child, folder);
      await new Promise((resolve) => setTimeout(resolve, draw() * takes));
      child.kill("SIGTERM");
      const { code, left } = await end;
      expect(left).toEqual([...inputs, "changed.json"].sort());
      const found = readFileSync(join(folder, "changed.json"));
      if (code === 0) expect(found.equals(updated)).toBe(true);
      else expect(found.equals(original) || found.equals(updated)).toBe(true);
    }
    rmSync(join(folder, "changed.json"));
  }, 120_000);
});
