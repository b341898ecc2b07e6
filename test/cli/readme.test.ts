import { execFile } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GOML } from "./goml.js";

const run = promisify(execFile);
const readme = readFileSync("README.md", "utf8");
const folder = mkdtempSync(join(tmpdir(), "goml-readme-"));

/** The blocks of a language. */
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map((match) => match[1]!);

/** The commands of a block and what they print; a line of `…` stands for any lines. */
const steps = (block: string) =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command, ...output] = part.trimEnd().split("\n");
      return { command: command!, output };
    });

/** Durations, thread counts and when a node ran are the machine's own. */
const steady = (text: string) =>
  text
    .replace(/ +[·█][·█ ]*\d/g, " 0")
    .replace(/\d+(\.\d+)? (ms|s|µs)(?!\w)/g, "T")
    .replace(/\b\d+ threads?\b/g, "N threads")
    .trimEnd();

beforeAll(() => {
  cpSync("data", join(folder, "data"), { recursive: true });
  mkdirSync(join(folder, "bin"));
  for (const [name, script] of [
    ["npx", '#!/bin/sh\nexec "$@"\n'],
    ["goml", `#!/bin/sh\nexec "${process.execPath}" "${GOML}" "$@"\n`],
  ] as const) {
    writeFileSync(join(folder, "bin", name), script);
    chmodSync(join(folder, "bin", name), 0o755);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the README's terminal sessions print what it shows", () => {
  test.each(
    blocks("console")
      .flatMap(steps)
      .map((step) => [step.command, step.output] as const),
  )("%s", async (command, expected) => {
    const path = [join(folder, "bin"), process.env.PATH].join(delimiter);
    const env = { ...process.env, NO_COLOR: "1", PATH: path };
    // As in a terminal: both streams in one, and nothing on standard input.
    const shell = ["-c", `exec 2>&1 </dev/null\n${command}`];
    const { stdout } = await run("sh", shell, { cwd: folder, env }).catch((error) => error);
    const pattern = steady(expected.join("\n"))
      .split("…")
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join("[^]*");
    expect(steady(stdout)).toMatch(new RegExp(`^${pattern}$`));
  });
});

test("the README's library example runs", async () => {
  const [example] = blocks("js");
  const entry = pathToFileURL(resolve("dist/index.js")).href;
  expect(
    example!
      .trim()
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("//")).length,
  ).toBeLessThanOrEqual(10);
  writeFileSync(join(folder, "example.mjs"), example!.replace('"goml"', JSON.stringify(entry)));
  const { stdout } = await run(process.execPath, ["example.mjs"], { cwd: folder });
  expect(stdout).toContain("3.806256298");
});

test("the README's machine example runs", async () => {
  const example = blocks("js").find((block) => block.includes("goml/machine"))!;
  const entry = pathToFileURL(resolve("dist/machine/index.js")).href;
  writeFileSync(join(folder, "machine.mjs"), example.replace('"goml/machine"', JSON.stringify(entry)));
  const { stdout } = await run(process.execPath, ["machine.mjs"], { cwd: folder });
  const numbers = stdout.trim().split(/\s+/).map(Number);
  const s = (z: number) => 1 / (1 + Math.exp(-z));
  expect(numbers[0]).toBe(s(2));
  // dy/dw = x·σ′(w·x + b), for x = 1, 2, 3; rounded in another order.
  for (const x of [1, 2, 3]) expect(numbers[x]).toBeCloseTo(x * s(x / 2 + 1) * (1 - s(x / 2 + 1)), 14);
  // The fixed point w = σ(w + 1), to what the tolerance allows.
  let fixed = 0.5;
  for (let i = 0; i < 100; i++) fixed = s(fixed + 1);
  expect(numbers[5]).toBeCloseTo(fixed, 11);
});

test("the README's ONNX example runs", async () => {
  const example = blocks("js").find((block) => block.includes("goml/onnx"))!;
  const entry = (room: string) => JSON.stringify(pathToFileURL(resolve(`dist/${room}/index.js`)).href);
  const goml = (...args: string[]) => run(process.execPath, [GOML, ...args], { cwd: folder });
  await goml("train", "data/boston.csv", "-f", "rm,lstat", "-m", "for-onnx.json");
  await goml("export", "for-onnx.json", "--to", "onnx", "-o", "model.onnx");
  writeFileSync(join(folder, "rows.csv"), "rm,lstat\n6.5,5\n7,3\n");
  const { stdout: predictions } = await goml("predict", "rows.csv", "-m", "for-onnx.json");
  const code = example.replace('"goml/machine"', entry("machine")).replace('"goml/onnx"', entry("onnx"));
  writeFileSync(join(folder, "onnx.mjs"), code);
  const { stdout } = await run(process.execPath, ["onnx.mjs"], { cwd: folder });
  expect(stdout).toContain("name: 'X'");
  const found = stdout
    .slice(stdout.lastIndexOf("[ ["))
    .match(/-?\d+\.\d+/g)!
    .map(Number);
  const wanted = predictions.trim().split("\n").slice(1).map(Number);
  expect(found).toHaveLength(2);
  for (const [i, want] of wanted.entries()) expect(found[i]).toBeCloseTo(want, 10);
});

test("the README names every command", async () => {
  const { stdout } = await run(process.execPath, [GOML, "--help"]);
  const commands = [...stdout.matchAll(/^ {2}(\w+) {2,}/gm)].map((match) => match[1]!);
  expect(commands).toContain("train");
  for (const command of commands) expect(readme).toContain(`### goml ${command}\n`);
});
